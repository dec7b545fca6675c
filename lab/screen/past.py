"""The nights that were lived here, the last first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lab.screen.console import ago, coloured, table

if TYPE_CHECKING:
    from rich.table import Table

    from lab.past import Lived


def past_table(found: Sequence[Lived]) -> Table:
    """One a line, first the number by which `--incident` knows it."""
    made = table(
        *("number", "when", "night", "seed", "points", "diagnosed", "mitigated", "after"),
        prose=("mitigated",),
        less=("after", "seed", "points"),
        under={"seed": "night", "points": "diagnosed"},
    )
    for one in found:
        when = datetime.fromtimestamp(one.row.opened_at).astimezone()
        told = [str(one.row.id), f"{when:%Y-%m-%d %H:%M}", one.row.slug]
        verdict = one.verdict
        if verdict is None:
            made.add_row(*told, str(one.row.seed), "-", coloured("unknown"), one.why)
            continue
        made.add_row(
            *told,
            f"{one.row.seed}{', light' if verdict.light else ''}",
            f"{verdict.points} of {verdict.possible}",
            coloured(verdict.diagnosed),
            coloured(verdict.mitigated),
            ago(verdict.times.mitigated_s),
        )
    return made
