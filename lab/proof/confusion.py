"""Can one scenario be taken for another? Every recorded night against every other's truth. Pure.

For a night of one scenario and the truth of another:

- what was true here, held against the other's truth, is wrong;
- the other's true diagnosis, given here, is wrong;
- the other's promise (its symptoms by their deadlines, its calm signals calm) does not hold here.

Two scenarios with the same component and cause differ in what is seen, not in the answer: of them
only the last is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.autopilot import true_diagnosis
from lab.grade import grade
from lab.grading.vocabulary import Vocabulary
from lab.history import History, Outcome
from lab.proof.promises import symptoms_appear, unaffected
from lab.proof.rows import NOBODY, Night, Row
from lab.recorded import told_of, with_receipts
from lab.scenario import Scenario


def confusion(nights: Sequence[Night], vocabulary: Vocabulary) -> list[Row]:
    """The rows of every night that was recorded against every other scenario."""
    return [
        row
        for night in nights
        if NOBODY in night.runs
        for other in _others(night, nights)
        for row in against(night, other, vocabulary)
    ]


def _others(night: Night, nights: Sequence[Night]) -> list[Scenario]:
    """One of each other scenario: their seeds differ in names, not in kind."""
    found = {one.scenario.slug: one.scenario for one in nights}
    return [scenario for slug, scenario in found.items() if slug != night.scenario.slug]


def against(night: Night, other: Scenario, vocabulary: Vocabulary) -> Iterator[Row]:
    """One night against one other scenario's truth and, where it was watched for long enough, its
    promises."""
    scenario, history = night.scenario, night.runs[NOBODY]
    run = f"{night.name} as {other.slug}"
    if not _same_answer(scenario, other):
        yield _judged(f"{run}: its truth", scenario, other, history, vocabulary)
        yield _judged(f"{run}: taken for it", other, scenario, history, vocabulary)
    # Who left before the other's last deadline does not know what would have shown.
    if history.ended_at - history.injected_at >= other.last_deadline:
        outcome, why = promised(other, history)
        yield Row(run, "promise", Outcome.FAIL, outcome, why)


def promised(scenario: Scenario, history: History) -> tuple[Outcome, str]:
    """Whether a history shows all that a scenario promises."""
    answers = [symptoms_appear(scenario, history), unaffected(scenario, history)]
    outcome = Outcome.all(one for one, _ in answers)
    return outcome, "; ".join(why for one, why in answers if one is outcome and why)


def _judged(
    run: str, said: Scenario, true: Scenario, history: History, vocabulary: Vocabulary
) -> Row:
    """The true diagnosis of `said`, where `true` counts as true."""
    diagnosis = true_diagnosis(said, told_of(history))
    shown = with_receipts(history, diagnosis)
    verdict = grade(true.answer, shown, diagnosis, vocabulary=vocabulary)
    return Row(run, "diagnosed", Outcome.FAIL, verdict.diagnosed, verdict.diagnosed_why)


def _same_answer(one: Scenario, other: Scenario) -> bool:
    return any(
        (a.component, a.cause) == (b.component, b.cause)
        for a in one.answer.answers
        for b in other.answer.answers
    )
