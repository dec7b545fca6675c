"""The catalogue of signals: every number that the lab, its dashboards and its grader speak of.

A signal is a recording rule of Prometheus with a unit, a meaning, a component and the way that is
bad. The catalogue is infra/prometheus/signals.yaml; the rules and the dashboards are made from it.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from lab.errors import BadInput
from lab.prometheus import Prometheus
from lab.promql import names_in
from lab.series import Condition, Direction, Op, Series, Tolerance, worst

CATALOGUE = Path(__file__).parent.parent / "infra" / "prometheus" / "signals.yaml"

COMPONENTS = (
    "client",
    "nginx",
    "api",
    "redis-cache",
    "postgres-primary",
    "postgres-replica",
    "queue",
    "worker",
    "host",
)
"""Along the dependency chain, from who notices to what everything stands on."""


class Bound(BaseModel):
    """What a signal keeps to in the steady state: `op value`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    op: Op
    value: float


class Signal(BaseModel):
    """One line of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    unit: str = Field(description="s, bytes, ratio, 1/s, s/s, rows/s, cores, count or bool")
    meaning: str
    direction: Direction = Field(description="the way that is bad")
    component: str = Field(description="where on the dependency chain it is measured")
    expr: str = Field(description="PromQL over raw metrics or other signals")
    split: tuple[str, ...] = Field(default=(), description="labels that tell its series apart")
    tolerance: Tolerance
    look_next: str = Field(description="where to look when it moves")
    steady: Bound | None = None
    objective: bool = Field(default=False, description="the steady bound is promised to customers")
    late_s: float = Field(
        default=0.0, ge=0, description="how long after it happened it may be counted"
    )
    age: bool = Field(
        default=False, description="its values are how old something is that is not done yet"
    )
    short: str | None = Field(default=None, description="what it is called beside its bound")
    whole: bool = Field(default=False, description="a share of what there is at most")
    ceiling: float | None = Field(
        default=None, description="where its last bucket ends: a quantile there may be any longer"
    )
    words: dict[float, str] = Field(
        default={}, description="what a value means where the number alone would mislead"
    )
    absent: float | None = Field(
        default=None, description="what the absence of one series among others means"
    )

    def worst(self, series: Sequence[Series]) -> Series:
        """One series out of many: at each time the value that is furthest the bad way."""
        return worst(series, self.direction)

    def condition(self, *, for_s: float = 0.0) -> Condition | None:
        """Its steady-state bound as a condition; None for a signal without one."""
        if self.steady is None:
            return None
        return Condition(signal=self.name, op=self.steady.op, value=self.steady.value, for_s=for_s)


class Catalogue(BaseModel):
    """All signals, in the order of the dependency chain."""

    model_config = ConfigDict(frozen=True)

    signals: tuple[Signal, ...]

    @classmethod
    def load(cls, path: Path = CATALOGUE) -> Catalogue:
        """Reads and validates the catalogue. Raises `BadInput` with what is wrong in it."""
        from pydantic import ValidationError
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            entries = YAML(typ="safe", pure=False).load(path.read_text())
            return cls(signals=tuple(Signal(name=n, **e) for n, e in entries.items()))
        except (OSError, YAMLError, ValidationError, TypeError, AttributeError) as error:
            raise BadInput(f"cannot read the signal catalogue {path}: {error}") from error

    @cached_property
    def by_name(self) -> dict[str, Signal]:
        return {signal.name: signal for signal in self.signals}

    def __iter__(self) -> Iterator[Signal]:  # type: ignore[override]  # of signals, not of fields
        return iter(self.signals)

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def __getitem__(self, name: str) -> Signal:
        """The signal of that name. Raises `BadInput` with the nearest names."""
        try:
            return self.by_name[name]
        except KeyError:
            near = difflib.get_close_matches(name, self.by_name, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "`lab signals` lists them"
            raise BadInput(f"there is no signal {name!r}", remedy=hint) from None

    def steady(self) -> list[Condition]:
        """What holds when all is well: the gate before an incident and after it."""
        return [c for c in (signal.condition() for signal in self.signals) if c is not None]

    def objectives(self) -> list[Condition]:
        """What customers are promised; the steady bounds that an error budget is spent on."""
        return [
            c
            for c in (signal.condition() for signal in self.signals if signal.objective)
            if c is not None
        ]

    def resolve(self, promql: str) -> set[str]:
        """The signals that a PromQL expression touches: those it names, and those that are made of
        a raw metric that it names (`x_sum` and `x_bucket` are the same metric).

        Empty when it touches none, and where it is no PromQL.
        """
        raw = {signal.name: self._raw(signal.expr) for signal in self.signals}
        asked = names_in(promql, raw.keys() | set().union(*raw.values()))
        named = {name for name in asked if name in self}
        return named | {name for name, made_of in raw.items() if made_of & asked}

    def _raw(self, expr: str) -> set[str]:
        """The raw metrics that an expression is made of, signals in it taken apart."""
        found: set[str] = set()
        for name in names_in(expr):
            found |= self._raw(self.by_name[name].expr) if name in self else {name}
        return found

    def read(
        self,
        prometheus: Prometheus,
        start: float,
        end: float,
        *,
        names: Collection[str] | None = None,
        step: float = 1.0,
    ) -> dict[str, list[Series]]:
        """The signals `names` (by default all) from `start` to `end`, with one question.

        A signal without data has an empty list. Raises `PrometheusUnavailable`.
        """
        wanted = sorted(self.by_name if names is None else names)
        found: dict[str, list[Series]] = {name: [] for name in wanted}
        # Names are letters, digits, `_` and `:`, nothing that a pattern could stumble on.
        selector = f'{{__name__=~"{"|".join(wanted)}"}}'
        for series in prometheus.query_range(selector, start, end, step) if wanted else []:
            found[series.labels["__name__"]].append(series)
        return found
