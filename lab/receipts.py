"""Re-executing evidence: what did this signal, this PromQL, this panel really show, and when?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lab.archive import recordable
from lab.diagnosis import Diagnosis, Evidence
from lab.errors import BadInput
from lab.history import Receipt
from lab.panels import Panels
from lab.prometheus import BadQuery, Prometheus, PrometheusUnavailable
from lab.series import Series, Span


class Measured(Protocol):
    """Who answers PromQL over a stretch of time: Prometheus, or a recording of it."""

    def query_range(self, expr: str, start: float, end: float) -> list[Series]: ...


class Names(Protocol):
    """Who knows which signals an expression touches."""

    def resolve(self, promql: str) -> set[str]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a piece of evidence asks of Prometheus, over which window."""

    expressions: tuple[str, ...]
    window: Span


def asked(evidence: Evidence, at: float, panels: Panels) -> Asked:
    """What that evidence means, recorded at Unix time `at`.

    Raises `BadInput` for an address that is no panel of the lab's.
    """
    if evidence.kind != "panel":
        return Asked((evidence.text,), evidence.span(at))
    panel = panels.at(evidence.text, at)
    if evidence.window is not None or panel.window is None:
        return Asked(panel.expressions, evidence.span(at))
    return Asked(panel.expressions, panel.window)


def check(
    diagnosis: Diagnosis,
    at: float,
    baseline: Span,
    prometheus: Prometheus,
    panels: Panels | None = None,
) -> None:
    """Refuse evidence that nobody can execute, before it is recorded as an attempt.

    Raises `BadInput` that says which. Where Prometheus does not answer, PromQL is taken on trust.
    """
    panels = panels or Panels()
    for number, evidence in enumerate(diagnosis.evidence, start=1):
        try:
            asks = asked(evidence, at, panels)
            if _within(asks.window, baseline, at) is None:
                raise BadInput(
                    f"its window ({_when(asks.window)}) lies outside this incident"
                    f" ({_when(Span(baseline.start, at))})",
                    remedy="give it a window such as [-90s, now]; nothing was recorded",
                )
            for expression in asks.expressions:
                prometheus.query(expression, at)
        except PrometheusUnavailable:
            return
        except BadInput as error:
            raise BadInput(
                f"evidence {number}: {error.message}",
                remedy=error.remedy or "nothing was recorded; correct it and send it again",
            ) from error


def _when(span: Span) -> str:
    start, end = (datetime.fromtimestamp(at).astimezone() for at in (span.start, span.end))
    return f"{start:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S}"


def _within(window: Span, baseline: Span, at: float) -> Span | None:
    """The part of a window that is of the incident, which began with its calm; None: none is."""
    start, end = max(window.start, baseline.start), min(window.end, at)
    return Span(start, end) if start < end else None


def execute(
    evidence: Sequence[Evidence],
    at: float,
    baseline: Span,
    prometheus: Measured,
    catalogue: Names,
    panels: Panels | None = None,
) -> tuple[Receipt, ...]:
    """Each piece of evidence over its own window and over the incident's baseline.

    `at` is when the diagnosis was recorded. Never raises: what could not be executed says why.
    """
    panels = panels or Panels()
    return tuple(_receipt(one, at, baseline, prometheus, catalogue, panels) for one in evidence)


def _receipt(
    evidence: Evidence,
    at: float,
    baseline: Span,
    prometheus: Measured,
    catalogue: Names,
    panels: Panels,
) -> Receipt:
    try:
        asks = asked(evidence, at, panels)
    except BadInput as error:
        return Receipt(evidence.text, evidence.span(at), (), (), (), problem=error.message)
    signals = {name for expression in asks.expressions for name in catalogue.resolve(expression)}
    before: list[Series] = []
    during: list[Series] = []
    problem: str | None = None
    # Of a window of six hours only what is of this incident can tell anything about it.
    window = _within(asks.window, baseline, at) or asks.window
    try:
        for expression in asks.expressions:
            before += prometheus.query_range(expression, baseline.start, baseline.end)
            during += prometheus.query_range(expression, window.start, window.end)
    except BadQuery:
        # It was never valid: it shows nothing, which is not the same as not being able to look.
        before, during = [], []
    except PrometheusUnavailable as error:
        problem = error.message
    return Receipt(
        claim=evidence.text,
        window=window,
        signals=tuple(sorted(signals)),
        baseline=recordable(before),
        observed=recordable(during),
        problem=problem,
    )
