"""The report's picture: the signals of the night above, what people did below, on one clock.

An SVG made with matplotlib, which is imported only here and only when a report is written.
Names and colours are those of every board (lab/looks.py); nothing is said by colour alone.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab import looks
from lab.foremost import Foremost, foremost
from lab.grading.onset import Onset
from lab.history import History
from lab.lanes import floor, in_rows
from lab.lanes import lanes as draw_lanes
from lab.outages import outages
from lab.series import MAX_GAP, Series, Span
from lab.sheet import FAINT, INK, LEFT, RIGHT, SOFT, WIDTH, beside, plain, wide
from lab.turns import TurnKind, turns
from lab.units import measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = looks.INKS[0], looks.INKS[1]

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
_ROW, _LANES, _TOP, _BOTTOM = 0.62, 1.05, 0.28, 0.5  # inches
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
    cited = in_rows(looks, whole)
    lowest = _LANES * (2 - floor(cited)) / 2
    marks = _marks(history, zero)
    top = _TOP + _LEVEL / 72 * (1 + max((level for *_, level in marks), default=0))
    height = top + _ROW * max(1, len(rows)) + lowest + _BOTTOM
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.add_gridspec(
        len(rows) + 1,
        1,
        height_ratios=[*[_ROW] * len(rows), lowest],
        hspace=0.18,
        left=LEFT,
        right=RIGHT,
        top=1 - top / height,
        bottom=_BOTTOM / height,
    )
    lanes = figure.add_subplot(grid[len(rows), 0])
    axes = [figure.add_subplot(grid[index, 0], sharex=lanes) for index in range(len(rows))]
    for ax, (one, shown) in zip(axes, rows, strict=True):
        _row(ax, history, one, shown, zero)
    draw_lanes(lanes, acts, cited, zero, whole)
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
    plain(ax)
    ax.tick_params(bottom=False, labelbottom=False)
    name = looks.called(telling.labels)
    beside(ax, "left", 0.64, one.signal, name or facts.component)
    if shown.before is not None and shown.extreme is not None:
        was, became = measure(shown.before, facts.unit), measure(shown.extreme, facts.unit)
        beside(ax, "right", 0.64, became, f"from {was}")


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
    across = 72 * WIDTH * (RIGHT - LEFT)
    placed: list[tuple[float, float, int]] = []
    found: list[_Mark] = []
    for turn in turns(history):
        name, colour, line = MARKS[turn.kind]
        at = across * (turn.at - start) / max(1.0, length)
        long = wide(name, 8) + 6
        left = at + long > 72 * WIDTH * (1 - LEFT) - 6
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


def _inline(document: str) -> str:
    """The SVG element alone, as wide as the page, without a second definition of its size."""
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    head, rest = element.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="Timeline of the incident">{rest}'
