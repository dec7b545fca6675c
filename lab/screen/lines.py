"""What services wrote, as people read it: one after the other, or one request's way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from lab.screen.console import clock, table
from lab.units import duration

if TYPE_CHECKING:
    from rich.table import Table

    from lab.logs import Event

BAR = 32
"""Columns of a waterfall."""


def events_table(events: Sequence[Event]) -> Table:
    """Each event on its line, with the id to ask for its whole way."""
    made = table("began", "service", "what", "took", "outcome", "", "request")
    for one in events:
        made.add_row(
            clock(one.began),
            one.service,
            one.what,
            _took(one),
            _outcome(one),
            Text(one.detail, style="dim"),
            Text(one.request_id or "-", style="dim"),
        )
    return made


def hops_table(hops: Sequence[Event]) -> Table:
    """One request's way: when each hop began, how long it took, and both as a waterfall."""
    made = table("after", "service", "what", "took", "", "outcome", "")
    if not hops:
        return made
    first = min(_start(one) for one in hops)
    last = max(one.began + (one.seconds or 0) for one in hops)
    for one in sorted(hops, key=_start):
        made.add_row(
            duration(_start(one) - first),
            one.service,
            one.what,
            _took(one),
            bar(one.waited or 0, one.seconds or 0, _start(one) - first, last - first),
            _outcome(one),
            Text(one.detail, style="dim"),
        )
    return made


def bar(waited: float, took: float, offset: float, whole: float, width: int = BAR) -> Text:
    """A stretch of `whole` seconds in `width` columns: waiting dotted, work solid."""
    scale = width / whole if whole > 0 else 0
    begin = min(round(offset * scale), width - 1)
    dots = min(round(waited * scale), width - begin)
    solid = min(max(round(took * scale), 1), max(width - begin - dots, 1))
    return Text(" " * begin + "·" * dots + "█" * solid, style="cyan")


def _start(one: Event) -> float:
    """When it began to matter: what waited in a queue was there before anybody began with it."""
    return one.began - (one.waited or 0)


def _took(one: Event) -> str:
    took = "" if one.seconds is None else duration(one.seconds)
    return f"{took} after {duration(one.waited)}" if one.waited else took


def _outcome(one: Event) -> Text:
    return Text(one.outcome, style="red" if one.failed else "")
