"""The report's picture: the signals of the night above, what people did below, on one clock.

An SVG made with matplotlib, which is imported only here and only when a report is written.
Names and colours are those of every board (lab/looks.py); nothing is said by colour alone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from lab import looks
from lab.grading.onset import Onset
from lab.history import EventKind, History
from lab.series import Series, Span, worst
from lab.units import measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE = looks.INKS[0], looks.INKS[1]
INK, SOFT, FAINT = "#1b2733", "#5b6b7a", "#c9d3dc"

MARKS: dict[EventKind, tuple[str, str, str]] = {
    "injected": ("it breaks", INK, ":"),
    "breached": ("first breach", looks.BROKEN, "-"),
    "paged": ("the pager rings", looks.BROKEN, "--"),
    "recovered": ("objectives hold", looks.UP, "-"),
}
"""The moments that cross the whole picture: what they are called, colour, line."""

MOST_ROWS = 10
LONGEST = 26
"""Letters of a signal's name that have room in the margin."""

_WIDTH, _ROW, _LANES, _TOP, _BOTTOM = 11.4, 0.62, 1.05, 0.55, 0.5  # inches
_LEFT, _RIGHT = 0.185, 0.895


def timeline(
    history: History,
    onsets: Sequence[Onset],
    zero: float,
    acts: Sequence[tuple[float, str]],
    looks: Sequence[tuple[Span, str]],
) -> str:
    """The picture as an SVG element to be put into a page.

    A row for each of the `onsets`' signals, in their order; below, `acts` (when, label) and `looks`
    (which stretch, label) of the learner. The clock counts from `zero`.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = [one for one in onsets if history.signals.get(one.signal)][:MOST_ROWS]
    height = _TOP + _ROW * max(1, len(rows)) + _LANES + _BOTTOM
    # Text stays text: small, sharp, selectable. The salt makes the same night the same file.
    with mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": history.incident,
            "font.family": "sans-serif",
            "text.parse_math": False,
        }
    ):
        figure = Figure(figsize=(_WIDTH, height))
        grid = figure.add_gridspec(
            len(rows) + 1,
            1,
            height_ratios=[*[_ROW] * len(rows), _LANES],
            hspace=0.18,
            left=_LEFT,
            right=_RIGHT,
            top=1 - _TOP / height,
            bottom=_BOTTOM / height,
        )
        lanes = figure.add_subplot(grid[len(rows), 0])
        axes = [figure.add_subplot(grid[index, 0], sharex=lanes) for index in range(len(rows))]
        for ax, one in zip(axes, rows, strict=True):
            _row(ax, history, one, zero)
        _lanes(lanes, acts, looks, zero, history.ended_at - history.baseline.start)
        _clock(lanes, history, zero)
        _moments([*axes, lanes], history, zero)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(out.getvalue())


def _row(ax: Axes, history: History, one: Onset, zero: float) -> None:
    series, facts = history.signals[one.signal], history.facts[one.signal]
    shown = worst(series, "down" if facts.direction == "down" else "up")
    first = next((each for each in series if each.labels == one.labels), shown)
    for each in _companions(series, first):
        ax.plot([at - zero for at in each.times], each.values, color=FAINT, linewidth=0.8)
    times = [at - zero for at in first.times]
    # A container, a server, a statement has the colour that it has on every board.
    colour = looks.colour(first.labels) or BLUE
    ax.plot(times, first.values, color=colour, linewidth=1.4)
    low, high = _range([first, *_companions(series, first)])
    ax.fill_between(times, first.values, low, color=colour, alpha=0.08, linewidth=0)
    ax.set_ylim(low - 0.08 * (high - low), high + 0.16 * (high - low))
    for objective in history.objectives:
        if objective.signal == one.signal and low < objective.value < high:
            ax.axhline(objective.value, color=looks.BROKEN, linewidth=0.8, linestyle=(0, (4, 3)))
    if one.at is not None and one.before is not None:
        _onset(ax, first, one, zero)
    _plain(ax)
    ax.tick_params(bottom=False, labelbottom=False)
    name = looks.called(one.labels or {})
    _beside(ax, "left", 0.64, one.signal, name[:46] or facts.component)
    if one.before is not None and one.extreme is not None:
        was, became = measure(one.before, facts.unit), measure(one.extreme, facts.unit)
        _beside(ax, "right", 0.64, became, f"from {was}")


def _beside(
    ax: Axes, side: Literal["left", "right"], y: float, text: str, more: str, gap: float = 0.38
) -> None:
    """Two lines of text in a margin, the second smaller and `gap` lower; `y` and `gap` are shares
    of the row's height."""
    x, align = (-0.015, "right") if side == "left" else (1.012, "left")
    # A long name is written smaller, and not cut off.
    first = 9.0 * min(1.0, LONGEST / max(1, len(text)))
    for at, line, size, colour in ((y, text, first, INK), (y - gap, more, 7.5, SOFT)):
        ax.text(
            x, at, line, transform=ax.transAxes, ha=align, va="center", fontsize=size, color=colour
        )


def _onset(ax: Axes, series: Series, one: Onset, zero: float) -> None:
    assert one.at is not None
    value = next((v for at, v in zip(series.times, series.values, strict=True) if at >= one.at), 0)
    at = one.at - zero
    ax.plot(
        [at],
        [value],
        marker="o",
        markersize=5,
        color=ORANGE,
        markeredgecolor=INK,
        markeredgewidth=0.7,
        zorder=5,
    )


