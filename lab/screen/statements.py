"""The databases' statements as people read them: where the time goes, how, and what was slow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from lab.screen.console import clock, table
from lab.statements import WHOLE_TABLE, scanned
from lab.units import duration, measure

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lab.slow import Often
    from lab.statements import Statement

SLOWER = 5.0
"""A statement that takes so many times as long as usual stands out."""

PLANS = 3
"""As many plans as one reads at night; of statements to which time does go."""
DEAR = 0.1


def statements_view(busy: Sequence[Statement], over_s: float) -> Iterator[RenderableType]:
    """Where the time goes now, and the plans of those that it goes to."""
    if not busy:
        yield Text(f"no statement has run within {duration(over_s)}")
        return
    made = table(
        "server", "statement", "ended", "each", "usually", "running", "of one second", "rows", ""
    )
    for one in busy:
        slow = one.mean_s > SLOWER * one.usual_s
        made.add_row(
            one.server,
            one.name,
            measure(one.calls, "1/s"),
            Text(duration(one.mean_s) if one.calls else "-", style="bold red" if slow else ""),
            duration(one.usual_s) if one.usual_s else "-",
            f"{one.running}, for {duration(one.longest_s)}" if one.running else "",
            measure(one.share, "ratio"),
            f"{one.rows:.3g}",
            Text(f"reads all of {', '.join(one.scans)}" if one.scans else "", style="red"),
        )
    yield made
    # Both servers mostly plan alike: once is enough.
    told = {one.name: one for one in reversed(busy) if one.plan and one.share > DEAR}
    for one in sorted(told.values(), key=lambda one: -one.share)[:PLANS]:
        yield from _plan(f"{one.name}, as {one.server} would carry it out now", one.plan)


def slow_view(often: Sequence[Often], minutes: str) -> Iterator[RenderableType]:
    """What was logged as slow."""
    if not often:
        yield Text(f"nothing was logged as slow {minutes}")
        return
    made = table("server", "statement", "times", "slowest", "last", "")
    for one in often:
        scans = scanned(one.plan)
        made.add_row(
            one.server,
            one.name,
            str(one.count),
            duration(one.worst_s),
            clock(one.last_at),
            Text(f"read all of {', '.join(scans)}" if scans else "", style="red"),
        )
    yield made


def _plan(title: str, plan: Sequence[str]) -> Iterator[Text]:
    yield Text(f"\n{title}:", style="dim")
    for line in plan:
        yield Text(f"  {line}", style="red" if WHOLE_TABLE.search(line) else "")
