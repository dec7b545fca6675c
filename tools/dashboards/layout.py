"""What a dashboard is made of, and what stands where: no Grafana in here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH = 24
"""Columns of Grafana's grid."""

Kind = Literal["lines", "small", "number", "state", "alerts"]

HEIGHTS: dict[Kind, int] = {"lines": 8, "small": 6, "number": 4, "state": 8, "alerts": 9}


@dataclass(frozen=True)
class Place:
    """A rectangle of the grid, in columns and rows."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Panel:
    """One panel: signals of one unit that belong side by side. `to` is the board that tells more
    of the same."""

    title: str
    signals: tuple[str, ...]
    kind: Kind = "lines"
    width: int = 8
    to: str | None = None


@dataclass(frozen=True)
class Board:
    """One dashboard: rows of panels under their titles, from top to bottom."""

    uid: str
    title: str
    description: str
    rows: dict[str, Sequence[Panel]]


def lines(title: str, *signals: str, width: int = 8) -> Panel:
    return Panel(title, signals, "lines", width)


def small(title: str, *signals: str, to: str) -> Panel:
    """A glance at one part of the chain; the board `to` has the rest."""
    return Panel(title, signals, "small", 4, to)


def number(title: str, signal: str) -> Panel:
    return Panel(title, (signal,), "number", 4)


def state(title: str, *signals: str, width: int = 8) -> Panel:
    return Panel(title, signals, "state", width)


def alerts(title: str) -> Panel:
    """The rules of the pager, in words."""
    return Panel(title, (), "alerts", WIDTH)


def grid(board: Board) -> Iterator[tuple[str, Place, list[tuple[Panel, Place]]]]:
    """Each row with its place and the places of its panels, filled from left to right."""
    y = 0
    for title, specs in board.rows.items():
        head = Place(0, y, WIDTH, 1)
        y, x = y + 1, 0
        placed: list[tuple[Panel, Place]] = []
        height = max(HEIGHTS[spec.kind] for spec in specs)
        for spec in specs:
            if x + spec.width > WIDTH:
                y, x = y + height, 0
            placed.append((spec, Place(x, y, spec.width, height)))
            x += spec.width
        y += height
        yield title, head, placed
