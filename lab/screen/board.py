"""All signals at a glance: what each one is now, what it was when all was well, where it goes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.doors import Doors
from lab.errors import BadInput
from lab.grading.calm import allowance
from lab.history import SignalFacts
from lab.looks import called, promise, said
from lab.records import Row
from lab.series import Series, Span
from lab.signals import Signal

LOOK_BACK_S = 60.0
_TICKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Line:
    """One series of one signal.

    `now` is its newest value (None: not measured in the last five seconds), `before` the median of
    the baseline, `recent` the last minute. `moved` says whether `now` is off the baseline by more
    than the catalogue tolerates, `broken` whether it breaks the signal's steady bound. `strayed` is
    how far it left its calm the bad way, in what that absorbs (above 1 it has moved); None where
    there was no calm.
    """

    signal: Signal
    series: str
    now: float | None
    before: float | None
    recent: tuple[float, ...]
    moved: bool | None
    broken: bool
    strayed: float | None = None

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "signal": self.signal.name,
            "series": self.series,
            "component": self.signal.component,
            "unit": self.signal.unit,
            "meaning": self.signal.meaning,
            "direction": self.signal.direction,
            "promql": self.signal.expr,
            "now": self.now,
            "baseline": self.before,
            "moved": self.moved,
            "breaks_steady_bound": self.broken,
            "look_next": self.signal.look_next,
        }


def components(signals: Sequence[Signal]) -> list[str]:
    """The components that have signals, along the dependency chain."""
    return list(dict.fromkeys(signal.component for signal in signals))


def read_board(
    doors: Doors, row: Row | None, component: str | None = None, *, each_series: bool = False
) -> list[Line]:
    """The lines of all signals, or of one component's; the worst series of each, or all of them.

    The baseline is that of the incident `row`; without one there is none. Raises `BadInput` for an
    unknown component and `PrometheusUnavailable`.
    """
    from lab.documents import near

    signals = list(doors.catalogue)
    if component is not None:
        known = components(signals)
        if component not in known:
            hint = near(component, known) or f"there are: {', '.join(known)}"
            raise BadInput(f"no signal is measured at {component!r}", remedy=hint)
        signals = [signal for signal in signals if signal.component == component]
    now = doors.now()
    names = [signal.name for signal in signals]
    recent = doors.catalogue.read(doors.prometheus, now - LOOK_BACK_S, now, names=names)
    calm: dict[str, list[Series]] = {}
    if row is not None and row.baseline_from is not None and row.baseline_until is not None:
        span = Span(row.baseline_from, row.baseline_until)
        calm = doors.catalogue.read(doors.prometheus, span.start, span.end, names=names)
    lines: list[Line] = []
    for signal in signals:
        before = {_key(one, signal): one for one in calm.get(signal.name, ())}
        found = [
            _line(signal, one, before.get(_key(one, signal)), now) for one in recent[signal.name]
        ]
        # The culprit is the first row.
        found.sort(key=lambda line: (*_badness(line), line.series), reverse=True)
        if not found:
            lines.append(Line(signal, "", None, None, (), None, broken=False))
        elif each_series or not signal.split:
            lines += found
        else:
            lines.append(found[0])
    return _first_what_strayed(lines)


def _first_what_strayed(lines: Sequence[Line]) -> list[Line]:
    """Along the dependency chain; of each component first the signal that left its calm furthest,
    all of its series together."""
    furthest: dict[str, float] = {}
    for line in lines:
        name = line.signal.name
        furthest[name] = max(furthest.get(name, 0.0), line.strayed or 0.0)
    order = {name: place for place, name in enumerate(components([one.signal for one in lines]))}
    return sorted(lines, key=lambda one: (order[one.signal.component], -_worth(furthest, one)))


def _worth(furthest: Mapping[str, float], line: Line) -> float:
    """Only what has moved is worth another place than the catalogue's."""
    strayed = furthest[line.signal.name]
    return strayed if strayed > 1 else 0.0


def _key(series: Series, signal: Signal) -> str:
    return called({label: series.labels.get(label, "") for label in signal.split})


def _line(signal: Signal, series: Series, calm: Series | None, now: float) -> Line:
    value = series.last(not_before=now - 5)
    before = statistics.median(calm.values) if calm is not None else None
    strayed: float | None = None
    if value is not None and calm is not None and before is not None:
        change = value - before
        bad_way = {"up": change, "down": -change, "either": abs(change)}[signal.direction]
        # As the grader judges it.
        absorbed = allowance(calm.values, SignalFacts.of(signal))
        strayed = max(0.0, bad_way) / absorbed if absorbed else float(bad_way > 0) * 2
    bound = signal.condition()
    broken = value is not None and bound is not None and not bound.met(value)
    return Line(
        signal=signal,
        series=_key(series, signal),
        now=value,
        before=before,
        recent=tuple(series.values),
        moved=None if strayed is None else strayed > 1,
        broken=broken,
        strayed=strayed,
    )


def _badness(line: Line) -> tuple[float, bool, float]:
    """Which series of a signal speaks for it: what moved furthest, then what is furthest the bad
    way."""
    value = line.now or 0.0
    strayed = line.strayed if line.moved and line.strayed is not None else 0.0
    return strayed, line.broken, -value if line.signal.direction == "down" else value


def spark(values: Sequence[float], width: int = 20) -> str:
    """The values as a row of ticks, the highest of each stretch; flat when they do not change."""
    if not values:
        return ""
    size = max(1, len(values) // width)
    peaks = [max(values[i : i + size]) for i in range(0, len(values), size)][-width:]
    low, high = min(peaks), max(peaks)
    if high - low <= abs(high) * 0.02:
        return _TICKS[0] * len(peaks)
    return "".join(_TICKS[int((one - low) / (high - low) * (len(_TICKS) - 1))] for one in peaks)


def number(value: float | None, signal: Signal) -> str:
    """A value as people read it, or a dash."""
    return "-" if value is None else said(value, signal)


def bound(signal: Signal) -> str:
    """What it keeps to when all is well, or nothing."""
    condition = signal.condition()
    return (
        promise(condition, signal).removeprefix(f"{signal.short or signal.name} ")
        if condition
        else ""
    )
