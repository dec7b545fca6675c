"""The proof matrix of one scenario, from what was recorded of its night. Pure.

| run                             | diagnosed  | mitigated            |
| ------------------------------- | ---------- | -------------------- |
| no fault, same load             | -          | no symptom appears   |
| no fault, same load             | and no page rings since the stack is up |
| nobody acts                     | fail       | fail                 |
| nobody acts                     | and nothing that an operator sees says what was done |
| nobody acts                     | and nothing of the truth's chain moved the other way round |
| each decoy, and anybody's       | pass       | fail (unless accepted) |
| remedy                          | pass       | pass                 |
| remedy, wrong diagnosis         | fail       | pass                 |
| blind, or without its customers | as claimed | unknown              |

The decoys' diagnosis is the true one: neither part of a verdict may lean on the other. Nobody says
when it was made, so its evidence is from the whole night: a minute of it may show nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lab.autopilot import true_diagnosis
from lab.diagnosis import Diagnosis
from lab.grade import grade
from lab.grading.verdict import Verdict
from lab.grading.vocabulary import Vocabulary
from lab.history import Check, History, Outcome
from lab.proof import promises
from lab.proof.order import order_of
from lab.proof.rows import (
    AFTER,
    ANYBODY,
    DECOY,
    GIVEAWAYS,
    LIVED,
    NO_PAGE,
    NOBODY,
    REMEDY,
    Night,
    Row,
)
from lab.recorded import told_of, with_receipts
from lab.scenario import Scenario
from lab.series import Span

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


def rows(night: Night, vocabulary: Vocabulary) -> list[Row]:
    """Every row of the matrix that one night answers."""
    if night.problem is not None:
        return [Row("the night", LIVED, PASS, UNKNOWN, night.problem)]
    return [*_rows(night, vocabulary)]


def _rows(night: Night, vocabulary: Vocabulary) -> Iterator[Row]:
    scenario = night.scenario
    for name, why in night.undone.items():
        yield Row(name, "mitigated", FAIL, UNKNOWN, f"could not be done: {why}")
    for name, history in night.runs.items():
        if name == NOBODY:
            yield from _nobody(scenario, history, vocabulary)
            if night.rang is not None:
                said = "; ".join(night.rang) or "nothing rang"
                yield Row("no fault", NO_PAGE, PASS, Outcome.of(not night.rang), said)
            if night.giveaways is not None:
                said = "; ".join(night.giveaways) or "nowhere"
                yield Row(NOBODY, GIVEAWAYS, FAIL, Outcome.of(bool(night.giveaways)), said)
        elif name.startswith((DECOY, ANYBODY)):
            yield from _tempting(scenario, name, history, vocabulary)
        elif name == REMEDY:
            yield from _remedy(scenario, history, vocabulary)
    for name in (NOBODY, REMEDY):
        if name not in night.runs and name not in night.undone:
            yield Row(name, "was recorded", PASS, UNKNOWN, "the night ended before it")


def _nobody(scenario: Scenario, history: History, vocabulary: Vocabulary) -> Iterator[Row]:
    calm = Span(history.baseline.start, history.injected_at)
    yield _row("no fault", "no symptom", PASS, promises.no_symptom(scenario, history, calm))
    yield _row(NOBODY, "symptoms", PASS, promises.symptoms_appear(scenario, history))
    yield _row(NOBODY, "unaffected", PASS, promises.unaffected(scenario, history))
    paged = history.first("paged")
    after = "never rang" if paged is None else f"after {paged.at - history.injected_at:.0f} s"
    yield _row(NOBODY, "paged", PASS, (Outcome.of(paged is not None), after))
    order = order_of(history, scenario.answer.chain)
    right, wrong = order.told
    told = f"{right + wrong} of {order.pairs} pairs told apart, {wrong} the other way round"
    yield Row(NOBODY, "order", PASS, Outcome.of(wrong == 0), told)
    verdict = grade(scenario.answer, history, None, vocabulary=vocabulary)
    yield _diagnosed(NOBODY, FAIL, verdict)
    yield _mitigated(NOBODY, FAIL, verdict)


def _tempting(
    scenario: Scenario, name: str, history: History, vocabulary: Vocabulary
) -> Iterator[Row]:
    """A wrong fix, together with the true diagnosis. One that the scenario accepts may help; what
    only hides the night, after an accepted remedy, may not."""
    truth = true_diagnosis(scenario, told_of(history))
    verdict = _told(scenario, history, truth, vocabulary)
    yield _diagnosed(name, PASS, verdict)
    hides = name.removeprefix(ANYBODY) in AFTER
    fix = None if hides or history.recovery is None else history.recovery.fix
    if fix is not None and verdict.mitigated is PASS:
        # The system showed what the scenario accepts, and the scenario says why it counts.
        accepted = _mitigated(name, PASS, verdict)
        yield replace(accepted, why=f"accepted: {fix.what}; {accepted.why}")
    else:
        yield _mitigated(name, FAIL, verdict)


def _remedy(scenario: Scenario, history: History, vocabulary: Vocabulary) -> Iterator[Row]:
    diagnosis = true_diagnosis(scenario)
    # With the receipts that Prometheus gave in that night, as a learner's would be.
    verdict = grade(scenario.answer, history, diagnosis, vocabulary=vocabulary)
    yield _diagnosed(REMEDY, PASS, verdict)
    yield _mitigated(REMEDY, PASS, verdict)
    wrong, hardest = hardest_wrong(scenario, history, vocabulary)
    name = "remedy, wrong diagnosis"
    row = _diagnosed(name, FAIL, hardest)
    yield replace(row, why=f"at most {wrong.cause}: {row.why}")
    yield _mitigated(name, PASS, hardest)
    for name, harmed in (
        ("remedy, Prometheus down", without_samples(history)),
        ("remedy, load not delivered", without_customers(history)),
    ):
        verdict = grade(scenario.answer, harmed, diagnosis, vocabulary=vocabulary)
        yield _diagnosed(name, PASS, verdict)
        yield _mitigated(name, UNKNOWN, verdict)


def hardest_wrong(
    scenario: Scenario, history: History, vocabulary: Vocabulary
) -> tuple[Diagnosis, Verdict]:
    """Of all wrong causes the one that earns most, where everything else is said right."""
    right = {answer.cause for answer in scenario.answer.answers}
    truth = true_diagnosis(scenario, told_of(history))
    tried = [replace(truth, cause=cause) for cause in vocabulary.causes if cause not in right]
    graded = [(one, _told(scenario, history, one, vocabulary)) for one in tried]
    return max(graded, key=lambda pair: (pair[1].diagnosed is PASS, pair[1].points))


def without_samples(history: History) -> History:
    """The same night, had Prometheus been down while the recovery was measured."""
    recovery = history.recovery
    assert recovery is not None
    seen = recovery.window
    signals = {
        name: tuple(
            replace(
                one,
                times=tuple(at for at in one.times if not seen.start <= at <= seen.end),
                values=tuple(
                    value
                    for at, value in zip(one.times, one.values, strict=True)
                    if not seen.start <= at <= seen.end
                ),
            )
            for one in several
        )
        for name, several in history.signals.items()
    }
    down = "Prometheus does not answer"
    extra = tuple(Check(check.name, UNKNOWN, down) for check in recovery.extra)
    load = replace(recovery.load, intended=None, started=None, problem=down)
    measured = replace(recovery, extra=extra, load=load)
    return replace(history, signals=signals, recovery=measured)


def without_customers(history: History) -> History:
    """The same night, had the load generator sent half of what it should."""
    recovery = history.recovery
    assert recovery is not None
    due = recovery.load.declared_rate * recovery.window.seconds
    load = replace(recovery.load, intended=round(due), started=round(due / 2))
    return replace(history, recovery=replace(recovery, load=load))


def _told(
    scenario: Scenario, history: History, diagnosis: Diagnosis, vocabulary: Vocabulary
) -> Verdict:
    """The verdict on a diagnosis whose evidence is executed on the recording."""
    shown = with_receipts(history, diagnosis)
    return grade(scenario.answer, shown, diagnosis, vocabulary=vocabulary)


def _row(run: str, question: str, should: Outcome, answer: tuple[Outcome, str]) -> Row:
    return Row(run, question, should, *answer)


def _diagnosed(run: str, should: Outcome, verdict: Verdict) -> Row:
    return Row(run, "diagnosed", should, verdict.diagnosed, verdict.diagnosed_why)


def _mitigated(run: str, should: Outcome, verdict: Verdict) -> Row:
    return Row(run, "mitigated", should, verdict.mitigated, verdict.mitigated_why)
