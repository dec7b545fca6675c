"""Tables that fit the terminal: no word is broken, and what has no room goes below, or goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from lab.terminal import shown as visibly

PROSE_LEAST, PROSE_MOST = 24, 100
"""Columns in which a sentence can be read; a wider terminal is for more of them."""

GAP = 2
UNBOUND = 10_000


class Fitting(Table):
    """A table without lines: it reads the same in a terminal and in a pipe.

    `prose` are the columns (by header) that wrap between words; all others stay on one line.
    Where that is too wide, those of `less` give way, the first of them first: one that is `under`
    another goes on a line below it, else it is not shown.
    """

    def __init__(
        self,
        *columns: str,
        prose: Sequence[str] = (),
        less: Sequence[str] = (),
        under: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(box=None, pad_edge=False, header_style="dim", padding=(0, GAP, 0, 0))
        self._prose = frozenset(prose)
        self._less = tuple(less)
        self._under = dict(under or {})
        for column in columns:
            wraps = column in self._prose
            self.add_column(column, overflow="fold", no_wrap=not wraps)

    def add_row(self, *cells: RenderableType | None, **how: Any) -> None:
        super().add_row(*(one and visibly(one) for one in cells), **how)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = self
        for name in self._less:
            if shown._least(console, options) <= options.max_width:
                break
            shown = shown._without(name, console)
        shown._share_out(console, options)
        yield from Table.__rich_console__(shown, console, options)

    def _least(self, console: Console, options: ConsoleOptions) -> int:
        """The columns of the terminal that it takes at least."""
        widths = [least for least, _ in self._wanted(console, options)]
        return sum(widths) + GAP * (len(widths) - 1)

    def _wanted(self, console: Console, options: ConsoleOptions) -> list[tuple[int, int]]:
        """How wide each column has to be, and how wide it would like to be."""
        unbound = options.update(max_width=UNBOUND)
        wanted: list[tuple[int, int]] = []
        for column in self.columns:
            several = [
                _wanted(cell, console, unbound, wraps=not column.no_wrap) for cell in _all(column)
            ]
            wanted.append((max(least for least, _ in several), max(most for _, most in several)))
        return wanted

    def _share_out(self, console: Console, options: ConsoleOptions) -> None:
        """Give each column what it has to have, and the rest to whoever would like more."""
        spare = options.max_width - self._least(console, options)
        if spare < 0:
            # Not even so: better a word that is broken than one that is cut off.
            for column in self.columns:
                column.no_wrap = False
            return
        for column, (least, most) in zip(self.columns, self._wanted(console, options), strict=True):
            column.width = least + min(spare, most - least)
            spare -= column.width - least

    def _without(self, name: str, console: Console) -> Fitting:
        """The same without that column, which is below another, or nowhere."""
        gone = next(column for column in self.columns if column.header == name)
        kept = [column for column in self.columns if column is not gone]
        headers = [str(column.header) for column in kept]
        made = Fitting(*headers, prose=[*self._prose], less=self._less, under=self._under)
        below = [_text(cell, console) for cell in gone.cells]
        target = self._under.get(name)
        for row, cells in enumerate(zip(*(column.cells for column in kept), strict=True)):
            made.add_row(
                *(
                    _stacked(_text(cell, console), below[row]) if header == target else cell
                    for header, cell in zip(headers, cells, strict=True)
                )
            )
        return made


def _all(column: Column) -> Iterator[RenderableType]:
    yield column.header
    yield from column.cells


def _wanted(
    cell: RenderableType, console: Console, options: ConsoleOptions, *, wraps: bool
) -> tuple[int, int]:
    found = Measurement.get(console, options, cell)
    if not isinstance(cell, str | Text):
        # It draws itself into what there is.
        return found.minimum, found.maximum
    if not wraps:
        return found.maximum, found.maximum
    most = min(PROSE_MOST, found.maximum)
    return max(found.minimum, min(PROSE_LEAST, most)), max(found.minimum, most)


def _text(cell: Any, console: Console) -> Text:
    return cell if isinstance(cell, Text) else console.render_str(str(cell))


def _stacked(above: Text, below: Text) -> Text:
    """One below the other; below what is a part of something, a little further in."""
    if not below.plain.strip():
        return above
    inside = len(above.plain) - len(above.plain.lstrip())
    indent = " " * (inside + GAP if inside else 0)
    return Text.assemble(above, f"\n{indent}", below)
