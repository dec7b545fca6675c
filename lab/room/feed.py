"""What the charts of every open page show, read once a second for all of them together."""

from __future__ import annotations

import json
import math
import statistics
import threading
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from lab import looks
from lab.boards.happened import HAPPENINGS, Happening
from lab.doors import Doors
from lab.prometheus import PrometheusUnavailable
from lab.series import Labels, Series, Span

KEPT_S = 900
"""How far back the charts go."""

OVERLAP_S = 4.0
"""Read again each time: what was scraped late is there then."""

IDLE_S = 15.0
"""Nobody has asked for so long: nobody is looking."""

Key = tuple[str, str]
"""What is measured (a signal, or something that happens), and what one of its lines is called."""


class Feed:
    """The last minutes of what pages look at. `read` fills it, `since` tells what is new.

    A page looks at some signals at a time; what nobody looks at is not read, and let go.
    """

    def __init__(self) -> None:
        self._points: dict[Key, deque[tuple[float, float]]] = {}
        self._colours: dict[Key, tuple[str | None, bool]] = {}
        self._calm: dict[Key, float] = {}
        self._calm_of: tuple[Span | None, frozenset[str]] = (None, frozenset())
        self._wanted: dict[str, float] = {}
        self._read_until: dict[str, float] = {}
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

    # -- reading ------------------------------------------------------------------------------

    def read(self, doors: Doors) -> None:
        """Take in what was measured since the last time; the first time, all that is kept."""
        now = doors.now()
        names = self._looked_at()
        try:
            found = list(self._new(doors, names, now))
        except PrometheusUnavailable as error:
            self._blind = error.message
            return
        with self._guard:
            self._blind = None
            for several in found:
                for name, series in several.items():
                    self._take(name, series)
                    self._read_until[name] = now
            oldest = now - KEPT_S
            for key, points in list(self._points.items()):
                while points and points[0][0] < oldest:
                    points.popleft()
                if not points:
                    del self._points[key]

    def _looked_at(self) -> set[str]:
        """What some page has asked for lately. The rest is let go."""
        now = time.monotonic()
        with self._guard:
            self._wanted = {
                name: asked for name, asked in self._wanted.items() if now - asked < IDLE_S
            }
            for name in [one for one in self._read_until if one not in self._wanted]:
                del self._read_until[name]
            for key in [one for one in self._points if one[0] not in self._wanted]:
                del self._points[key]
            return {*self._wanted}

    def _new(
        self, doors: Doors, names: Collection[str], now: float
    ) -> Iterator[Mapping[str, Sequence[Series]]]:
        """By when they were read last: one question for what was, one for what has come anew."""
        groups: dict[float, list[str]] = {}
        for name in names:
            start = max(self._read_until.get(name, 0.0) - OVERLAP_S, now - KEPT_S)
            groups.setdefault(start, []).append(name)
        for start, several in groups.items():
            signals = [name for name in several if name in doors.catalogue]
            found: dict[str, Sequence[Series]] = {}
            if signals:
                found |= doors.catalogue.read(doors.prometheus, start, now, names=signals)
            for one in (one for one in HAPPENINGS if one.kind in several):
                found[one.kind] = doors.prometheus.query_range(one.expr, start, now)
            yield found

    def _take(self, name: str, several: Iterable[Series]) -> None:
        happening = next((one for one in HAPPENINGS if one.kind == name), None)
        for series in several:
            key = (name, _called(series.labels, happening))
            self._colours[key] = (
                (happening.colour, False)
                if happening
                else (looks.colour(series.labels), looks.dashed(series.labels))
            )
            points = self._points.setdefault(key, deque())
            last = points[-1][0] if points else 0.0
            points.extend(
                (at, value)
                for at, value in zip(series.times, series.values, strict=True)
                if at > last and math.isfinite(value)
            )

    def calm(self, doors: Doors, span: Span | None) -> None:
        """Take in what each line's median was when all was well; None: there is no such time."""
        wanted = frozenset(name for name in self._looked_at() if name in doors.catalogue)
        if self._calm_of == (span, wanted):
            return
        found: dict[Key, float] = {}
        if span is not None and wanted:
            try:
                read = doors.catalogue.read(doors.prometheus, span.start, span.end, names=wanted)
            except PrometheusUnavailable:
                return
            found = {
                (name, looks.called(one.labels)): statistics.median(one.values)
                for name, several in read.items()
                for one in several
                if one.values
            }
        self._calm, self._calm_of = found, (span, wanted)

    # -- telling ------------------------------------------------------------------------------

    def since(self, at: float, names: Collection[str] = ()) -> bytes:
        """JSON: every line of what is called so later than `at` (Unix seconds), the last time, and
        the calm's medians.

        `{"until": ..., "blind": null, "signals": {name: {line: [[time, value], ...]}},
        "looks": {name: {line: [colour or null, dashed]}}, "calm": {name: {line: median}}}`; `looks`
        of what was not told before `at`. Nothing is told until all of it was read once, so that
        nobody misses what was measured before.
        """
        self._asked, self._asked_at = True, time.monotonic()
        signals: dict[str, dict[str, list[tuple[float, float]]]] = {}
        colours: dict[str, dict[str, tuple[str | None, bool]]] = {}
        until = at
        with self._guard:
            for name in names:
                self._wanted[name] = self._asked_at
            known = all(name in self._read_until for name in names)
            for (name, line), points in self._points.items():
                new = _later(points, at) if known and name in names else []
                if not new:
                    continue
                signals.setdefault(name, {})[line] = new
                until = max(until, new[-1][0])
                if points[0][0] > at:
                    colours.setdefault(name, {})[line] = self._colours[name, line]
        calm: dict[str, dict[str, float]] = {}
        for (name, line), median in self._calm.items():
            if name in names:
                calm.setdefault(name, {})[line] = median
        told: Mapping[str, object] = {
            "until": until,
            "blind": self._blind,
            "signals": signals,
            "looks": colours,
            "calm": calm,
        }
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()


def _called(labels: Labels, happening: Happening | None) -> str:
    if happening is not None:
        return happening.name(labels.get(happening.label, "?"))
    return looks.called(labels)


def _later(points: deque[tuple[float, float]], at: float) -> list[tuple[float, float]]:
    new: list[tuple[float, float]] = []
    for point in reversed(points):
        if point[0] <= at:
            break
        new.append((point[0], round(point[1], 6)))
    new.reverse()
    return new