def _companions(series: Sequence[Series], first: Series) -> list[Series]:
    """The other series of the signal, the liveliest of them: enough to see who went along."""
    others = [each for each in series if each.labels != first.labels and each.values]
    return sorted(others, key=lambda each: max(each.values) - min(each.values))[-6:]


def _range(series: Sequence[Series]) -> tuple[float, float]:
    values = [value for each in series for value in each.values]
    low, high = min(values, default=0.0), max(values, default=1.0)
    low = min(0.0, low) if low < 0.5 * high else low
    return (low, high) if high > low else (low, low + 1)


def _lanes(
    ax: Axes,
    acts: Sequence[tuple[float, str]],
    looks: Sequence[tuple[Span, str]],
    zero: float,
    length: float,
) -> None:
    """Two lanes: above, what the learner did; below, the stretches that were cited."""
    _plain(ax)
    ax.set_ylim(0, 2)
    ax.axhline(1, color=FAINT, linewidth=0.6)
    for (at, label), shown in zip(acts, _spread([at for at, _ in acts], length), strict=True):
        ax.plot([at - zero, shown - zero], [1, 1.55], color=SOFT, linewidth=0.7)
        ax.plot(
            [shown - zero], [1.55], marker="o", markersize=13, color="white", markeredgecolor=INK
        )
        ax.text(shown - zero, 1.55, label, ha="center", va="center_baseline", fontsize=8, color=INK)
    for index, (span, label) in enumerate(looks):
        y = 0.84 - 0.17 * (index % 5)
        ax.plot(
            [span.start - zero, span.end - zero],
            [y, y],
            color=BLUE,
            linewidth=4,
            solid_capstyle="butt",
            alpha=0.75,
        )
        ax.text(span.end - zero + 3, y, label, va="center", fontsize=7.5, color=INK, clip_on=True)
    _beside(ax, "left", 0.85, "what you did", "numbers: see below", gap=0.21)
    _beside(ax, "left", 0.35, "what you cited", "and when it was", gap=0.21)


def _clock(ax: Axes, history: History, zero: float) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_xlim(history.baseline.start - zero, history.ended_at - zero)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 1.5, 2, 3, 6, 10], integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda at, _: _minutes(at)))
    ax.tick_params(bottom=True, labelbottom=True, labelsize=8, colors=SOFT)
    ax.set_xlabel("minutes since it broke", fontsize=8, color=SOFT)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(abs(seconds)), 60)
    return f"{'-' if seconds < 0 else ''}{minutes}:{rest:02d}"


def _moments(axes: Sequence[Axes], history: History, zero: float) -> None:
    """The lines that cross everything, named above the first row without covering each other."""
    found = [
        (event.at, *MARKS[kind])
        for kind in MARKS
        for event in [history.last(kind) if kind == "recovered" else history.first(kind)]
        if event is not None
    ]
    found.sort()
    length = history.ended_at - history.baseline.start
    levels = _levels([at for at, *_ in found], apart=0.1 * length)
    for (at, name, colour, line), level in zip(found, levels, strict=True):
        for ax in axes:
            ax.axvline(at - zero, color=colour, linewidth=1, linestyle=line, zorder=1)
        axes[0].annotate(
            name,
            (at - zero, 1),
            xycoords=("data", "axes fraction"),
            fontsize=8,
            color=colour,
            xytext=(3, 3 + 10 * level),
            textcoords="offset points",
            ha="left",
            va="bottom",
            annotation_clip=False,
        )
    # Between the breach and the recovery customers were let down.
    breach = history.first("breached")
    if breach is not None:
        held = history.last("recovered")
        until = held.at if held else history.ended_at
        for ax in axes:
            ax.axvspan(breach.at - zero, until - zero, color=looks.BROKEN, alpha=0.05, linewidth=0)


def _levels(times: Sequence[float], apart: float) -> list[int]:
    """A level for each of the ascending times, so that neighbours do not cover each other."""
    levels: list[int] = []
    for index, at in enumerate(times):
        taken = {
            level for other, level in zip(times[:index], levels, strict=True) if at - other < apart
        }
        levels.append(next(level for level in range(len(times)) if level not in taken))
    return levels


def _spread(times: Sequence[float], length: float) -> list[float]:
    """Where to draw the ascending times so that their marks do not cover each other: a crowd is
    pushed to the right, and back from the end of the picture."""
    apart = 0.024 * length
    shown: list[float] = []
    for at in times:
        shown.append(max(at, shown[-1] + apart) if shown else at)
    end = times[-1] if times else 0.0
    for index in reversed(range(len(shown))):
        latest = end + apart if index == len(shown) - 1 else shown[index + 1] - apart
        shown[index] = min(shown[index], latest)
    return shown


def _plain(ax: Axes) -> None:
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    ax.tick_params(left=False, labelleft=False)
    ax.patch.set_alpha(0)
    ax.set_facecolor("none")


def _inline(document: str) -> str:
    """The SVG element alone, as wide as the page, without a second definition of its size."""
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    head, rest = element.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="Timeline of the incident">{rest}'
