"""When things happened, read from what Prometheus recorded: nobody had to be there and watch.

First breach: the first measured moment after the injection at which an objective is not kept. Page:
the first at which the scenario's alert fires. Recovery: the moment since when every objective holds
without a break up to the end of what is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.history import Promise
from lab.prometheus import Prometheus
from lab.series import Condition, Series, Span, worst


@dataclass(frozen=True, slots=True)
class Moments:
    """Unix seconds, None for what has not happened. `broken` is the objective that broke first."""

    breached_at: float | None
    broken: Condition | None
    paged_at: float | None
    recovered_at: float | None


def read(
    prometheus: Prometheus, objectives: Sequence[Condition], alert: str, span: Span
) -> Moments:
    """The moments of an incident whose fault was injected at `span.start`, up to `span.end`.

    Raises `PrometheusUnavailable`.
    """
    kept = [(objective, against(prometheus, objective, span)) for objective in objectives]
    firing = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    rings = prometheus.query_range(firing, span.start, span.end)
    return derive(kept, [at for one in rings for at in one.times])


def against(prometheus: Prometheus, condition: Condition, span: Span) -> Series:
    """The signal of a condition over `span`; where it is split, always the value furthest from
    meeting it."""
    labels = ",".join(f'{key}="{text}"' for key, text in sorted(condition.where.items()))
    name = f"{condition.signal}{{{labels}}}" if labels else condition.signal
    found = prometheus.query_range(name, span.start, span.end)
    return worst(found, "up" if condition.op in ("<", "<=") else "down")


def derive(kept: Sequence[tuple[Condition, Series]], rings: Sequence[float]) -> Moments:
    """The moments, from each objective's series since the injection and the times of ringing."""
    broken = sorted(
        (
            (at, condition)
            for condition, series in kept
            for at, value in zip(series.times, series.values, strict=True)
            if not condition.met(value)
        ),
        key=lambda pair: pair[0],
    )
    if not broken:
        return Moments(None, None, min(rings, default=None), None)
    last = broken[-1][0]
    # Every objective must have been seen to hold since then; silence is no recovery.
    since = [min((at for at in series.times if at > last), default=None) for _, series in kept]
    whole = [at for at in since if at is not None]
    return Moments(
        breached_at=broken[0][0],
        broken=broken[0][1],
        paged_at=min(rings, default=None),
        recovered_at=max(whole) if len(whole) == len(kept) else None,
    )


def budget_burnt(errors: Series, promise: Promise) -> float:
    """The share of the period's error budget that was spent over a series of error ratios.

    1 means all of it. Points are taken as one second each: the step at which signals are read.
    """
    lost_seconds = sum(errors.values)
    return lost_seconds / ((1 - promise.target) * promise.period_s)
