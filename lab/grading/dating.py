"""Dating an onset by raw samples: where, near the moment that is known roughly, did it begin?

Pure. Whether a signal moved is told by its rule, which is calm. When, is told by the first sample
that is out and that most of the next ones bear out; a climb is followed back to its foot. It began
between that sample and the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.series import Series, Span

SCRAPE_S = 1.0
"""Seconds between two samples of a target (infra/prometheus/prometheus.yml)."""

BORNE_OUT_S = 3.0
"""For so long most samples must be out, for the first of them to be the beginning."""

AT_FIRST_S = 1.25
"""What else is scraped with the first sample, since each target has a moment of its own."""

MOST = 0.75
"""So many of them."""

HALF = 0.5
"""Of ages it is fewer: between one thing that takes long and the next nothing is old."""

_RISEN = 0.8  # of what it reaches in that time: the end of a rise, whatever the noise on top

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Calm:
    """What a series does when all is well, in its own unit: its `median`, how far it must stray to
    be out (`absorbed`), and how far at least to be on its way there (`foot`). `against` is how far
    it strays the other way: so much of a rise a sample can hide that is still below the foot. None
    where every sample is another draw, and that is not known."""

    median: float
    absorbed: float
    foot: float
    against: float | None = None


@dataclass(frozen=True, slots=True)
class Dated:
    """`at` is when a sample showed it first; it began then, or up to `within_s` earlier. `value` is
    the furthest of what was seen at first, in the signal's unit."""

    at: float
    within_s: float
    value: float


def dated(series: Series, calm: Calm, near: Span, sign: int, most: float = MOST) -> Dated | None:
    """When a series went out, up (`sign` 1) or down (-1), somewhere in `near`; it did where so many
    (`most`) of the next samples bear it out.

    None where the samples do not say.
    """
    points = [
        (at, sign * (value - calm.median))
        for at, value in zip(series.times, series.values, strict=True)
    ]
    index = next((i for i in range(len(points)) if _begins(points, i, calm, near, most)), 0)
    while index > 0 and near.start <= points[index - 1][0] and _climbs(points, index, calm):
        index -= 1
    if index == 0:
        return None
    at = points[index][0]
    unseen = at - points[index - 1][0]
    # As it rose, so it had risen to where it could be seen.
    soon = _within(points, at, BORNE_OUT_S)
    reached = max(out for _, out in soon)
    rose = next(when for when, out in soon if out >= _RISEN * reached) - at + SCRAPE_S
    below = calm.foot
    if calm.against is not None:
        # Of what it had risen the sample before shows all but what the calm takes away again.
        below = min(below, max(0.0, points[index - 1][1] + calm.against))
    hidden = rose * min(1.0, below / reached)
    furthest = max(out for _, out in _within(points, at, AT_FIRST_S))
    return Dated(at, SCRAPE_S + unseen + hidden, calm.median + sign * furthest)


def _begins(points: Points, index: int, calm: Calm, near: Span, most: float) -> bool:
    at, out = points[index]
    if not near.start <= at <= near.end or out <= calm.absorbed:
        return False
    soon = _within(points, at, BORNE_OUT_S)
    return sum(out > calm.absorbed for _, out in soon) >= most * len(soon)


def _climbs(points: Points, index: int, calm: Calm) -> bool:
    return calm.foot < points[index - 1][1] <= points[index][1]


def _within(points: Points, start: float, seconds: float) -> Points:
    return [point for point in points if start <= point[0] <= start + seconds]
