"""What services wrote, as people read it: one after the other, or one request's way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from lab.screen.console import clock, table
from lab.screen.sparkline import Bar
from lab.units import duration

if TYPE_CHECKING:
    from rich.table import Table

    from lab.logs import Event


def events_table(events: Sequence[Event]) -> Table:
    """Each event on its line, with the id to ask for its whole way."""
    made = table(
        *("began", "service", "what", "took", "outcome", "more", "request"),
        prose=("what", "more"),
        less=("request", "more", "service", "outcome"),
        under={"request": "what", "more": "what", "service": "began", "outcome": "took"},
    )
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
    made = table(
        *("after", "service", "what", "took", "", "outcome", "more"),
        prose=("what", "more"),
        less=("more", "", "outcome"),
        under={"more": "what", "outcome": "took"},
    )
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
            Bar(one.waited or 0, one.seconds or 0, _start(one) - first, last - first),
            _outcome(one),
            Text(one.detail, style="dim"),
        )
    return made


def _start(one: Event) -> float:
    """When it began to matter: what waited in a queue was there before anybody began with it."""
    return one.began - (one.waited or 0)


def _took(one: Event) -> str:
    took = "" if one.seconds is None else duration(one.seconds)
    return f"{took} after {duration(one.waited)}" if one.waited else took


def _outcome(one: Event) -> Text:
    return Text(one.outcome, style="red" if one.failed else "")
