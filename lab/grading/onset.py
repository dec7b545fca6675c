"""When did each signal leave its baseline? A change-point, with the resolution it can be told to.

Pure. A series has moved when it goes the bad way by more than it absorbs - its tolerance in the
catalogue, and a multiple of its own noise - and stays there for `SUSTAIN` points. The onset is then
followed back to where it began to leave the noise, so that a slow climb is dated from its foot.

Where the raw samples around the injection were kept, they date it: see lab/grading/dating.py.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lab.grading.calm import SUSTAIN, allowance, filled, trends
from lab.grading.dating import HALF, MOST, Calm, dated
from lab.history import History, SignalFacts
from lab.series import MAX_GAP, Direction, Labels, Series, Span

JUST_BEFORE_S = 10.0
"""What a series did so long before the fault is noise, however far it strayed: only what goes
further has moved."""

MARGIN = 1.5
"""So much further."""

RULE_S = 3.0
"""By a rule nothing is dated better than this: targets are scraped once a second, each at its own
moment, and rules are evaluated a second later."""

ANSWER_S = 0.25
"""A sample is stamped when its target is asked, and may tell of what happened until it answers."""

BLIND_S = 15.0
"""A hole this long hides anything; a series that never moved but has one is unknown."""

_STEADY = 0.8  # share of the baseline that a series must have to be expected all the time
_FOOT = 0.1  # of what a series absorbs: where a climb begins

State = Literal["moved", "still", "unknown"]


@dataclass(frozen=True, slots=True)
class Onset:
    """Whether and when a signal left its baseline.

    `at` is set only when it moved: that is when it showed. It began then, or up to `resolution_s`
    earlier (see `apart`). `before` and `extreme` are the baseline's median and the worst value
    after the onset, in the signal's unit; `labels` say which of its series moved first.
    """

    signal: str
    state: State
    reason: str
    at: float | None = None
    resolution_s: float = RULE_S
    before: float | None = None
    extreme: float | None = None
    way: Literal["up", "down"] | None = None
    labels: Labels | None = None


def apart(one: Onset, other: Onset) -> bool:
    """Whether it can be told which of two signals moved first.

    Signals show late, and early by no more than the time of an answer: the later one must have
    moved longer after the other than it may be late itself.
    """
    if one.at is None or other.at is None:
        return False
    earlier, later = sorted((one, other), key=lambda onset: onset.at or 0.0)
    assert earlier.at is not None
    assert later.at is not None
    return later.at - later.resolution_s > earlier.at + ANSWER_S


def onsets(history: History, names: Collection[str] | None = None) -> dict[str, Onset]:
    """The onset of every signal that the history knows facts of (or only of those among `names`),
    from its injection to its end.

    The journal notes the time before it lets anything break, so whatever moved earlier was not
    moved by that.
    """
    watched = Span(history.injected_at, history.ended_at)
    return {
        name: onset(
            name,
            history.signals.get(name),
            facts,
            history.baseline,
            watched,
            history.step,
            history.sharp.get(name, ()),
        )
        for name, facts in history.facts.items()
        if names is None or name in names
    }


def onset(
    name: str,
    series: Sequence[Series] | None,
    facts: SignalFacts,
    baseline: Span,
    watched: Span,
    step: float,
    sharp: Sequence[Series] = (),
) -> Onset:
    """The onset of one signal: that of whichever of its series moved first.

    `sharp` are the same series as the raw samples have them, where those were kept. Unknown when
    nothing was measured before or during, or when a hole could hide a movement.
    """
    if series is None:
        return Onset(name, "unknown", "was not recorded")
    raw = {one.key: one for one in filled(sharp, facts.absent)}
    found = [
        _sharpened(
            _series_onset(name, one, facts, baseline, watched, step),
            raw.get(one.key),
            facts,
            baseline,
            watched,
        )
        for one in filled(series, facts.absent)
    ]
    moved = [one for one in found if one.at is not None]
    if moved:
        return min(moved, key=lambda one: one.at or 0.0)
    # One that comes and goes by nature (a rare statement) is no gap in what was measured.
    steady = [
        shown
        for one, shown in zip(series, found, strict=True)
        if len(one.between(baseline.start, baseline.end).times) * step >= _STEADY * baseline.seconds
    ]
    unknown = [one for one in steady or found if one.state == "unknown"]
    if unknown:
        return unknown[0]
    return next(iter(steady or found), Onset(name, "unknown", "has no samples"))


def _sharpened(
    rough: Onset, raw: Series | None, facts: SignalFacts, baseline: Span, watched: Span
) -> Onset:
    """The same onset dated by raw samples, where there are some and they say when."""
    calm = raw.between(baseline.start, baseline.end).values if raw is not None else ()
    if raw is None or rough.at is None or len(calm) < SUSTAIN:
        return rough
    median, absorbed = statistics.median(calm), allowance(calm, facts)
    earliest = max(watched.start, rough.at - rough.resolution_s)
    way = 1 if rough.way == "up" else -1
    # No foot is looked for in what the calm itself reached; and of what is counted every second is
    # another one, so that noise would be taken for a foot.
    reached = max(way * (value - median) for value in calm)
    against = max(way * (median - value) for value in calm)
    seen = Calm(median, absorbed, absorbed)
    if not facts.window_s:
        foot = min(absorbed, max(_FOOT * absorbed, reached))
        seen = Calm(median, absorbed, foot, max(0.0, against))
    near = Span(earliest, watched.end)
    found = dated(raw, seen, near, way, HALF if facts.age else MOST)
    if found is None:
        return rough
    within = found.within_s + facts.late_by(found.value)
    if facts.age:
        # What is so old began so long ago, and whatever makes it wait did not begin before it.
        within = min(within, max(raw.between(found.at, found.at).values) + ANSWER_S)
    if found.at > rough.at + RULE_S:
        # The samples do not bear out what the rule shows; it was anywhere in between.
        within = max(within, found.at - earliest)
    return replace(rough, at=found.at, resolution_s=within)


def _series_onset(
    name: str, series: Series, facts: SignalFacts, baseline: Span, watched: Span, step: float
) -> Onset:
    calm = series.between(baseline.start, baseline.end).values
    if len(calm) < SUSTAIN and facts.absent is not None:
        calm = (facts.absent,) * SUSTAIN
    if len(calm) < SUSTAIN:
        return Onset(name, "unknown", "has no samples in the baseline", labels=series.labels)
    median, absorbed = statistics.median(calm), allowance(calm, facts)
    just_before = series.between(watched.start - JUST_BEFORE_S, watched.start)
    strayed = max(
        (
            abs(value - median)
            for at, value in zip(just_before.times, just_before.values, strict=True)
            if at < watched.start
        ),
        default=0.0,
    )
    if strayed > absorbed:
        absorbed = MARGIN * strayed
    after = series.between(watched.start, watched.end)
    gap = max(MAX_GAP, 3 * step)
    first = first_out(after, median, absorbed, facts.direction, gap)
    if first is None:
        hole = _longest_hole(after.times, watched)
        if hole > BLIND_S:
            reason = f"was not measured for {hole:.0f} s; it could have moved unseen"
            return Onset(name, "unknown", reason, labels=series.labels, before=median)
        if trends(calm, facts):
            reason = "was on its way already before anything broke"
            return Onset(name, "unknown", reason, labels=series.labels, before=median)
        return Onset(name, "still", "never left its baseline", labels=series.labels, before=median)
    index, sign = first
    index = _foot(after, index, median, absorbed, sign, gap)
    at = after.times[index]
    rest = after.values[index:]
    extreme = max(rest) if sign > 0 else min(rest)
    smear = facts.window_s * min(1.0, absorbed / abs(extreme - median))
    unseen = max(0.0, at - (after.times[index - 1] if index else watched.start) - step)
    hole = unseen if unseen > gap else 0.0
    return Onset(
        name,
        "moved",
        "left its baseline",
        at=at,
        resolution_s=RULE_S + smear + facts.late_by(max(rest[:SUSTAIN], key=abs)) + hole,
        before=median,
        extreme=extreme,
        way="up" if sign > 0 else "down",
        labels=series.labels,
    )


def first_out(
    series: Series, median: float, absorbed: float, direction: Direction, gap: float
) -> tuple[int, int] | None:
    """Index and sign (+1 up, -1 down) of the first of `SUSTAIN` points in a row that are out.

    A hole longer than `gap` seconds breaks a row. None when there is no such row.
    """
    ways = {"up": (1,), "down": (-1,), "either": (1, -1)}[direction]
    run, sign, last = 0, 0, 0.0
    for index, (at, value) in enumerate(zip(series.times, series.values, strict=True)):
        out = next((way for way in ways if way * (value - median) > absorbed), 0)
        unbroken = out == sign and at - last <= gap
        run = (run + 1 if unbroken else 1) if out else 0
        sign, last = out, at
        if run == SUSTAIN:
            return index - SUSTAIN + 1, sign
    return None


def _foot(series: Series, index: int, median: float, absorbed: float, sign: int, gap: float) -> int:
    """Where the climb that `index` is part of began to leave the noise."""
    while (
        index > 0
        and series.times[index] - series.times[index - 1] <= gap
        and sign * (series.values[index - 1] - median) > _FOOT * absorbed
        and sign * (series.values[index] - series.values[index - 1]) >= 0
    ):
        index -= 1
    return index


def _longest_hole(times: Iterable[float], span: Span) -> float:
    edges = [span.start, *times, span.end]
    return max(b - a for a, b in itertools.pairwise(edges))
