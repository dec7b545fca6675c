"""A recorded night as something to ask: judging it again, anywhere, without the stack.

`Recorded` answers of Prometheus what a history holds: its signals, by name and labels. Whatever
else is asked is *unknown*, never worthless: it was not recorded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.diagnosis import Diagnosis
from lab.errors import BadInput
from lab.grade import grade
from lab.grading.verdict import Verdict
from lab.grading.vocabulary import Vocabulary
from lab.history import History, Told
from lab.prometheus import PrometheusUnavailable
from lab.promql import names_in, plain_selector
from lab.receipts import execute
from lab.series import Series, Span

if TYPE_CHECKING:
    from lab.prometheus import Prometheus


class Recorded:
    """The signals of one history, asked like Prometheus.

    `beyond` is a Prometheus that serves the same history (`lab replay`): it answers PromQL that
    does more than name a signal, as long as it is about nothing but signals.
    """

    def __init__(self, history: History, beyond: Prometheus | None = None) -> None:
        self._history = history
        self._beyond = beyond

    def query_range(self, expr: str, start: float, end: float) -> list[Series]:
        """Every recorded series of `expr` from `start` to `end`.

        Raises `PrometheusUnavailable` for what a history cannot answer.
        """
        unknown = sorted(names_in(expr, self._history.signals) - self._history.signals.keys())
        if unknown:
            raise PrometheusUnavailable(
                f"{', '.join(unknown)}: not in the recording, which holds the signals only"
            )
        tests = plain_selector(expr)
        if tests is None:
            if self._beyond is not None:
                return self._beyond.query_range(expr, start, end)
            raise PrometheusUnavailable(
                f"{expr!r} needs a Prometheus; `lab replay` serves this recording as one"
            )
        name, passes = tests
        found = (one.between(start, end) for one in self._history.signals[name])
        return [one for one in found if one.times and passes(one.labels)]

    def resolve(self, promql: str) -> set[str]:
        """The recorded signals that an expression names."""
        known = self._history.signals.keys()
        return set(names_in(promql, known) & known)


def said_at(history: History) -> float:
    """When a diagnosis of that night is taken to be given: when the last one was, else when it was
    over, else at the end. Never at a claim: somebody may claim before anything shows."""
    event = history.last("diagnosed") or history.last("recovered")
    return history.ended_at if event is None else event.at


def told_of(history: History) -> Span:
    """From the injection until a diagnosis is taken to be given: all that it can speak of."""
    return Span(history.injected_at, said_at(history))


def with_receipts(
    history: History,
    diagnosis: Diagnosis,
    *,
    at: float | None = None,
    beyond: Prometheus | None = None,
) -> History:
    """The history with the evidence of that diagnosis, executed on what was recorded.

    `at` is when it is given (Unix seconds): windows such as -60s count back from it.
    """
    recorded = Recorded(history, beyond)
    when = said_at(history) if at is None else at
    receipts = execute(diagnosis.evidence, when, history.baseline, recorded, recorded)
    return replace(history, receipts=receipts)


def regrade(
    history: History,
    vocabulary: Vocabulary,
    diagnosis: Diagnosis | None = None,
    *,
    told: Told | None = None,
    at: float | None = None,
    beyond: Prometheus | None = None,
) -> Verdict:
    """The verdict on a recorded night: as it was judged, or on another `diagnosis` of it.

    Another diagnosis counts as a first one, without hints. `told` stands in where the recording
    does not say what was true. Raises `BadInput` when neither does.
    """
    told = history.told or told
    if told is None:
        raise BadInput(
            f"the recording of {history.incident} does not say what was true",
            remedy="record the night again; histories carry it now",
        )
    for answer in told.truth.answers:
        if answer.component not in vocabulary.components or answer.cause not in vocabulary.causes:
            raise BadInput(
                f"the recording of {history.incident} speaks of {answer.component!r} and "
                f"{answer.cause!r}, which this version of the lab does not know",
                remedy="`lab diagnose --words` lists what it knows",
            )
    if diagnosis is None:
        return grade(
            told.truth,
            history,
            told.diagnosis,
            vocabulary=vocabulary,
            hints_used=told.hints_used,
            revisions=told.revisions,
        )
    shown = with_receipts(history, diagnosis, at=at, beyond=beyond)
    return grade(told.truth, shown, diagnosis, vocabulary=vocabulary)


def span_of(history: History) -> Span:
    """From the start of the baseline to the end of the incident."""
    return Span(history.baseline.start, history.ended_at)
