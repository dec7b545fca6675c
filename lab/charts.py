"""The report's picture: the signals of the night above, what people did below, on one clock.

An SVG made with matplotlib, which is imported only here and only when a report is written.
Names and colours are those of every board (lab/looks.py); nothing is said by colour alone.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab import looks
from lab.foremost import Foremost, foremost
from lab.grading.onset import Onset
from lab.history import History
from lab.outages import outages
from lab.series import MAX_GAP, Series, Span
from lab.turns import TurnKind, turns
from lab.units import measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = looks.INKS[0], looks.INKS[1]
INK, SOFT, FAINT = "#1b2733", "#5b6b7a", "#c9d3dc"

MARKS: dict[TurnKind, tuple[str, str, str]] = {
    "broke": ("it breaks", INK, ":"),
    "further": ("more breaks", INK, ":"),
    "again": ("set off once more", INK, ":"),
    "breached": ("first breach", looks.BROKEN, "-"),
    "paged": ("the pager rings", looks.BROKEN, "--"),
    "acted": ("last act", looks.UP, "--"),
    "recovered": ("objectives hold", looks.UP, "-"),
    "relapsed": ("broken again", looks.BROKEN, "-"),
}
"""The moments that cross the whole picture: what they are called, colour, line."""

MOST_ROWS = 10
_WIDTH, _ROW, _LANES, _TOP, _BOTTOM = 11.4, 0.62, 1.05, 0.28, 0.5  # inches
_LEFT, _RIGHT = 0.185, 0.895
MOST_ACTS = 24
"""So many numbers have room beside each other; of more, neighbours become one."""

_APART = 0.024  # of the picture's time between two of them
_GAP = 16  # points between the words in a margin and what is beside them
_EACH = 0.25  # of the lanes, for each row of what was cited
_LEVEL = 10  # points between two levels of the words above the first row


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

    # Text stays text: small, sharp, selectable. The salt makes the same night the same file.
    with mpl.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": history.incident,
            "font.family": "sans-serif",
            "text.parse_math": False,
        }
    ):
        out = io.StringIO()
        figure = drawing(history, onsets, zero, acts, looks)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(out.getvalue())


def drawing(
    history: History,
    onsets: Sequence[Onset],
    zero: float,
    acts: Sequence[tuple[float, str]],
    looks: Sequence[tuple[Span, str]],
) -> Figure:
    """The same as matplotlib has it."""
    from matplotlib.figure import Figure

    rows = [
        (one, shown)
        for one in onsets
        if history.signals.get(one.signal) and (shown := foremost(history, one)) is not None
    ][:MOST_ROWS]
    whole = Span(history.baseline.start, history.ended_at)
    cited = _cited(looks, whole)
    lowest = _LANES * (2 - _floor(cited)) / 2
    marks = _marks(history, zero)
    top = _TOP + _LEVEL / 72 * (1 + max((level for *_, level in marks), default=0))
    height = top + _ROW * max(1, len(rows)) + lowest + _BOTTOM
    figure = Figure(figsize=(_WIDTH, height))
    grid = figure.add_gridspec(
        len(rows) + 1,
        1,
        height_ratios=[*[_ROW] * len(rows), lowest],
        hspace=0.18,
        left=_LEFT,
        right=_RIGHT,
        top=1 - top / height,
        bottom=_BOTTOM / height,
    )
    lanes = figure.add_subplot(grid[len(rows), 0])
    axes = [figure.add_subplot(grid[index, 0], sharex=lanes) for index in range(len(rows))]
    for ax, (one, shown) in zip(axes, rows, strict=True):
        _row(ax, history, one, shown, zero)
    _lanes(lanes, acts, cited, zero, whole)
    _clock(lanes, history, zero)
    _moments([*axes, lanes], history, zero, marks)
    return figure


def _row(ax: Axes, history: History, one: Onset, shown: Foremost, zero: float) -> None:
    series, facts = history.signals[one.signal], history.facts[one.signal]
    telling = shown.series
    others = _companions(series, telling)
    for each in others:
        times, values = _broken_off(each, history.step)
        ax.plot([at - zero for at in times], values, color=FAINT, linewidth=0.8)
    # A container, a server, a statement has the colour that it has on every board.
    colour = looks.colour(telling.labels) or BLUE
    times, values = _broken_off(telling, history.step)
    since = [at - zero for at in times]
    ax.plot(since, values, color=colour, linewidth=1.4)
    for at, value in _alone(times, values):
        ax.plot([at - zero], [value], marker=".", markersize=3, color=colour)
    low, high = _range([telling, *others])
    ax.fill_between(since, values, low, color=colour, alpha=0.08, linewidth=0)
    ax.set_ylim(low - 0.08 * (high - low), high + 0.16 * (high - low))
    for objective in history.objectives:
        if objective.signal == one.signal and low < objective.value < high:
            ax.axhline(objective.value, color=looks.BROKEN, linewidth=0.8, linestyle=(0, (4, 3)))
    if one.at is not None and one.before is not None:
        # On the line of whichever moved first, which may be another.
        first = next((each for each in series if each.labels == one.labels), telling)
        _onset(ax, first, one, zero)
    _plain(ax)
    ax.tick_params(bottom=False, labelbottom=False)
    name = looks.called(telling.labels)
    _beside(ax, "left", 0.64, one.signal, name or facts.component)
    if shown.before is not None and shown.extreme is not None:
        was, became = measure(shown.before, facts.unit), measure(shown.extreme, facts.unit)
        _beside(ax, "right", 0.64, became, f"from {was}")


def _broken_off(series: Series, step: float) -> tuple[list[float], list[float]]:
    """Times and values with no number where nothing was measured: no line leads across."""
    times: list[float] = []
    values: list[float] = []
    for at, value in zip(series.times, series.values, strict=True):
        if times and at - times[-1] > max(MAX_GAP, 3 * step):
            times.append(at)
            values.append(math.nan)
        times.append(at)
        values.append(value)
    return times, values


def _alone(times: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    """Points without a neighbour, of which a line shows nothing."""
    edged = [math.nan, *values, math.nan]
    return [
        (at, value)
        for at, before, value, after in zip(times, edged, values, edged[2:], strict=False)
        if math.isnan(before) and math.isnan(after) and not math.isnan(value)
    ]


def _beside(
    ax: Axes, side: Literal["left", "right"], y: float, text: str, more: str, gap: float = 0.38
) -> None:
    """Two lines of text in a margin, the second smaller and `gap` lower; `y` and `gap` are shares
    of the row's height."""
    x, align = (-0.015, "right") if side == "left" else (1.012, "left")
    room = 72 * _WIDTH * (_LEFT if side == "left" else 1 - _RIGHT) - _GAP
    for at, line, most, colour in ((y, text, 9.0, INK), (y - gap, more, 7.5, SOFT)):
        # What is long is written smaller, and not cut off.
        size = most * min(1.0, room / max(1.0, _wide(line, most)))
        ax.text(
            x, at, line, transform=ax.transAxes, ha=align, va="center", fontsize=size, color=colour
        )


