"""What a scenario promises to be seen, looked for in signals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lab.scenario import Symptom
from lab.series import Condition, Series, Span, worst

Signals = Mapping[str, Sequence[Series]]


def series_of(condition: Condition, signals: Signals, span: Span) -> Series:
    """The one series that a symptom speaks of: at each time whatever shows it most."""
    covered = [
        one.between(span.start, span.end)
        for one in signals.get(condition.signal, ())
        if all(one.labels.get(key) == text for key, text in condition.where.items())
    ]
    return worst(covered, "down" if condition.op in ("<", "<=") else "up")


def showing(symptoms: Iterable[Symptom], signals: Signals, span: Span) -> list[Symptom]:
    """Those of the symptoms that began within `span`, by what these signals show of it."""
    return [one for one in symptoms if one.since(series_of(one, signals, span)) is not None]
