"""Measured values over time, and the questions that are asked of them.

Pure data: no clock, no network, no disk. Times are Unix seconds, values are in the unit of the
signal that they belong to. A value that is not a number (0/0 in PromQL) never gets in here: what
could not be measured is absent, and whoever reads a series must decide what absence means.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from lab.units import LAST

MOST = 1e100

MAX_GAP = 3.0
"""Seconds between two points beyond which a run of points is broken.

Scrapes come every second and a starved target may miss one or two; a longer hole is no evidence."""

Moment = Annotated[float, Field(ge=0, le=LAST, allow_inf_nan=False)]
"""Unix seconds that a calendar can show, in any zone."""

Number = Annotated[float, Field(ge=-MOST, le=MOST, allow_inf_nan=False)]
"""What can be measured: far from what arithmetic on it would make infinite."""

Labels = Mapping[str, str]
Direction = Literal["up", "down", "either"]
Op = Literal[">", ">=", "<", "<="]

_OPERATORS: dict[Op, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one label set at one time."""

    labels: Labels
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one label set, `times` ascending and as long as `values`."""

    labels: Labels
    times: Sequence[float]
    values: Sequence[float]

    @property
    def key(self) -> frozenset[tuple[str, str]]:
        """What tells it from the other series of the same expression: its labels."""
        return frozenset(self.labels.items())

    def between(self, start: float, end: float) -> Series:
        """The part with `start <= time <= end`."""
        kept = [i for i, at in enumerate(self.times) if start <= at <= end]
        return Series(self.labels, [self.times[i] for i in kept], [self.values[i] for i in kept])

    def covers(self, start: float, end: float) -> bool:
        """Whether there are points, and no hole longer than `MAX_GAP` from end to end."""
        edges = [start, *self.times, end]
        return bool(self.times) and all(b - a <= MAX_GAP for a, b in pairwise(edges))

    def last(self, *, not_before: float = float("-inf")) -> float | None:
        """The newest value, or None when there is none at or after `not_before`."""
        if not self.times or self.times[-1] < not_before:
            return None
        return self.values[-1]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, both ends included."""

    start: Moment
    end: Moment

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Condition(BaseModel):
    """`signal op value`, held for `for_s` seconds: a line of a scenario, an objective, a gate.

    Where a signal is split by labels, the condition speaks about its worst series (see
    `Signal.worst`): "p95 < 0.5" means all of them are, "upstream up < 1" means any of them is.
    `where` narrows it to the series that carry these labels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    signal: str
    op: Op
    value: Number
    for_s: Number = Field(default=0.0, ge=0, validation_alias=AliasChoices("for", "for_s"))
    where: dict[str, str] = Field(default_factory=dict)

    def __str__(self) -> str:
        held = f" for {self.for_s:g} s" if self.for_s else ""
        labels = ",".join(f'{k}="{v}"' for k, v in sorted(self.where.items()))
        return f"{self.signal}{f'{{{labels}}}' if labels else ''} {self.op} {self.value:g}{held}"

    def met(self, value: float) -> bool:
        """Whether one value meets it, time aside."""
        return _OPERATORS[self.op](value, self.value)

    def spans(self, series: Series) -> list[Span]:
        """The stretches, earliest first, over which it was met without a break for `for_s`."""
        found: list[Span] = []
        start: float | None = None
        end = 0.0
        for at, value in zip(series.times, series.values, strict=True):
            if start is not None and at - end > MAX_GAP:
                found.append(Span(start, end))
                start = None
            if self.met(value):
                start = at if start is None else start
                end = at
            elif start is not None:
                found.append(Span(start, end))
                start = None
        if start is not None:
            found.append(Span(start, end))
        return [span for span in found if span.seconds >= self.for_s]

    def since(self, series: Series) -> float | None:
        """When it began to be met, the first time that it then held for `for_s`; None if never."""
        return next((span.start for span in self.spans(series)), None)

    def held(self, series: Series, start: float, end: float) -> bool | None:
        """Whether every point of `[start, end]` meets it.

        None (unknown) when the points leave a hole longer than `MAX_GAP` anywhere in between: what
        was not measured is neither a pass nor a fail. A point that fails it decides all the same.
        """
        part = series.between(start, end)
        if not all(self.met(value) for value in part.values):
            return False
        return True if part.covers(start, end) else None

    def broken_share(self, series: Series, start: float, end: float) -> float | None:
        """The share of the points of `[start, end]` that do not meet it, from 0 to 1.

        None (unknown) where the points leave a hole, as in `held`.
        """
        part = series.between(start, end)
        if not part.covers(start, end):
            return None
        return sum(not self.met(value) for value in part.values) / len(part.values)


class Tolerance(BaseModel):
    """How far a value may stray from its baseline before it counts as having moved.

    It has moved when the change exceeds `ratio` x |baseline| AND `floor` (in the signal's unit):
    the ratio keeps large values from moving by noise, the floor small ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ratio: Number = Field(ge=0)
    floor: Number = Field(ge=0)

    def allowance(self, baseline: float) -> float:
        """The change, in the signal's unit, that `baseline` absorbs."""
        return max(self.floor, self.ratio * abs(baseline))


def worst(series: Iterable[Series], direction: Direction) -> Series:
    """Reduces label-split series to one, point by point: the highest, or for "down" the lowest.

    Its labels are those that all series agree on; it is empty when there is no series.
    """
    pick = min if direction == "down" else max
    points: dict[float, float] = {}
    shared: dict[str, str] | None = None
    for one in series:
        shared = (
            dict(one.labels)
            if shared is None
            else {k: v for k, v in shared.items() if one.labels.get(k) == v}
        )
        for at, value in zip(one.times, one.values, strict=True):
            points[at] = pick(points[at], value) if at in points else value
    times = sorted(points)
    return Series(shared or {}, times, [points[at] for at in times])
