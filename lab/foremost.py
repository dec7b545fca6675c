"""Of the several series of a signal, the one that tells what happened to it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from lab.grading.calm import filled
from lab.grading.onset import Onset
from lab.history import History, SignalFacts
from lab.series import Series


@dataclass(frozen=True, slots=True)
class Foremost:
    """That series, what it was when all was well, and its worst value from the injection on; None
    where either was not measured."""

    series: Series
    before: float | None
    extreme: float | None


def foremost(history: History, onset: Onset) -> Foremost | None:
    """The series of the onset's signal that was off the most the bad way: by how much, for how
    long. That which moved first may have done no more than that. None where there is no series."""
    facts = history.facts[onset.signal]
    sign = {"up": 1, "down": -1}.get(onset.way or facts.direction)
    found = [
        (_seen(one, history, facts, sign), one.labels == onset.labels, -place)
        for place, one in enumerate(filled(history.signals.get(onset.signal, ()), facts.absent))
        if one.values
    ]
    # What came up only later is off from nothing: a statement that the operator runs, for instance.
    # And where none is off it is whichever moved first, or is the first.
    return (
        max(found, key=lambda one: (one[0][1].before is not None, one[0][0], *one[1:]))[0][1]
        if found
        else None
    )


def _seen(
    series: Series, history: History, facts: SignalFacts, sign: int | None
) -> tuple[float, Foremost]:
    """How far it was off on the whole, in the signal's unit times seconds, and what it went to."""
    calm = series.between(history.baseline.start, history.baseline.end).values
    after = series.between(history.injected_at, history.ended_at).values
    before = statistics.median(calm) if calm else facts.absent
    usual = before or 0.0
    strayed = [(sign or 1) * (value - usual) for value in after]
    if sign is None:
        strayed = [abs(value) for value in strayed]
    if not after:
        return 0.0, Foremost(series, before, None)
    extreme = after[max(range(len(after)), key=lambda place: strayed[place])]
    return history.step * sum(strayed), Foremost(series, before, extreme)
