"""The turns of a night: the moments after which nothing is as it was before them.

Pure, from the history alone: so a report that is written years later has them, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lab.history import Event, History
from lab.outages import outages

TurnKind = Literal[
    "broke",
    "further",  # something else that breaks later
    "again",  # what had set it off, once more, after a recovery
    "breached",
    "paged",
    "acted",  # the last thing that was done before the objectives held
    "recovered",
    "relapsed",
]

LOOKS = ("ps", "logs", "top", "stats")
"""Commands of `docker compose` that only look."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One of them; `detail` says of what, in a few words."""

    at: float
    kind: TurnKind
    detail: str = ""


def turns(history: History) -> tuple[Turn, ...]:
    """All of them, in the order of time."""
    return tuple(sorted(_turns(history), key=lambda turn: turn.at))


def _turns(history: History) -> Iterator[Turn]:
    yield from blows(history)
    for kind in ("breached", "paged"):
        event = history.first(kind)
        if event is not None:
            yield Turn(event.at, kind, event.detail)
    recovered = history.last("recovered")
    if recovered is not None:
        yield Turn(recovered.at, "recovered", recovered.detail)
        before = [
            one for one in history.of_kind("action") if one.at <= recovered.at and not _looks(one)
        ]
        if before:
            last = max(before, key=lambda event: event.at)
            yield Turn(last.at, "acted", last.detail)
    for outage in outages(history)[1:]:
        yield Turn(outage.span.start, "relapsed", str(outage.broken))


def blows(history: History) -> tuple[Turn, ...]:
    """What broke it, in the order of time: the first, what came to it later, and what had set it
    off once more after somebody had said that it was mended."""
    claimed = history.first("claimed")
    known: set[str] = set()
    found: list[Turn] = []
    for event in sorted(history.of_kind("injected"), key=lambda event: event.at):
        once_more = event.detail in known and claimed is not None and event.at > claimed.at
        kind: TurnKind = "again" if once_more else "further" if known else "broke"
        found.append(Turn(event.at, kind, event.detail))
        known.add(event.detail)
    return tuple(found)


def _looks(action: Event) -> bool:
    words = action.detail.split()
    return words[:2] == ["docker", "compose"] and len(words) > 2 and words[2] in LOOKS
