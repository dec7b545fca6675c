"""The calm before: what a series does when all is well, and what that absorbs.

Pure. The noise is robust (a median, and the median of the deviations from it): one odd point in the
baseline changes nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from lab.history import SignalFacts
from lab.series import Series

SUSTAIN = 3
"""Points in a row that must be out: one alone may be a hiccup of the scrape."""

_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_SIGMAS = 4.0


def filled(series: Sequence[Series], absent: float | None) -> list[Series]:
    """The same series with `absent` wherever one has no point and another has.

    Untouched when absence means nothing (`absent` is None).
    """
    if absent is None or len(series) < 2:
        return list(series)
    times = sorted({at for one in series for at in one.times})
    whole: list[Series] = []
    for one in series:
        known = dict(zip(one.times, one.values, strict=True))
        whole.append(Series(one.labels, times, [known.get(at, absent) for at in times]))
    return whole


def allowance(values: Sequence[float], facts: SignalFacts) -> float:
    """How far a series with these baseline values may stray before it has moved, in its unit."""
    median = statistics.median(values)
    return max(facts.tolerance.allowance(median), _SIGMAS * _noise(values, median))


def trends(values: Sequence[float], facts: SignalFacts) -> bool:
    """Whether a baseline was no calm: it went further on its way than it would absorb. What follows
    on it may be more of the same, and may hide a movement."""
    if len(values) < 2 * SUSTAIN:
        return False
    places = range(len(values))
    slope, start = statistics.linear_regression(places, values)
    rest = [value - start - slope * place for place, value in enumerate(values)]
    absorbed = facts.tolerance.allowance(statistics.median(values))
    return abs(slope) * len(values) > max(absorbed, _SIGMAS * _noise(rest, 0.0))


def _noise(values: Sequence[float], median: float) -> float:
    return _MAD_TO_SIGMA * statistics.median(abs(value - median) for value in values)
