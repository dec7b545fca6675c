"""The verdict: three-valued, with every point and every check explained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lab.diagnosis import Diagnosis
from lab.grading.onset import Onset
from lab.grading.truth import Truth
from lab.history import Check, Outcome

PASS_MARK = 70
"""Points of a hundred from which a diagnosis counts as one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the diagnosis.

    `earned` of `possible` points; `open` of them could not be judged, and are neither won nor lost.
    `lines` say why, one human sentence each.
    """

    name: str
    possible: int
    earned: int
    open: int
    lines: tuple[str, ...]

    @property
    def judged(self) -> int:
        """The points that could be judged."""
        return self.possible - self.open


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the first measured breach of an objective; None: it never happened.

    To acknowledge: the first time. To diagnose: the last diagnosis, which counts. To mitigate:
    until the objectives began to hold for good, before the lab tried whether they hold when it
    happens again.

    `broke_at` is when the lab let it break and `breached_at` when an objective was first measured
    broken, both in Unix seconds; None when none was.
    Doing something before the breach counts as doing it at once.
    """

    broke_at: float
    breached_at: float | None
    acknowledged_s: float | None
    diagnosed_s: float | None
    mitigated_s: float | None


@dataclass(frozen=True, slots=True)
class Burn:
    """The error budget that the incident burnt.

    `outage_s` is the failed share summed over time: seconds of a complete outage that would have
    failed as many requests. `share` is that as a part of the period's budget (1 = all of it). Both
    are None when too little was measured; `reason` says so.
    """

    outage_s: float | None
    share: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the lab has to say about one incident.

    `points` of `possible` (100 less what could not be judged). `arithmetic` are ready-made lines
    from the parts to the points. `order` are the measured onsets of the signals in the truth's
    chain, in the learner's and in the evidence, earliest first. `answer` and `diagnosis` are what
    was compared. `light`: it was a night with half the customers. `put_back` is what was changed by
    hand, and is as it was; empty until the stack is home.
    """

    incident: str
    scenario: str
    diagnosed: Outcome
    diagnosed_why: str
    points: int
    possible: int
    parts: tuple[Part, ...]
    arithmetic: tuple[str, ...]
    mitigated: Outcome
    mitigated_why: str
    checks: tuple[Check, ...]
    times: Times
    burnt: Burn
    order: tuple[Onset, ...]
    answer: Truth
    diagnosis: Diagnosis | None
    light: bool = False
    put_back: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types, for `--json` and for keeping."""
        return asdict(self)
