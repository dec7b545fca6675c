"""Judges an incident: (truth, history, diagnosis) -> verdict. Pure: no clock, network or disk.

| part      | points | rule                                                          |
| --------- | ------ | ------------------------------------------------------------- |
| component | 25     | exact 25; a neighbour on the dependency graph 10              |
| cause     | 25     | exact 25; of the same family 10                               |
| evidence  | 30     | see lab/grading/evidence.py; worth nothing: it is capped      |
| order     | 20     | see lab/grading/order.py                                      |

The mark is 70 of 100. Of the order hardly ever everything can be told, and nobody can measure more
of it afterwards: the mark is the same share of what could be judged. Without evidence the whole is
capped at 10 less than the mark.

Each revision costs 5. Hints cost their price, but only if the diagnosis is one, and never more than
what it has above the mark: taking help must not undo having solved it.

What could not be measured is open: it is in neither the points nor the possible ones. A diagnosis
that is short of the mark, and that all that is open would carry to 70, is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lab.diagnosis import Diagnosis
from lab.grading.evidence import evidence_part
from lab.grading.onset import Onset, onsets
from lab.grading.order import measured_order, order_part
from lab.grading.recovery import recovery_checks
from lab.grading.times import burnt, times
from lab.grading.truth import Answer, Truth
from lab.grading.verdict import PASS_MARK, Part, Verdict
from lab.grading.vocabulary import Vocabulary
from lab.history import Check, History, Outcome

EXACT = 25
NEAR = 10
SHORT_WITHOUT_EVIDENCE = 10
REVISION_COSTS = 5
ORDER = "order"


def grade(
    truth: Truth,
    history: History,
    diagnosis: Diagnosis | None,
    *,
    vocabulary: Vocabulary,
    hints_used: Sequence[int] = (),
    revisions: int = 0,
) -> Verdict:
    """The verdict on one incident.

    `diagnosis` is the last one, None when none was made. `hints_used` are the prices, in points, of
    the hints that were taken; `revisions` counts the diagnoses after the first. Where several
    answers are accepted, the one that serves the learner best counts.
    """
    measured = onsets(history)
    parts = _best_parts(truth, history, diagnosis, vocabulary, measured)
    mark = _mark(parts)
    least, most = (_whole(parts, revisions, hoping=hoping) for hoping in (False, True))
    diagnosed = _diagnosed(history, diagnosis, least, most, mark)
    points, arithmetic = _sum(parts, diagnosed, hints_used, revisions)
    why = _why(history, diagnosis, diagnosed, (least, points, most), mark)
    checks = recovery_checks(history)
    mitigated, mitigated_why = _mitigated(history, checks)
    cited = [name for one in history.receipts for name in one.signals if name == one.claim]
    named = (*diagnosis.chain, *cited) if diagnosis else ()
    return Verdict(
        incident=history.incident,
        scenario=history.scenario,
        diagnosed=diagnosed,
        diagnosed_why=why,
        points=points,
        possible=sum(part.judged for part in parts),
        parts=parts,
        arithmetic=arithmetic,
        mitigated=mitigated,
        mitigated_why=mitigated_why,
        checks=checks,
        times=times(history, mitigated),
        burnt=burnt(history),
        order=measured_order(dict.fromkeys((*truth.chain, *named)), measured),
        answer=truth,
        diagnosis=diagnosis,
        light=history.light,
        put_back=tuple(event.detail for event in history.of_kind("put-back")),
    )


def _best_parts(
    truth: Truth,
    history: History,
    diagnosis: Diagnosis | None,
    vocabulary: Vocabulary,
    measured: Mapping[str, Onset],
) -> tuple[Part, ...]:
    if history.invalid is not None:
        why = (f"the run does not count: {history.invalid}",)
        sizes = (("component", 25), ("cause", 25), ("evidence", 30), ("order", 20))
        return tuple(Part(name, size, 0, size, why) for name, size in sizes)
    if diagnosis is None:
        why = ("no diagnosis was made",)
        sizes = (("component", 25), ("cause", 25), ("evidence", 30), ("order", 20))
        return tuple(Part(name, size, 0, 0, why) for name, size in sizes)
    candidates = [
        _parts(answer, truth, history, diagnosis, vocabulary, measured) for answer in truth.answers
    ]
    return max(candidates, key=lambda parts: _whole(parts, 0, hoping=False))


def _parts(
    answer: Answer,
    truth: Truth,
    history: History,
    diagnosis: Diagnosis,
    vocabulary: Vocabulary,
    measured: Mapping[str, Onset],
) -> tuple[Part, ...]:
    cause = vocabulary.cause_named(diagnosis.cause)
    claimed = vocabulary.component_named(diagnosis.component)
    tells = telling_signals(truth, answer, vocabulary)
    return (
        _component(answer, diagnosis, vocabulary),
        _cause(answer, diagnosis, vocabulary),
        evidence_part(
            history,
            tells,
            measured,
            red_herrings=truth.red_herrings,
            cause_is_right=cause is not None and cause.name == answer.cause,
            one_of_several=claimed.name if claimed is not None and claimed.part_of else None,
        ),
        order_part(diagnosis.chain, truth.chain, measured, truth.red_herrings),
    )


def telling_signals(truth: Truth, answer: Answer, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The signals that tell the answer's cause from its look-alikes in this scenario."""
    return tuple(dict.fromkeys((*truth.evidence, *vocabulary.causes[answer.cause].shows)))


