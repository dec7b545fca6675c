"""What the charts of every open page show, read once a second for all of them together."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from lab.doors import Doors
from lab.prometheus import PrometheusUnavailable
from lab.series import Series
from lab.signals import Signal

KEPT_S = 900
"""How far back the charts go."""

OVERLAP_S = 4.0
"""Read again each time: what was scraped late is there then."""

IDLE_S = 15.0
"""Nobody has asked for so long: nobody is looking."""

Key = tuple[str, str]
"""A signal's name, and the labels that tell one of its series from the others."""


class Feed:
    """The last minutes of some signals. `read` fills it, `since` tells what is new."""

    def __init__(self, signals: Iterable[Signal]) -> None:
        self._signals = {signal.name: signal for signal in signals}
        self._points: dict[Key, deque[tuple[float, float]]] = {}
        self._read_until = 0.0
        self._asked = False
        self._asked_at = time.monotonic()
        self._blind: str | None = None
        self._guard = threading.Lock()

    @property
    def watched(self) -> bool:
        """Whether somebody has a page open."""
        return self._asked and self.unwatched_s < IDLE_S

    @property
    def unwatched_s(self) -> float:
        """Since when nobody has."""
        return time.monotonic() - self._asked_at

    def read(self, doors: Doors) -> None:
        """Take in what was measured since the last time; the first time, all that is kept."""
        now = doors.now()
        start = max(self._read_until - OVERLAP_S, now - KEPT_S)
        try:
            found = doors.catalogue.read(doors.prometheus, start, now, names=list(self._signals))
        except PrometheusUnavailable as error:
            self._blind = error.message
            return
        with self._guard:
            self._blind = None
            self._read_until = now
            for name, several in found.items():
                self._take(self._signals[name], several)
            oldest = now - KEPT_S
            for key, points in list(self._points.items()):
                while points and points[0][0] < oldest:
                    points.popleft()
                if not points:
                    del self._points[key]

    def _take(self, signal: Signal, several: Sequence[Series]) -> None:
        for series in several:
            label = " ".join(series.labels.get(name, "") for name in signal.split)
            points = self._points.setdefault((signal.name, label), deque())
            last = points[-1][0] if points else 0.0
            points.extend(
                (at, value)
                for at, value in zip(series.times, series.values, strict=True)
                if at > last and math.isfinite(value)
            )

    def since(self, at: float) -> bytes:
        """JSON: every series of every signal later than `at` (Unix seconds), and the last time.

        `{"until": ..., "blind": null, "signals": {name: {label: [[time, value], ...]}}}`
        """
        self._asked, self._asked_at = True, time.monotonic()
        signals: dict[str, dict[str, list[tuple[float, float]]]] = {}
        until = at
        with self._guard:
            for (name, label), points in self._points.items():
                new = _later(points, at)
                if new:
                    signals.setdefault(name, {})[label] = new
                    until = max(until, new[-1][0])
        told: Mapping[str, object] = {"until": until, "blind": self._blind, "signals": signals}
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()


def _later(points: deque[tuple[float, float]], at: float) -> list[tuple[float, float]]:
    new: list[tuple[float, float]] = []
    for point in reversed(points):
        if point[0] <= at:
            break
        new.append((point[0], round(point[1], 6)))
    new.reverse()
    return new
