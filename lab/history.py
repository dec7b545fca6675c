"""What happened in one incident: everything that grading and the report need, and nothing else.

A history is gathered first and judged later (see lab/grade.py), so it is plain data: no clock, no
network. It is self-contained: it carries what the catalogue said about its signals when it was
recorded, so that it can be graded anywhere, years later. Times are Unix seconds UTC.

lab/archive.py saves and loads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, Protocol

from pydantic import Field

from lab.diagnosis import Diagnosis
from lab.grading.truth import Truth
from lab.series import Condition, Direction, Moment, Number, Series, Span, Tolerance


class Outcome(StrEnum):
    """The three values of a verdict; `UNKNOWN` is: it could not be measured."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, truth: bool | None) -> Outcome:
        """Pass for True, fail for False, unknown for None."""
        if truth is None:
            return cls.UNKNOWN
        return cls.PASS if truth else cls.FAIL

    @classmethod
    def all(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """One failure decides; else one unknown leaves it open; else it passed."""
        seen = set(outcomes)
        if cls.FAIL in seen:
            return cls.FAIL
        return cls.UNKNOWN if cls.UNKNOWN in seen else cls.PASS


Name = Annotated[str, Field(pattern=r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$", max_length=200)]
"""What something is called, and what a file may be called after: never a way to another folder."""

MOST = 100
"""Of whatever a person or a scenario lists one by one."""

_RATE_WINDOW = re.compile(r"\brate\([^()]*\[(\d+(?:\.\d+)?)s\]\)")

LATE_S = 5.0
"""Nothing in this stack takes longer than this before somebody gives up on it: the customers' and
the database's time-outs."""

EventKind = Literal[
    "started",  # the incident was opened; detail: the page's promise or nothing
    "injected",  # a fault began, confirmed by its witness; detail: the fault's name
    "breached",  # an objective was first measured broken; detail: the condition
    "paged",  # the pager rang; detail: the page's text
    "acknowledged",
    "hint",  # a hint was taken; detail: its number and price
    "diagnosed",  # a diagnosis was recorded; detail: component, cause
    "action",  # something the learner did to the stack, as far as the lab saw it; detail: what
    "note",  # the learner's own remark
    "claimed",  # the learner says that it is fixed
    "recovered",  # the objectives began to hold for good; detail: what was measured
    "relapsed",  # they broke again while being watched
    "gave-up",
    "failed",  # what was to break later did not, as it should have; detail: the fault's name, why
    "healed",  # the lab undid the fault; detail: the fault's name
    "ended",
    "put-back",  # something was changed by hand, and is as it was; detail: what
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at one moment; `detail` is a human sentence or name, never markup."""

    at: Moment
    kind: EventKind
    detail: str = ""


class _CatalogueLine(Protocol):
    """What `SignalFacts.of` reads of a line of the signal catalogue."""

    @property
    def unit(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def direction(self) -> Direction: ...
    @property
    def component(self) -> str: ...
    @property
    def tolerance(self) -> Tolerance: ...
    @property
    def absent(self) -> float | None: ...
    @property
    def late_s(self) -> float: ...
    @property
    def age(self) -> bool: ...
    @property
    def expr(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """What the catalogue said about one signal when the history was recorded.

    `direction` is the way that is bad; `absent` is what a missing series among present ones means;
    `window_s` is how far back its rates look: a change is smeared over that many seconds; 0 for a
    gauge. `late_s` is how long after it began a change may show, since it is counted later. Where
    `lasts`, its values are seconds that something took, which shows when it ends: it began as long
    before. Where `age`, they are seconds for which something has gone on and that has not ended.
    """

    unit: str
    meaning: str
    direction: Direction
    component: str
    tolerance: Tolerance
    absent: Number | None = None
    window_s: Number = 5.0
    late_s: Number = 0.0
    lasts: bool = False
    age: bool = False

    def late_by(self, value: float) -> float:
        """How many seconds before it shows a change to this value may have begun."""
        return self.late_s + (min(LATE_S, abs(value)) if self.lasts else 0.0)

    @classmethod
    def of(cls, line: _CatalogueLine) -> SignalFacts:
        """The facts of one line of the catalogue; its window is read from its PromQL."""
        windows = [float(seconds) for seconds in _RATE_WINDOW.findall(line.expr)]
        return cls(
            line.unit,
            line.meaning,
            line.direction,
            line.component,
            line.tolerance,
            line.absent,
            max(windows, default=0.0),
            line.late_s,
            lasts=line.unit == "s" and bool(windows),
            age=line.age,
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """One piece of evidence, re-executed when the diagnosis was recorded.

    `claim` is what the learner wrote (a signal's name, PromQL, a panel's address) and `window` the
    absolute time it speaks of. `signals` are the catalogue's names that it touches. `baseline` is
    what the same expression gave over the incident's baseline, `observed` over the window.
    `problem` says why it could not be re-executed: then it is unknown, never worthless.
    """

    claim: str
    window: Span
    signals: tuple[str, ...]
    baseline: tuple[Series, ...]
    observed: tuple[Series, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One named question of the recovery, answered when it was measured."""

    name: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """What a fault's independent witness said at the end of the recovery's window.

    `active` is None when the witness could not be asked; `detail` says why, or what it saw. A
    `lasting` one is not the learner's to undo: it must still be there.
    """

    name: str
    active: bool | None
    detail: str = ""
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class FixSeen:
    """A fix that the scenario accepts although what broke may stay broken, seen to be in place.

    `without` are services that need not be there then; `keep`, where it has any, are the objectives
    that count instead of the incident's.
    """

    what: str
    without: tuple[str, ...] = ()
    keep: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """One declared service or replica: is it there and healthy? `up` is None when nobody knows."""

    name: str
    up: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DataSeen:
    """The audit of the customers' ledger against the database and the published files.

    Counts are of acknowledged writes; `problem` says why it could not be done.
    """

    checked: int = 0
    lost: int = 0
    doubled: int = 0
    unfinished: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class LoadSeen:
    """The customers over the recovery's window.

    `declared_rate` is the scenario's (arrivals a second); `target_rate` what the generator was set
    to at the end of the window, `intended` and `started` how many arrivals were due and were made.
    `state` is the generator's own word. None: it could not be asked, and `problem` says why.
    `late_s` is how late arrivals were begun at the worst moment (the 95th percentile, in seconds
    after they were due); None where that was not measured.
    """

    declared_rate: Number
    target_rate: Number | None
    intended: int | None
    started: int | None
    state: Literal["idle", "running", "finished", "stopped"] | None
    problem: str | None = None
    late_s: Number | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was measured after the learner's fix.

    `window` is the stretch over which the objectives were watched; `required_s` how long they must
    hold. `extra` takes checks that a scenario adds (a replayed trigger, for instance). `fix` is the
    accepted one that was in place over the window, if any. `late_s` is how late the lab's own steps
    came meanwhile (the 95th percentile, in seconds after they were due), `slowed` how many times as
    long as on a free core the stack's own computing took; None where nobody watched.
    """

    window: Span
    required_s: Number
    faults: tuple[FaultSeen, ...]
    services: tuple[ServiceSeen, ...]
    data: DataSeen
    load: LoadSeen
    extra: tuple[Check, ...] = ()
    fix: FixSeen | None = None
    late_s: Number | None = None
    slowed: Number | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """The availability that customers were promised: the source of the error budget.

    `signal` is the share of requests that failed (0..1), `target` the share that must succeed,
    over `period_s` seconds.
    """

    signal: str = "client:errors:ratio"
    target: Annotated[float, Field(ge=0, lt=1)] = 0.999
    period_s: Annotated[Number, Field(gt=0)] = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a verdict compares: the truth as the incident began, and what was said about it.

    `hints_used` are the prices of the hints that were taken, `revisions` the diagnoses after the
    first.
    """

    truth: Truth
    diagnosis: Diagnosis | None = None
    hints_used: tuple[int, ...] = ()
    revisions: Annotated[int, Field(ge=0, le=1_000_000)] = 0


@dataclass(frozen=True, slots=True)
class History:
    """One incident, from its steady state to its end.

    `signals` has every signal that was recorded, from the start of `baseline` to `ended_at`, one
    point each `step` seconds; a signal with no series was asked for and gave nothing, a name that
    is missing was never asked for. `sharp` has what has moved as the raw samples have it, over the
    baseline and, more often, around its onset (see lab/sharp.py). `facts` has a line for each of
    them. `objectives` are those of the incident's beginning (a learner cannot raise them).
    `receipts` belong to the last diagnosis. `recovery` is None when nobody claimed that it was
    fixed. `invalid` says why the run does not count: the fault's witness never confirmed it, for
    instance. `told` is what it was judged by, None in what was recorded before it was kept. `logs`
    are each service's last lines of the time around the first breach, as they were written.
    `light`: half the customers came.
    """

    incident: Name
    scenario: str
    title: str
    seed: int
    step: Annotated[Number, Field(gt=0)]
    baseline: Span
    injected_at: Moment
    ended_at: Moment
    signals: dict[str, tuple[Series, ...]]
    facts: dict[str, SignalFacts]
    events: tuple[Event, ...]
    objectives: Annotated[tuple[Condition, ...], Field(max_length=MOST)]
    receipts: Annotated[tuple[Receipt, ...], Field(max_length=MOST)] = ()
    recovery: Recovery | None = None
    promise: Promise = field(default_factory=Promise)
    invalid: str | None = None
    told: Told | None = None
    logs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    light: bool = False
    sharp: dict[str, tuple[Series, ...]] = field(default_factory=dict)

    def first(self, kind: EventKind) -> Event | None:
        """The earliest event of that kind."""
        return min(self.of_kind(kind), key=lambda event: event.at, default=None)

    def last(self, kind: EventKind) -> Event | None:
        """The latest event of that kind."""
        return max(self.of_kind(kind), key=lambda event: event.at, default=None)

    def of_kind(self, kind: EventKind) -> Sequence[Event]:
        """The events of that kind, as recorded."""
        return [event for event in self.events if event.kind == kind]

    def recorded(self, span: Span) -> bool:
        """Whether any signal at all has a point in that stretch: could the lab see?"""
        return any(
            span.start <= at <= span.end
            for series in self.signals.values()
            for one in series
            for at in one.times
        )
