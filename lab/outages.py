"""The stretches of a night over which an objective was broken, as they were measured."""

from __future__ import annotations

from dataclasses import dataclass

from lab.grading.recovery import counting, worst_of
from lab.history import History
from lab.series import MAX_GAP, Condition, Span

HOLD_S = 20.0
"""For so long objectives hold before it is said that they hold, where nothing else was agreed."""

BLIP_S = 3.0
"""What was broken for less is no relapse."""


@dataclass(frozen=True, slots=True)
class Outage:
    """One stretch, and the objective that broke first in it."""

    span: Span
    broken: Condition


def outages(history: History) -> tuple[Outage, ...]:
    """Those from the injection on, earliest first. What held for less than it must hold in between
    is one stretch; each but the first is a relapse. The objectives are those that count: the
    scenario's, or those of the accepted fix."""
    recovery = history.recovery
    hold = recovery.required_s if recovery else HOLD_S
    found: list[Outage] = []
    broken = sorted(
        (
            (span.start, span.end, condition)
            for condition in counting(history.objectives, recovery.fix if recovery else None)
            for span in _broken(condition, history)
        ),
        key=lambda one: one[:2],
    )
    for start, end, condition in broken:
        last = found[-1] if found else None
        if last is not None and start - last.span.end < hold:
            found[-1] = Outage(Span(last.span.start, max(last.span.end, end)), last.broken)
        else:
            found.append(Outage(Span(start, end), condition))
    return tuple(one for one in found if one is found[0] or one.span.seconds >= BLIP_S)


def _broken(condition: Condition, history: History) -> list[Span]:
    series = worst_of(condition, history).between(history.injected_at, history.ended_at)
    found: list[Span] = []
    for at, value in zip(series.times, series.values, strict=True):
        if condition.met(value):
            continue
        if found and at - found[-1].end <= MAX_GAP:
            found[-1] = Span(found[-1].start, at)
        else:
            found.append(Span(at, at))
    return found
