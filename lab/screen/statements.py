"""The databases' statements as people read them: where the time goes, how, and what was slow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from lab.screen.console import clock, table
from lab.statements import WHOLE_TABLE, name_of, scanned
from lab.units import duration, measure

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lab.slow import Often
    from lab.statements import Glance, Statement

SLOWER = 5.0
"""A statement that takes so many times as long as usual stands out."""

PLANS = 3
"""As many plans as one reads at night; of statements to which time does go."""
DEAR = 0.1


def running_view(now: Glance) -> Iterator[RenderableType]:
    """What has not ended on each server, the oldest of each statement."""
    silent = [server for server, found in now.items() if found is None]
    for server in silent:
        yield Text(f"{server} does not answer", style="red")
    ages: dict[tuple[str, str], list[float]] = {}
    for server, found in now.items():
        for query, age in found[1] if found else ():
            ages.setdefault((server, name_of(query)), []).append(age)
    if ages:
        made = table("server", "running now", "", "for up to")
        for (server, name), several in sorted(ages.items(), key=lambda one: -sum(one[1])):
            made.add_row(server, name, str(len(several)), duration(max(several)))
        yield made
    elif len(silent) < len(now):
        yield Text("no statement is running at this moment", style="dim")
    yield Text()


def statements_view(busy: Sequence[Statement], over_s: float) -> Iterator[RenderableType]:
    """Where the time goes now."""
    if not busy:
        yield Text(f"no statement has run within {duration(over_s)}")
        return
    made = table(
        *("server", "statement", "ended", "each", "usually"),
        *("running", "of one second", "rows"),
        less=("rows", "usually", "server"),
        under={"server": "statement"},
    )
    for one in busy:
        slow = one.usual_s > 0 and one.mean_s > SLOWER * one.usual_s
        made.add_row(
            one.server,
            one.name,
            measure(one.calls, "1/s"),
            Text(duration(one.mean_s) if one.calls else "-", style="bold red" if slow else ""),
            duration(one.usual_s) if one.usual_s else "-",
            f"{one.running}, for {duration(one.longest_s)}" if one.running else "",
            measure(one.share, "ratio"),
            f"{one.rows:.3g}",
        )
    yield made


def to_plan(busy: Sequence[Statement]) -> list[Statement]:
    """Those of which one wants to know how they are carried out, the dearest first. Both servers
    mostly plan alike: once is enough."""
    dearest: dict[str, Statement] = {}
    for one in sorted(busy, key=lambda one: -one.share):
        if one.share > DEAR:
            dearest.setdefault(one.name, one)
    return list(dearest.values())[:PLANS]


def plan_view(one: Statement) -> Iterator[RenderableType]:
    """How a statement would be carried out."""
    title = Text(f"\n{one.name}, as {one.server} would carry it out now", style="dim")
    if one.scans:
        title.append(f": reads all of {', '.join(one.scans)}", style="red")
    yield title
    if not one.plan:
        yield Text("  no plan can be told, or not in time", style="dim")
    for line in one.plan:
        yield Text(f"  {line}", style="red" if WHOLE_TABLE.search(line) else "")


def slow_view(often: Sequence[Often], minutes: str) -> Iterator[RenderableType]:
    """What was logged as slow."""
    if not often:
        yield Text(f"nothing was logged as slow {minutes}")
        return
    made = table(
        *("server", "statement", "times", "slowest", "last", "how"),
        prose=("how",),
        less=("how", "server"),
        under={"how": "statement", "server": "statement"},
    )
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
