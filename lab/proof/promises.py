"""Does a scenario's list of symptoms hold on a history? Pure.

A symptom speaks of any series of its signal, what stays unaffected of all of them: one table that
is walked through is a symptom, one server with waiting locks is not calm.
"""

from __future__ import annotations

from collections.abc import Iterable

from lab.grading.pace import late_in, too_busy
from lab.grading.recovery import worst_of
from lab.history import History, Outcome
from lab.scenario import Scenario, Symptom
from lab.series import Condition, Series, Span
from lab.symptoms import series_of
from lab.units import measure

OWED_S = 10.0
"""So many seconds before and after it a signal may show that customers came late: as far as rates
look back."""

MEASURED = 0.8
"""Share of a stretch's points that must be there to say that nothing happened in it."""


def delay(symptom: Symptom, history: History) -> float | None:
    """How long after the injection a symptom began, in seconds; None where it never did."""
    whole = Span(history.injected_at, history.ended_at)
    since = symptom.since(series_of(symptom, history.signals, whole))
    return None if since is None else since - history.injected_at


def delays(scenario: Scenario, history: History) -> dict[str, float]:
    """The delay, in seconds, of each symptom that began, by its text."""
    found = {str(symptom): delay(symptom, history) for symptom in scenario.symptoms}
    return {text: after for text, after in found.items() if after is not None}


def appeared(symptom: Symptom, history: History) -> tuple[Outcome, str]:
    """Whether a symptom began by its deadline. Where it did not, and customers were begun late
    meanwhile, that is unknown: the machine was not the one it was promised for."""
    after = delay(symptom, history)
    deadline = history.injected_at + symptom.within_s
    watched = Span(history.injected_at, deadline + symptom.for_s)
    if after is not None:
        text = f"{symptom}: after {after:.0f} s of {symptom.within_s:g} s"
        in_time = after <= symptom.within_s
        return (Outcome.PASS, text) if in_time else _missed(text, history, watched)
    if history.ended_at < deadline + symptom.for_s:
        return Outcome.UNKNOWN, f"{symptom}: was watched too briefly"
    if not _enough(series_of(symptom, history.signals, watched), watched, history):
        return Outcome.UNKNOWN, f"{symptom}: was not measured"
    return _missed(f"{symptom}: never appeared", history, watched)


def _missed(why: str, history: History, watched: Span) -> tuple[Outcome, str]:
    """A deadline that passed on this machine, at its pace."""
    busy = too_busy(late_in(history, watched))
    return (Outcome.FAIL, why) if busy is None else (Outcome.UNKNOWN, f"{why}, {busy}")


def symptoms_appear(scenario: Scenario, history: History) -> tuple[Outcome, str]:
    """Every symptom by its deadline, with nobody acting."""
    return _all(appeared(symptom, history) for symptom in scenario.symptoms)


def no_symptom(scenario: Scenario, history: History, span: Span) -> tuple[Outcome, str]:
    """No symptom over a stretch in which nothing is broken."""
    found: list[tuple[Outcome, str]] = []
    for symptom in scenario.symptoms:
        series = series_of(symptom, history.signals, span)
        if symptom.spans(series):
            found.append((Outcome.FAIL, f"{symptom}: appeared without the fault"))
        elif not _enough(series, span, history):
            absent = getattr(history.facts.get(symptom.signal), "absent", None)
            if absent is None or symptom.met(absent):
                found.append((Outcome.UNKNOWN, f"{symptom}: was not measured"))
    outcome, why = _all(found)
    return outcome, why or f"{len(scenario.symptoms)} symptoms, none in {span.seconds:.0f} s"


def stays_calm(condition: Condition, history: History, span: Span) -> tuple[Outcome, str]:
    """Whether a signal that must not move kept its bound over a stretch.

    Where customers were begun late whenever it did not, that is unknown: what a machine owes after
    it stood still comes all at once.
    """
    series = worst_of(condition, history).between(span.start, span.end)
    out = [
        (at, value)
        for at, value in zip(series.times, series.values, strict=True)
        if not condition.met(value)
    ]
    broken = [value for _, value in out]
    if broken:
        furthest = max(broken, key=lambda value: abs(value - condition.value))
        facts = history.facts.get(condition.signal)
        text = measure(furthest, facts.unit if facts else "")
        times = f"{len(broken)} of {len(series.values)} samples"
        why = f"{condition}: broken in {times}, as far as {text}"
        late = [late_in(history, Span(at - OWED_S, at + OWED_S)) for at, _ in out]
        if all(too_busy(one) for one in late):
            return Outcome.UNKNOWN, f"{why}, {too_busy(max(one or 0.0 for one in late))}"
        return Outcome.FAIL, why
    if not _enough(series, span, history):
        return Outcome.UNKNOWN, f"{condition}: was not measured"
    return Outcome.PASS, str(condition)


def unaffected(scenario: Scenario, history: History) -> tuple[Outcome, str]:
    """Everything that tells the scenario from its look-alikes stays calm after the injection."""
    span = Span(history.injected_at, history.ended_at)
    return _all(stays_calm(one, history, span) for one in scenario.unaffected)


def _all(found: Iterable[tuple[Outcome, str]]) -> tuple[Outcome, str]:
    """One answer out of many, with what decided it, or everything where all is well."""
    answers = list(found)
    outcome = Outcome.all(one for one, _ in answers)
    return outcome, "; ".join(why for one, why in answers if one is outcome)


def _enough(series: Series, span: Span, history: History) -> bool:
    return len(series.times) * history.step >= MEASURED * span.seconds
