"""What a board is made of, and what stands where: no Grafana in here, and no browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

WIDTH = 24
"""Columns of the grid, which is Grafana's."""

Kind = Literal["lines", "small", "number", "state", "flags", "changes", "alerts"]
"""Curves; curves at a glance; a number of now; yes or no over time; switches over time; what rang
and what was changed; the pager's rules."""


@dataclass(frozen=True)
class Place:
    """A rectangle of the grid, in columns and rows."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Panel:
    """One panel: signals of one unit that belong side by side.

    `number` is its id for good: it is in the evidence that people have pasted (panels.json). `to`
    is the board that tells more of the same.
    """

    number: int
    title: str
    signals: tuple[str, ...]
    kind: Kind
    width: int
    height: int
    to: str | None = None


@dataclass(frozen=True)
class Row:
    """Panels from left to right, under a title; without one there is no line for it."""

    title: str | None
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Board:
    """One board: rows from top to bottom. `short` is how links call it; `place` is where it stands
    among the others, along the dependency chain. Where `narrow`, one replica, server or statement
    can be looked at alone."""

    uid: str
    title: str
    short: str
    place: int
    description: str
    rows: tuple[Row, ...]
    narrow: bool = False

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them, in reading order."""
        return tuple(panel for row in self.rows for panel in row.panels)


def row(title: str | None, *panels: Panel) -> Row:
    """A row of panels under its title."""
    return Row(title, panels)


def lines(number: int, title: str, *signals: str, width: int = 8, height: int = 8) -> Panel:
    """Curves with their bound, and a table of the lines below."""
    return Panel(number, title, signals, "lines", width, height)


def small(number: int, title: str, *signals: str, to: str) -> Panel:
    """A glance at one part of the chain; the board `to` has the rest."""
    return Panel(number, title, signals, "small", 4, 3, to)


def figure(number: int, signal: str) -> Panel:
    """A number of now. Its title is what the catalogue calls it, with what was promised."""
    return Panel(number, "", (signal,), "number", 4, 3)


def state(number: int, title: str, *signals: str, width: int = 8, height: int = 5) -> Panel:
    """Yes or no, and since when, for each series."""
    return Panel(number, title, signals, "state", width, height)


def flags(number: int, title: str, signal: str) -> Panel:
    """Switches over time; one may hold a number."""
    return Panel(number, title, (signal,), "flags", 8, 8)


def changes(number: int, title: str) -> Panel:
    """What rang and what was changed, each on a line of its own, on one axis."""
    return Panel(number, title, (), "changes", WIDTH, 5)


def alerts(number: int, title: str) -> Panel:
    """The rules of the pager, in words."""
    return Panel(number, title, (), "alerts", WIDTH, 9)


def grid(board: Board) -> Iterator[tuple[Row, Place, list[tuple[Panel, Place]]]]:
    """Each row with the place of its title and the places of its panels, filled from left to
    right; a row that has no title takes no place for one."""
    y = 0
    for one in board.rows:
        head = Place(0, y, WIDTH, 1)
        y += one.title is not None
        x = tall = 0
        placed: list[tuple[Panel, Place]] = []
        for panel in one.panels:
            if x + panel.width > WIDTH:
                y, x, tall = y + tall, 0, 0
            placed.append((panel, Place(x, y, panel.width, panel.height)))
            x, tall = x + panel.width, max(tall, panel.height)
        y += tall
        yield one, head, placed
