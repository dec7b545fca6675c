"""What the system did and what the learner did, in words and on one clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from lab.foremost import foremost
from lab.grading.onset import Onset
from lab.grading.verdict import Verdict
from lab.history import EventKind, History
from lab.looks import called
from lab.outages import outages
from lab.turns import TurnKind, blows
from lab.units import duration, measure

SAID: dict[EventKind, str] = {
    "started": "The incident was opened; all was well",
    "injected": "It broke",
    "breached": "First breach of an objective",
    "paged": "The pager rang",
    "acknowledged": "Acknowledged",
    "hint": "Took a hint",
    "diagnosed": "Diagnosed",
    "action": "Did",
    "note": "Noted",
    "claimed": "Said that it was fixed",
    "recovered": "The objectives held again",
    "relapsed": "What had held was broken at the end",
    "gave-up": "Gave up",
    "failed": "Did not come as it should have",
    "healed": "The lab mended what was left",
    "ended": "The incident ended",
    "put-back": "Put back what was changed by hand",
}
BLOWS: dict[TurnKind, str] = {
    "broke": SAID["injected"],
    "further": "Something more broke",
    "again": "What had set it off happened once more",
}
"""How each of the things that broke is told."""

LEARNERS: frozenset[EventKind] = frozenset(
    ("acknowledged", "hint", "diagnosed", "action", "note", "claimed", "gave-up")
)
"""The kinds of event that are the learner's; the others are the system's."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the chronology; `number` is the learner's act in the picture."""

    at: float
    theirs: bool
    what: str
    detail: str = ""
    number: int | None = None


def chronology(history: History, verdict: Verdict) -> list[Moment]:
    """What the system did and what the learner did, on one clock."""
    moments: list[Moment] = []
    number = 0
    struck = iter(blows(history))
    for event in sorted(history.events, key=lambda event: event.at):
        if event.kind == "put-back":
            continue  # a list of its own: it is after the story
        theirs = event.kind in LEARNERS
        number += theirs
        shown = number if theirs else None
        said = BLOWS[next(struck).kind] if event.kind == "injected" else SAID[event.kind]
        # What the pager will say is told when it says it.
        detail = "" if event.kind == "started" else event.detail
        moments.append(Moment(event.at, theirs, said, detail, shown))
    moments += _relapses(history)
    moments += [
        Moment(
            one.at,
            theirs=False,
            what=f"{one.signal} left its baseline",
            detail=change_of(history, one),
        )
        for one in verdict.order
        if one.at is not None
    ]
    return sorted(moments, key=lambda moment: moment.at)


def _relapses(history: History) -> Iterator[Moment]:
    """What held for as long as it must and did not last."""
    recovered = [event.at for event in history.of_kind("recovered")]
    for before, after in pairwise(outages(history)):
        if not any(before.span.end <= at <= after.span.start for at in recovered):
            held = f"for {duration(after.span.start - before.span.end)}"
            yield Moment(before.span.end, theirs=False, what="The objectives held", detail=held)
        yield Moment(
            after.span.start,
            theirs=False,
            what="An objective broke again",
            detail=str(after.broken),
        )


def change_of(history: History, one: Onset) -> str:
    """How far the signal's foremost series went: "0 % → 72 % (circle)"; empty where it did not."""
    facts = history.facts.get(one.signal)
    shown = foremost(history, one) if facts is not None and one.at is not None else None
    if facts is None or shown is None or shown.before is None or shown.extreme is None:
        return ""
    where = called(shown.series.labels)
    change = f"{measure(shown.before, facts.unit)} → {measure(shown.extreme, facts.unit)}"
    return f"{change} ({where})" if where else change
