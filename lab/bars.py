"""How a long step looks on a terminal: a bar, and below it what is being done, on a line of its own
for as much as the terminal has room for."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

BAR = 24


class Bar(Progress):
    """One step. Its task has a field `doing`, a few words."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(BAR),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            console=console,
            transient=True,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if doing := task.fields["doing"]:
                yield Text(f"  {doing}", style="dim", no_wrap=True, overflow="ellipsis")
