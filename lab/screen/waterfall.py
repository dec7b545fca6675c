"""A traced request as people read it: each step below what it is a part of, and when it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from lab.screen.console import table
from lab.screen.sparkline import Bar
from lab.tracing.spans import in_order, most_of_it
from lab.units import duration

if TYPE_CHECKING:
    from rich.table import Table

    from lab.tracing.trace import Trace


def waterfall(trace: Trace) -> Table:
    """The steps of `trace`, one a line."""
    made = table(
        *("after", "who", "step", "took", "", "more"),
        prose=("more",),
        less=("more", "", "who"),
        under={"more": "step", "who": "after"},
    )
    if not trace.spans:
        return made
    first = min(one.began for one in trace.spans)
    whole = max(one.ended for one in trace.spans) - first
    for depth, one in in_order(trace.spans):
        after = max(one.began - first, 0.0)
        made.add_row(
            duration(after) if after >= _TOO_SHORT else "",
            one.service,
            "  " * depth + one.name,
            duration(one.seconds),
            Bar(0, one.seconds, after, whole),
            Text(one.detail, style="red" if one.failed else "dim"),
        )
    return made


_TOO_SHORT = 1e-4


def where_it_went(trace: Trace) -> str:
    """One line: what most of the time was spent on, in the request and after it."""
    found = most_of_it(trace.spans)
    if found is None:
        return ""
    one, seconds = found
    whole = trace.spans[0].seconds
    share = f"{100 * seconds / whole:.0f} % of" if whole > 0 else ""
    return f"{one.name} ({one.service}) took {duration(seconds)}, {share} {duration(whole)}"
