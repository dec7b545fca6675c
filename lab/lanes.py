"""The lanes below the signals of the report's picture: what the learner did, and what was cited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab import looks
from lab.series import Span
from lab.sheet import FAINT, INK, LEFT, RIGHT, SOFT, WIDTH, beside, plain, wide

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ACTS = 24
"""So many numbers have room beside each other; of more, neighbours become one."""

_BLUE = looks.INKS[0]
_APART = 0.024  # of the picture's time between two numbers
_EACH = 0.25  # of the lanes, for each row of what was cited


@dataclass(frozen=True, slots=True)
class Cited:
    """A stretch that was cited: its label stands on its left or right, in the `row`-th row."""

    span: Span
    label: str
    left: bool
    row: int


def in_rows(looks: Sequence[tuple[Span, str]], night: Span) -> list[Cited]:
    """Each stretch in the first row that is free there, with its label beside it."""
    rows: list[list[tuple[float, float]]] = []
    second = night.seconds / (72 * WIDTH * (RIGHT - LEFT))  # of a point
    found: list[Cited] = []
    for span, label in looks:
        long = second * (wide(label, 7.5) + 8)
        # At the right end of the night a long one has room on its left only.
        left = min(span.end, night.end) + long > night.end + second * 72 * WIDTH * (1 - RIGHT)
        begin, end = (span.start - long, span.end) if left else (span.start, span.end + long)
        free = (n for n, one in enumerate(rows) if all(b <= begin or end <= a for a, b in one))
        row = next(free, len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append((begin, end))
        found.append(Cited(span, label, left, row))
    return found


def floor(cited: Sequence[Cited]) -> float:
    """How far down the lanes go: above 1 is what was done, below it a row is `_EACH`."""
    return min(0.0, 0.7 - _EACH * max((one.row for one in cited), default=0))


def lanes(
    ax: Axes,
    acts: Sequence[tuple[float, str]],
    cited: Sequence[Cited],
    zero: float,
    night: Span,
) -> None:
    """Two lanes: above, what the learner did; below, the stretches that were cited."""
    plain(ax)
    ax.set_ylim(floor(cited), 2)
    ax.axhline(1, color=FAINT, linewidth=0.6)
    length = night.seconds
    told = _bundled(acts, length)
    for (at, label), shown in zip(
        told, _spread([at for at, _ in told], length, night.end), strict=True
    ):
        ax.plot([at - zero, shown - zero], [1, 1.55], color=SOFT, linewidth=0.7)
        ax.text(
            shown - zero,
            1.55,
            label,
            ha="center",
            va="center_baseline",
            fontsize=8 if len(label) < 3 else 6.5,
            color=INK,
            bbox={
                "boxstyle": "circle,pad=0.28" if len(label) < 3 else "round,pad=0.3",
                "facecolor": "white",
                "edgecolor": INK,
                "linewidth": 1,
            },
        )
    _bars(ax, cited, zero, night)
    share = floor(cited), 2 - floor(cited)
    for y, text, more in (
        (1.7, "what you did", "numbers: see below"),
        (0.7, "what you cited", "and when it was"),
    ):
        beside(ax, "left", (y - share[0]) / share[1], text, more, gap=0.42 / share[1])


def _bars(ax: Axes, cited: Sequence[Cited], zero: float, night: Span) -> None:
    for one in cited:
        y = 0.84 - _EACH * one.row
        start, end = (
            min(night.end, max(night.start, at)) - zero for at in (one.span.start, one.span.end)
        )
        ax.plot([start, end], [y, y], color=_BLUE, linewidth=4, solid_capstyle="butt", alpha=0.75)
        ax.annotate(
            one.label,
            (start if one.left else end, y),
            xytext=(-4 if one.left else 4, 0),
            textcoords="offset points",
            ha="right" if one.left else "left",
            va="center",
            fontsize=7.5,
            color=INK,
            annotation_clip=False,
        )


def _bundled(acts: Sequence[tuple[float, str]], length: float) -> list[tuple[float, str]]:
    """The acts, or where they are too many to be told apart what came close together as one,
    from the first to the last of them."""
    if len(acts) <= MOST_ACTS:
        return list(acts)
    bundles: list[tuple[float, str, str]] = []
    for at, label in acts:
        if bundles and at - bundles[-1][0] < 3 * _APART * length:
            bundles[-1] = (*bundles[-1][:2], label)
        else:
            bundles.append((at, label, label))
    return [(at, a if a == b else f"{a}–{b}") for at, a, b in bundles]  # noqa: RUF001 - a range


def _spread(times: Sequence[float], length: float, end: float) -> list[float]:
    """Where to draw the ascending times so that their marks do not cover each other: a crowd is
    pushed to the right, and back from `end`."""
    apart = _APART * length
    shown: list[float] = []
    for at in times:
        shown.append(max(at, shown[-1] + apart) if shown else at)
    latest = end
    for index in reversed(range(len(shown))):
        shown[index] = min(shown[index], latest)
        latest = shown[index] - apart
    return shown
