"""The sheet that the report's picture is drawn on: its measures, its inks, words in its margins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SOFT, FAINT = "#1b2733", "#5b6b7a", "#c9d3dc"

WIDTH = 11.4
"""Inches."""

LEFT, RIGHT = 0.185, 0.895
"""Where the margins end, as shares of the width."""

_GAP = 16  # points between the words in a margin and what is beside them


def beside(
    ax: Axes, side: Literal["left", "right"], y: float, text: str, more: str, gap: float = 0.38
) -> None:
    """Two lines of text in a margin, the second smaller and `gap` lower; `y` and `gap` are shares
    of the row's height."""
    x, align = (-0.015, "right") if side == "left" else (1.012, "left")
    room = 72 * WIDTH * (LEFT if side == "left" else 1 - RIGHT) - _GAP
    for at, line, most, colour in ((y, text, 9.0, INK), (y - gap, more, 7.5, SOFT)):
        # What is long is written smaller, and not cut off.
        size = most * min(1.0, room / max(1.0, wide(line, most)))
        ax.text(
            x, at, line, transform=ax.transAxes, ha=align, va="center", fontsize=size, color=colour
        )


def wide(text: str, size: float) -> float:
    """How wide that is, in points, in matplotlib's own letters, which are among the widest."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return text_to_path.get_text_width_height_descent(
        text, FontProperties(family="sans-serif", size=size), ismath=False
    )[0]


def plain(ax: Axes) -> None:
    """No frame, no scale: a line below."""
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    ax.tick_params(left=False, labelleft=False)
    ax.patch.set_alpha(0)
    ax.set_facecolor("none")