def _wide(text: str, size: float) -> float:
    """In points, in matplotlib's own letters, which are among the widest."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return text_to_path.get_text_width_height_descent(
        text, FontProperties(family="sans-serif", size=size), ismath=False
    )[0]


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


def _floor(cited: Sequence[_Cited]) -> float:
    """How far down the lanes go: above 1 is what was done, below it a row is `_EACH`."""
    return min(0.0, 0.7 - _EACH * max((one.row for one in cited), default=0))


def _lanes(
    ax: Axes,
    acts: Sequence[tuple[float, str]],
    cited: Sequence[_Cited],
    zero: float,
    night: Span,
) -> None:
    """Two lanes: above, what the learner did; below, the stretches that were cited."""
    _plain(ax)
    ax.set_ylim(_floor(cited), 2)
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
    share = _floor(cited), 2 - _floor(cited)
    for y, text, more in (
        (1.7, "what you did", "numbers: see below"),
        (0.7, "what you cited", "and when it was"),
    ):
        _beside(ax, "left", (y - share[0]) / share[1], text, more, gap=0.42 / share[1])


@dataclass(frozen=True, slots=True)
class _Cited:
    """A stretch that was cited: its label stands on its left or right, in the `row`-th row."""

    span: Span
    label: str
    left: bool
    row: int


def _cited(looks: Sequence[tuple[Span, str]], night: Span) -> list[_Cited]:
    """Each stretch in the first row that is free there, with its label beside it."""
    rows: list[list[tuple[float, float]]] = []
    second = night.seconds / (72 * _WIDTH * (_RIGHT - _LEFT))  # of a point
    found: list[_Cited] = []
    for span, label in looks:
        long = second * (_wide(label, 7.5) + 8)
        # At the right end of the night a long one has room on its left only.
        left = min(span.end, night.end) + long > night.end + second * 72 * _WIDTH * (1 - _RIGHT)
        begin, end = (span.start - long, span.end) if left else (span.start, span.end + long)
        free = (n for n, one in enumerate(rows) if all(b <= begin or end <= a for a, b in one))
        row = next(free, len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append((begin, end))
        found.append(_Cited(span, label, left, row))
    return found


def _bars(ax: Axes, cited: Sequence[_Cited], zero: float, night: Span) -> None:
    for one in cited:
        y = 0.84 - _EACH * one.row
        start, end = (
            min(night.end, max(night.start, at)) - zero for at in (one.span.start, one.span.end)
        )
        ax.plot([start, end], [y, y], color=BLUE, linewidth=4, solid_capstyle="butt", alpha=0.75)
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


_Mark = tuple[float, str, str, str, bool, int]
"""When (since zero), what it is called, colour, line, whether its name is on its left, and how high
that stands."""


def _marks(history: History, zero: float) -> list[_Mark]:
    """The lines that cross everything, and where their names have room above the first row."""
    start, length = history.baseline.start, history.ended_at - history.baseline.start
    wide = 72 * _WIDTH * (_RIGHT - _LEFT)
    placed: list[tuple[float, float, int]] = []
    found: list[_Mark] = []
    for turn in turns(history):
        name, colour, line = MARKS[turn.kind]
        at = wide * (turn.at - start) / max(1.0, length)
        long = _wide(name, 8) + 6
        left = at + long > 72 * _WIDTH * (1 - _LEFT) - 6
        begin, end = (at - long, at) if left else (at, at + long)
        taken = {level for other, until, level in placed if begin < until and other < end}
        level = next(one for one in range(len(placed) + 1) if one not in taken)
        placed.append((begin, end, level))
        found.append((turn.at - zero, name, colour, line, left, level))
    return found


def _moments(axes: Sequence[Axes], history: History, zero: float, marks: Sequence[_Mark]) -> None:
    """The lines, with their names above the first row, none of which covers another."""
    for at, name, colour, line, left, level in marks:
        for ax in axes:
            ax.axvline(at, color=colour, linewidth=1, linestyle=line, zorder=1)
        axes[0].annotate(
            name,
            (at, 1),
            xycoords=("data", "axes fraction"),
            fontsize=8,
            color=colour,
            xytext=(-3 if left else 3, 3 + _LEVEL * level),
            textcoords="offset points",
            ha="right" if left else "left",
            va="bottom",
            annotation_clip=False,
        )
    # While an objective was broken customers were let down.
    for outage in outages(history):
        for ax in axes:
            span = outage.span
            ax.axvspan(
                span.start - zero, span.end - zero, color=looks.BROKEN, alpha=0.05, linewidth=0
            )


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
