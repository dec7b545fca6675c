"""Where a broken objective is on its way to: whether it drains, how fast, and when it is kept.

Pure. From the last samples of its own signal and nothing else; whether it is kept is still for the
objective alone to say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import StatisticsError, correlation, linear_regression

from lab.series import Condition, Series
from lab.units import duration, measure

LOOK_BACK_S = 20.0
"""How far back the slope is taken from: a few of the windows that rates look back over."""

LEAST_S = 8.0
"""Of less nobody tells a slope."""

SURE = 0.8
"""How straight a way must be (Pearson's r) to be one: what jumps up and down goes nowhere."""

AT_ALL = 0.02
"""The share of itself by which something must have changed over what was looked at."""

FARTHEST_S = 3600.0
"""Beyond this nobody waits, and the slope of some seconds tells nothing."""

QUEUE, OLDEST = "queue:depth", "queue:oldest_age_seconds"
"""How many wait, and for how long the first of them: that one may be stuck while they are fewer."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The way of a broken objective. `within_s` is in how many seconds it is kept if it goes on so,
    None where it is not on the way; `text` says both, and how fast."""

    text: str
    within_s: float | None

    def __str__(self) -> str:
        return self.text


def slope(series: Series, end: float) -> float | None:
    """The change a second over the `LOOK_BACK_S` seconds before `end`; 0 for what goes nowhere,
    None where too little was measured."""
    part = series.between(end - LOOK_BACK_S, end)
    if len(part.times) < 3 or part.times[-1] - part.times[0] < LEAST_S:
        return None
    try:
        rate = linear_regression(part.times, part.values).slope
        straight = abs(correlation(part.times, part.values))
    except StatisticsError:
        # It does not change at all.
        return 0.0
    changed = abs(rate) * (part.times[-1] - part.times[0])
    largest = max(abs(value) for value in part.values)
    return rate if straight >= SURE and changed >= AT_ALL * largest else 0.0


def trend(
    condition: Condition, series: Series, end: float, unit: str, queue: Series | None = None
) -> Trend | None:
    """The way of an objective up to `end`, where its last value breaks it; else None, and where too
    little was measured.

    `series` is its worst series, in `unit`. Where it is about the first of a `queue`, that is how
    many wait.
    """
    now = series.between(end - LOOK_BACK_S, end).last()
    rate = slope(series, end)
    if now is None or rate is None or condition.met(now):
        return None
    down = condition.op in ("<", "<=")
    nearer = -rate if down else rate
    own = abs(now - condition.value) / nearer if nearer > 0 else math.inf
    told = _told(measure(now, unit), rate, unit, down=down)
    if own < FARTHEST_S:
        return Trend(f"{told}: kept in about {about(own)}", own)
    if condition.signal == OLDEST and queue is not None:
        left, fewer = queue.between(end - LOOK_BACK_S, end).last(), slope(queue, end)
        if left and fewer is not None and fewer < 0 and (whole := left / -fewer) < FARTHEST_S:
            speed = measure(-fewer, "count")
            return Trend(f"{left:.0f} left, {speed} a second: kept in about {about(whole)}", whole)
    return Trend(told, None)


def _told(now: str, rate: float, unit: str, *, down: bool) -> str:
    if rate == 0:
        return f"{now}, not {'falling' if down else 'rising'}"
    return f"{now}, {'falling' if rate < 0 else 'rising'} by {measure(abs(rate), unit)} a second"


def about(seconds: float) -> str:
    """A time that was guessed, with as much of it as is worth something."""
    step = 1 if seconds < 20 else 5 if seconds < 60 else 10
    return duration(math.ceil(seconds / step) * step)
