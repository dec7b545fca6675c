"""How long it took, and what it cost the customers. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from lab.grading.recovery import worst_of
from lab.grading.verdict import Burn, Times
from lab.history import Event, History, Outcome
from lab.series import MAX_GAP, Condition, Op, Series
from lab.units import duration

_MEASURED_ENOUGH = 0.8
_OPPOSITE: Mapping[Op, Op] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def first_breach(history: History) -> float | None:
    """When an objective was first measured broken: where every clock of the incident starts.

    The recorded event if there is one, else the earliest sample after the injection.
    """
    event = history.first("breached")
    if event is not None:
        return event.at
    found = [
        since
        for one in history.objectives
        if (since := _broken(one).since(_after_injection(one, history))) is not None
    ]
    return min(found, default=None)


def _broken(condition: Condition) -> Condition:
    return Condition(signal=condition.signal, op=_OPPOSITE[condition.op], value=condition.value)


def _after_injection(condition: Condition, history: History) -> Series:
    return worst_of(condition, history).between(history.injected_at, history.ended_at)


def times(history: History, mitigated: Outcome) -> Times:
    """The times to acknowledge, to the final diagnosis and to mitigate."""
    breach = first_breach(history)

    def since(event: Event | None) -> float | None:
        return None if breach is None or event is None else max(0.0, event.at - breach)

    recovered = history.last("recovered") if mitigated is not Outcome.FAIL else None
    return Times(
        history.injected_at,
        breach,
        since(history.first("acknowledged")),
        since(history.last("diagnosed")),
        since(recovered),
    )


def burnt(history: History) -> Burn:
    """The error budget that went, from the injection until the objectives held again."""
    promise = history.promise
    recovered = history.last("recovered")
    end = recovered.at if recovered else history.ended_at
    condition = Condition(signal=promise.signal, op="<=", value=0)
    series = worst_of(condition, history).between(history.injected_at, end)
    lasted = end - history.injected_at
    measured = failed = 0.0
    previous = history.injected_at
    for at, value in zip(series.times, series.values, strict=True):
        # What a hole hides is not counted, neither as failed nor as measured.
        stretch = at - previous if at - previous <= MAX_GAP else history.step
        measured += stretch
        failed += stretch * min(1.0, max(0.0, value))
        previous = at
    if lasted <= 0 or measured < _MEASURED_ENOUGH * lasted:
        return Burn(None, None, f"{promise.signal} was not measured for long enough")
    budget = (1 - promise.target) * promise.period_s
    share = failed / budget
    reason = (
        f"as many requests failed as in {duration(failed)} of complete outage: "
        f"{100 * share:.1f} % of the {promise.period_s / 86400:.0f} days' budget "
        f"of {100 * promise.target:g} %; what was only late is not in it"
    )
    return Burn(failed, share, reason)