def _component(answer: Answer, diagnosis: Diagnosis, vocabulary: Vocabulary) -> Part:
    claimed = vocabulary.component_named(diagnosis.component)
    if claimed is not None and claimed.name == answer.component:
        return Part("component", EXACT, EXACT, 0, (f"{claimed.name} is right",))
    if claimed is not None and claimed.name in vocabulary.neighbours(answer.component):
        why = f"{claimed.name} is next to {answer.component} on the dependency graph"
        return Part("component", EXACT, NEAR, 0, (why,))
    return Part("component", EXACT, 0, 0, (f"{diagnosis.component}: it was {answer.component}",))


def _cause(answer: Answer, diagnosis: Diagnosis, vocabulary: Vocabulary) -> Part:
    claimed = vocabulary.cause_named(diagnosis.cause)
    if claimed is not None and claimed.name == answer.cause:
        return Part("cause", EXACT, EXACT, 0, (f"{claimed.name} is right",))
    if claimed is not None and vocabulary.same_family(claimed.name, answer.cause):
        why = f"{claimed.name} is of the same family ({claimed.family}) as {answer.cause}"
        return Part("cause", EXACT, NEAR, 0, (why,))
    return Part("cause", EXACT, 0, 0, (f"{diagnosis.cause}: it was {answer.cause}",))


def _mark(parts: Sequence[Part]) -> int:
    """The points that are needed, of what could be judged."""
    untold = sum(part.open for part in parts if part.name == ORDER)
    return math.ceil(PASS_MARK * (100 - untold) / 100)


def _capped(points: int, evidence: int, mark: int) -> int:
    return points if evidence else min(points, mark - SHORT_WITHOUT_EVIDENCE)


def _whole(parts: Sequence[Part], revisions: int, *, hoping: bool) -> int:
    """The points before hints; `hoping`: as if all that is open had been won."""
    got = {part.name: part.earned + (part.open if hoping else 0) for part in parts}
    points = _capped(sum(got.values()), got["evidence"], PASS_MARK if hoping else _mark(parts))
    return max(0, points - REVISION_COSTS * revisions)


def _diagnosed(
    history: History, diagnosis: Diagnosis | None, least: int, most: int, mark: int
) -> Outcome:
    if history.invalid is not None:
        return Outcome.UNKNOWN
    if diagnosis is None:
        return Outcome.FAIL
    if least >= mark:
        return Outcome.PASS
    # With all that is open, out of a hundred: nothing that could be measured would change it.
    return Outcome.FAIL if most < PASS_MARK else Outcome.UNKNOWN


def _why(
    history: History,
    diagnosis: Diagnosis | None,
    diagnosed: Outcome,
    sums: tuple[int, int, int],
    mark: int,
) -> str:
    """Why it counts as a diagnosis or not. Of `sums`, the least, the points and the most, the
    points are what is told: everywhere the same."""
    least, points, most = sums
    if history.invalid is not None:
        return f"the run does not count: {history.invalid}"
    if diagnosis is None:
        return "no diagnosis was made"
    if diagnosed is Outcome.UNKNOWN:
        sure = f"{points} points for sure"
        if least < points:
            # All of the evidence is open: the rest alone would be capped.
            sure = f"{points} points, {least} if the evidence shows nothing"
        why = f"{sure}, {most} at best, as not everything could be measured"
        return f"{why}; {PASS_MARK} are needed"
    if diagnosed is Outcome.FAIL and most > points:
        return (
            f"{points} points; with all that could not be judged {most}, and {PASS_MARK} are needed"
        )
    return f"{points} points; {mark} are needed"


def _sum(
    parts: Sequence[Part], diagnosed: Outcome, hints_used: Sequence[int], revisions: int
) -> tuple[int, tuple[str, ...]]:
    mark = _mark(parts)
    lines = [f"{part.name:<12}{part.earned:>4} of {part.judged}" for part in parts]
    total, possible = sum(p.earned for p in parts), sum(p.judged for p in parts)
    points = total
    evidence = next(part for part in parts if part.name == "evidence")
    if evidence.judged:
        points = _capped(total, evidence.earned, mark)
    if points < total:
        lines.append(f"{'no evidence':<12}{points - total:>4}  the whole is capped at {points}")
    if revisions:
        cost = min(points, REVISION_COSTS * revisions)
        points -= cost
        lines.append(f"{'revisions':<12}{-cost:>4}  {revisions} x {REVISION_COSTS}")
    if hints_used:
        price = sum(hints_used)
        if diagnosed is Outcome.PASS:
            cost = min(price, max(0, points - mark))
            points -= cost
            kept = f"; never below {mark}" if cost < price else ""
            lines.append(f"{'hints':<12}{-cost:>4}  {len(hints_used)} taken for {price}{kept}")
        else:
            lines.append(f"{'hints':<12}{0:>4}  {len(hints_used)} taken; they cost if it is solved")
    lines.append(f"{'points':<12}{points:>4} of {possible}")
    if possible < 100:
        untold = f"; {mark} are needed instead of {PASS_MARK}" if mark < PASS_MARK else ""
        lines.append(f"{100 - possible} points could not be judged: neither won nor lost{untold}")
    return points, tuple(lines)


def _mitigated(history: History, checks: Sequence[Check]) -> tuple[Outcome, str]:
    if history.invalid is not None:
        return Outcome.UNKNOWN, f"the run does not count: {history.invalid}"
    outcome = Outcome.all(check.outcome for check in checks)
    if outcome is Outcome.PASS:
        return outcome, f"all {len(checks)} checks passed"
    telling = [check for check in checks if check.outcome is outcome]
    return outcome, "; ".join(f"{check.name}: {check.reason}" for check in telling)
