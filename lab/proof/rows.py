"""One row of the proof: what a run should have come to, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import with_config

from lab.archive import recordable
from lab.history import History, Outcome, Recovery
from lab.host.pressure import Pressure
from lab.proof.neighbour import Kind, named
from lab.scenario import Scenario
from lab.series import Series

Result = Literal["as promised", "false pass", "false fail", "invalid"]
WRONG: tuple[Result, ...] = ("false pass", "false fail", "invalid")

START = "start"
NOBODY = "nobody acts"
REMEDY = "remedy"
DECOY = "decoy "
ANYBODY = "anybody's "
"""How runs are called: the scenario's own decoys, and the ones that people try on any night."""

BEFORE = ("flush-cache", "restart-everything")
ANSWERS = ("answer-nothing", "same-for-everybody", "maintenance-page")
AFTER = (*ANSWERS, "remove-replica", "stop-load")
"""What people try on any night: while it is broken, and what would only hide it, after the remedy;
the `ANSWERS` give customers something else than they asked for, and no error."""

NO_PAGE = "no page before it"
"""The question whether the pager was quiet from the stack's being up until something broke."""

GIVEAWAYS = "gives itself away"
"""The question whether the stack says itself what was done to it."""

LIVED = "could be lived"
"""The one question about a night that could not be begun."""


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True)
class Row:
    """A question about one run: the answer that the design asks for, and the one measured.

    Fail is the good answer to many of them: a decoy must not mitigate. `why` is what was measured,
    in words.
    """

    run: str
    question: str
    should: Outcome
    was: Outcome
    why: str

    @property
    def result(self) -> Result:
        """A false pass is the lab's worst mistake; what could not be judged is no answer."""
        if self.was is self.should:
            return "as promised"
        if self.was is Outcome.UNKNOWN:
            return "invalid"
        return "false pass" if self.was is Outcome.PASS else "false fail"


@dataclass(frozen=True)
class Night:
    """What was recorded of one live night: a history up to the end of each run, by its name.

    `undone` says of runs that could not be made why. `problem` is why there was no night at all.
    `beside` is what else went on on the machine, `busy` what the machine was like during each run
    (and `START`, until the customers suffered). `phases` is where its time went, in seconds;
    `stacks` how many nights this machine lived at the same time, this one among them. `giveaways`
    are lines in which the broken stack itself says what was done, `rang` the pages that rang before
    anything was broken; None where nobody looked. `fix` is the right fix that it was mended with;
    None: the scenario's own remedy.
    """

    scenario: Scenario
    runs: dict[str, History] = field(default_factory=dict)
    undone: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    seconds: float = 0.0
    beside: Kind = "none"
    busy: dict[str, Pressure] = field(default_factory=dict)
    phases: dict[str, float] = field(default_factory=dict)
    stacks: int = 1
    fix: str | None = None
    giveaways: tuple[str, ...] | None = None
    rang: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        scenario = self.scenario
        return night_name(scenario.slug, scenario.seed, self.beside, self.stacks, self.fix)


def night_name(
    slug: str, seed: int, beside: Kind = "none", stacks: int = 1, fix: str | None = None
) -> str:
    """How a night, and the folder that it is kept in, is called: "3am-2", "3am-2-core"."""
    how = named(beside, stacks)
    apart = "" if how == "none" else f"-{how.replace(', ', '-').replace(' ', '-')}"
    return f"{slug}-{seed}{apart}{f'-{fix}' if fix else ''}"


def up_to(history: History, at: float, recovery: Recovery | None) -> History:
    """The same night as it would have been recorded at `at`, where that was measured last."""
    said = history.last("diagnosed")
    silent = said is None or said.at > at
    return replace(
        history,
        ended_at=at,
        signals=_until(history.signals, at),
        sharp=_until(history.sharp, at),
        events=tuple(event for event in history.events if event.at <= at),
        receipts=() if silent else history.receipts,
        recovery=recovery,
        told=history.told and (replace(history.told, diagnosis=None) if silent else history.told),
    )


def _until(signals: Mapping[str, tuple[Series, ...]], at: float) -> dict[str, tuple[Series, ...]]:
    return {
        name: recordable(one.between(float("-inf"), at) for one in several)
        for name, several in signals.items()
    }


def count(rows: list[Row]) -> dict[Result, int]:
    """How many rows there are of each result."""
    results: tuple[Result, ...] = ("as promised", *WRONG)
    return {result: sum(row.result == result for row in rows) for result in results}
