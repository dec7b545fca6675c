"""What the charts of every open page show, read once a second for all of them together."""

from __future__ import annotations

import json
import math
import statistics
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from lab import looks
from lab.boards.happened import HAPPENINGS, Happening
from lab.doors import Doors
from lab.prometheus import PrometheusUnavailable
from lab.room.curve import COARSE_S, SHARP_S, Curve
from lab.series import Labels, Series, Span

KEPT_S = SHARP_S
"""How far back the charts go at least."""

LONGEST_S = 3 * 3600.0
"""How far back somebody may ask for: the longest night, and what was before it."""

OVERLAP_S = 4.0
"""Read again each time: what was scraped late is there then."""

IDLE_S = 15.0
"""Nobody has asked for so long: nobody is looking."""

Key = tuple[str, str]
"""What is measured (a signal, or something that happens), and what one of its lines is called."""


class Feed:
    """The last minutes of what pages look at. `read` fills it, `since` tells what is new.

    A page looks at some signals at a time, and so far back; what nobody looks at is not read, and
    let go.
    """

    def __init__(self) -> None:
        self._points: dict[Key, Curve] = {}
        self._colours: dict[Key, tuple[str | None, bool]] = {}
        self._calm: dict[Key, float] = {}
        self._calm_of: tuple[Span | None, frozenset[str]] = (None, frozenset())
        self._wanted: dict[tuple[str, float], float] = {}
        self._read_until: dict[str, float] = {}
        self._back: dict[str, float] = {}
        self._read_at = 0.0
        self._begun: float | None = None
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
        wanted = self._looked_at()
        # Whoever looks further back than anybody so far gets all of it anew.
        anew = {name for name, back in wanted.items() if back > self._back.get(name, 0.0)}
        try:
            found = [
                *self._first(doors, {name: wanted[name] for name in anew}, now),
                *self._new(doors, wanted.keys() - anew, now),
            ]
        except PrometheusUnavailable as error:
            self._blind = error.message
            return
        with self._guard:
            self._blind, self._read_at = None, now
            for key in [one for one in self._points if one[0] in anew]:
                del self._points[key]
            for several in found:
                for name, series in several.items():
                    self._take(name, series)
                    self._read_until[name] = now
            self._back = wanted
            for key, curve in list(self._points.items()):
                curve.age(now, now - wanted.get(key[0], 0.0))
                if not curve:
                    del self._points[key]

    def _looked_at(self) -> dict[str, float]:
        """What some page has asked for lately, and how far back. The rest is let go."""
        now = time.monotonic()
        with self._guard:
            self._wanted = {
                one: asked for one, asked in self._wanted.items() if now - asked < IDLE_S
            }
            wanted: dict[str, float] = {}
            for name, back in self._wanted:
                wanted[name] = max(back, wanted.get(name, 0.0))
            for name in [one for one in self._read_until if one not in wanted]:
                del self._read_until[name]
                self._back.pop(name, None)
            for key in [one for one in self._points if one[0] not in wanted]:
                del self._points[key]
            return wanted

    def _first(
        self, doors: Doors, wanted: Mapping[str, float], now: float
    ) -> Iterator[Mapping[str, Sequence[Series]]]:
        """All that is wanted: of what is long ago fewer points, then each second."""
        recent = now - SHARP_S
        for back in sorted(set(wanted.values())):
            names = [name for name, far in wanted.items() if far == back]
            if back > SHARP_S:
                yield _read(doors, names, now - back, recent, COARSE_S)
            yield _read(doors, names, max(recent, now - back), now)

    def _new(
        self, doors: Doors, names: Collection[str], now: float
    ) -> Iterator[Mapping[str, Sequence[Series]]]:
        """By when they were read last, one question for what has come anew."""
        groups: dict[float, list[str]] = {}
        for name in names:
            start = max(self._read_until.get(name, 0.0) - OVERLAP_S, now - SHARP_S)
            groups.setdefault(start, []).append(name)
        for start, several in groups.items():
            yield _read(doors, several, start, now)

    def _take(self, name: str, several: Iterable[Series]) -> None:
        happening = next((one for one in HAPPENINGS if one.kind == name), None)
        for series in several:
            key = (name, _called(series.labels, happening))
            self._colours[key] = (
                (happening.colour, False)
                if happening
                else (looks.colour(series.labels), looks.dashed(series.labels))
            )
            self._points.setdefault(key, Curve()).take(
                (at, value)
                for at, value in zip(series.times, series.values, strict=True)
                if math.isfinite(value)
            )

    def night(self, begun: float | None) -> None:
        """Since when the night that is looked at goes on, in Unix seconds; None: there is none."""
        self._begun = begun

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

    def here(self) -> None:
        """Somebody has a page open, whatever it shows."""
        self._asked, self._asked_at = True, time.monotonic()

    def since(self, at: float, names: Collection[str] = (), back: float = KEPT_S) -> bytes:
        """JSON: every line of what is called so later than `at` (Unix seconds) and up to `back`
        seconds ago, the last time, since when the night goes on, and the calm's medians.

        `{"until": ..., "blind": null, "night": null, "signals": {name: {line: [[time, value],
        ...]}}, "looks": {name: {line: [colour or null, dashed]}}, "calm": {name: {line: median}}}`;
        `looks` of what was not told before `at`. Nothing is told until all of it was read once, so
        that nobody misses what was measured before.
        """
        back = min(max(back, KEPT_S), LONGEST_S)
        self._asked, self._asked_at = True, time.monotonic()
        signals: dict[str, dict[str, list[tuple[float, float]]]] = {}
        colours: dict[str, dict[str, tuple[str | None, bool]]] = {}
        until = at
        with self._guard:
            for name in names:
                self._wanted[name, back] = self._asked_at
            known = all(self._back.get(name, 0.0) >= back for name in names)
            for (name, line), points in self._points.items():
                if not known or name not in names:
                    continue
                new = points.later(max(at, self._read_at - back))
                if not new:
                    continue
                signals.setdefault(name, {})[line] = new
                until = max(until, new[-1][0])
                if points.first > at:
                    colours.setdefault(name, {})[line] = self._colours[name, line]
        calm: dict[str, dict[str, float]] = {}
        for (name, line), median in self._calm.items():
            if name in names:
                calm.setdefault(name, {})[line] = median
        told: Mapping[str, object] = {
            "until": until,
            "blind": self._blind,
            "night": self._begun,
            "signals": signals,
            "looks": colours,
            "calm": calm,
        }
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()


def _called(labels: Labels, happening: Happening | None) -> str:
    if happening is not None:
        return happening.name(labels.get(happening.label, "?"))
    return looks.called(labels)


def _read(
    doors: Doors, names: Collection[str], start: float, end: float, step: float = 1.0
) -> Mapping[str, Sequence[Series]]:
    """What is called so, signals and what happens."""
    signals = [name for name in names if name in doors.catalogue]
    found: dict[str, Sequence[Series]] = {}
    if signals:
        found |= doors.catalogue.read(doors.prometheus, start, end, names=signals, step=step)
    for one in (one for one in HAPPENINGS if one.kind in names):
        found[one.kind] = doors.prometheus.query_range(one.expr, start, end, step)
    return found
