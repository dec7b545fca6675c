"""One line of a chart as the room keeps it: each second of the last minutes, and what was before
them in fewer points."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

SHARP_S = 900.0
"""How far back each second is kept."""

COARSE_S = 4.0
"""Between two points of what is older. Less than what a chart shows as a hole, and no more points
in an hour than in the last quarter of one."""

Point = tuple[float, float]
"""When, in Unix seconds, and how much."""


class Curve:
    """The points of one line, ascending."""

    def __init__(self) -> None:
        self._recent: deque[Point] = deque()
        self._old: deque[Point] = deque()

    def __bool__(self) -> bool:
        return bool(self._recent or self._old)

    @property
    def first(self) -> float:
        """When it begins. There must be a point."""
        return (self._old or self._recent)[0][0]

    def take(self, points: Iterable[Point]) -> None:
        """Take in what is later than all there is; each point is taken once."""
        last = (self._recent or self._old or ((0.0, 0.0),))[-1][0]
        self._recent.extend(point for point in points if point[0] > last)

    def age(self, now: float, oldest: float) -> None:
        """Keep fewer of what is no longer recent, and nothing from before `oldest`."""
        while self._recent and self._recent[0][0] < now - SHARP_S:
            point = self._recent.popleft()
            if not self._old or point[0] - self._old[-1][0] >= COARSE_S:
                self._old.append(point)
        for points in (self._old, self._recent):
            while points and points[0][0] < oldest:
                points.popleft()

    def later(self, at: float) -> list[Point]:
        """What is later than that."""
        new: list[Point] = []
        for points in (self._recent, self._old):
            for point in reversed(points):
                if point[0] <= at:
                    break
                new.append((point[0], round(point[1], 6)))
        new.reverse()
        return new
