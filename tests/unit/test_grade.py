"""The verdict: its points, its three values, and what a night is worth."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from lab.archive import load, save
from lab.diagnosis import Diagnosis
from lab.grade import grade
from lab.grading.verdict import Verdict
from lab.history import History, LoadSeen, Outcome
from tests.unit.histories import (
    GOOD_EVIDENCE,
    TRUTH,
    citing,
    diagnosis,
    facts,
    night,
    recovery,
    vocabulary,
)

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


def judged(
    claim: Diagnosis | None,
    history: History | None = None,
    hints: tuple[int, ...] = (),
    revisions: int = 0,
) -> Verdict:
    """Graded with the claim's evidence as receipts, unless a history is given."""
    if history is None:
        history = citing(night(), *(one.text for one in claim.evidence)) if claim else night()
    return grade(
        TRUTH, history, claim, vocabulary=vocabulary(), hints_used=hints, revisions=revisions
    )


def earned(verdict: Verdict) -> dict[str, int]:
    return {part.name: part.earned for part in verdict.parts}


def test_a_true_diagnosis_and_the_remedy_pass():
    """The row of the proof matrix: remedy + true diagnosis."""
    verdict = judged(diagnosis())
    assert (verdict.diagnosed, verdict.points, verdict.possible) == (PASS, 100, 100)
    assert verdict.mitigated is PASS


@pytest.mark.parametrize(
    ("component", "cause"),
    [
        ("postgres-primary", "lock-contention"),
        ("postgres-primary", "stale-statistics"),
        ("api", "pool-too-small"),
        ("redis-cache", "cache-stampede"),
        ("worker", "workers-too-few"),
        ("api", "stale-statistics"),
    ],
)
def test_a_wrong_cause_never_passes(component, cause):
    """Remedy + wrong diagnosis: whatever the evidence and the order, a wrong cause fails."""
    verdict = judged(diagnosis(component, cause))
    assert verdict.diagnosed is FAIL
    assert verdict.mitigated is PASS


def test_near_answers_earn_something():
    """A neighbour of the component and a cause of the family are worth ten each."""
    found = earned(judged(diagnosis("api", "stale-statistics")))
    assert (found["component"], found["cause"]) == (10, 10)
    found = earned(judged(diagnosis("host", "lock-contention")))
    assert (found["component"], found["cause"]) == (0, 0)


def test_another_accepted_answer_is_as_good():
    """What the scenario accepts beside its truth earns full marks."""
    assert judged(diagnosis("postgres-replica")).points == 100


def test_no_evidence_caps_the_whole_at_sixty():
    """A right answer without evidence is a guess: sixty points, not diagnosed."""
    for names in ((), ("disk:free:ratio",)):
        verdict = judged(diagnosis(evidence=names))
        assert (verdict.points, verdict.diagnosed) == (60, FAIL)
        assert any("capped at 60" in line for line in verdict.arithmetic)


def test_no_diagnosis_fails():
    """Giving up, or never answering, is a fail with nothing earned."""
    verdict = judged(None)
    assert (verdict.points, verdict.diagnosed) == (0, FAIL)


def test_revisions_cost_five_each():
    """The last diagnosis counts, and each revision costs five points."""
    assert judged(diagnosis(), revisions=2).points == 90
    assert judged(diagnosis(evidence=GOOD_EVIDENCE[:1]), revisions=5).diagnosed is FAIL
    assert judged(diagnosis("host", "oom", (), ()), revisions=9).points == 0


def test_hints_cost_only_what_was_solved():
    """Hints cost their price when it is solved, never the pass itself, and nothing else."""
    assert judged(diagnosis(), hints=(5, 10)).points == 85
    verdict = judged(diagnosis(), hints=(20, 20, 20))
    assert (verdict.points, verdict.diagnosed) == (70, PASS)
    lost = diagnosis(cause="lock-contention")
    assert judged(lost, hints=(20,)).points == judged(lost).points


def test_the_arithmetic_adds_up():
    """The lines lead from the parts to the points that the verdict states."""
    verdict = judged(diagnosis(evidence=GOOD_EVIDENCE[:2]), hints=(5,), revisions=1)
    assert verdict.arithmetic == (
        "component     25 of 25",
        "cause         25 of 25",
        "evidence      25 of 30",
        "order         20 of 20",
        "revisions     -5  1 x 5",
        "hints         -5  1 taken for 5",
        "points        85 of 100",
    )


def test_citing_and_ordering_everything_does_not_win():
    """Cheat: every signal as evidence and as chain leaves the bare answer, capped."""
    verdict = judged(diagnosis(evidence=facts(), chain=facts()))
    assert verdict.diagnosed is FAIL
    assert earned(verdict)["evidence"] == earned(verdict)["order"] == 0


def test_without_telemetry_it_is_unknown():
    """Nothing measured: what cannot be judged is open, and the verdict unknown, not failed."""
    blind = citing(night(), *GOOD_EVIDENCE)
    receipts = tuple(replace(one, problem="Prometheus did not answer") for one in blind.receipts)
    verdict = judged(diagnosis(), replace(blind, signals={}, receipts=receipts))
    assert (verdict.diagnosed, verdict.points, verdict.possible) == (UNKNOWN, 50, 50)
    assert verdict.mitigated is UNKNOWN
    assert verdict.arithmetic[-1].startswith("50 points could not be judged: neither won nor lost")


def test_what_cannot_be_judged_of_the_order_lowers_the_mark():
    """Of 80 points that could be judged as large a share is needed as of 100. A right diagnosis
    with little evidence is one; a wrong cause is none, whatever else is right."""
    truth = replace(TRUTH, chain=("client:latency_seconds:p50", "client:latency_seconds:p95"))
    history = citing(night(), "client:errors:ratio", "client:latency_seconds:p95")

    def of_80(claim: Diagnosis) -> Verdict:
        return grade(truth, history, claim, vocabulary=vocabulary())

    right = of_80(diagnosis())
    assert (right.diagnosed, right.possible) == (PASS, 80)
    assert right.points < 70
    assert "56 are needed" in right.diagnosed_why
    for cause in vocabulary().causes:
        said = of_80(diagnosis(cause=cause))
        assert said.diagnosed is Outcome.of(cause == TRUTH.answer.cause), said.arithmetic


def test_what_is_known_can_decide_alone():
    """With enough points for sure it passes, and with too few at best it fails, open or not."""
    blind = citing(night(), *GOOD_EVIDENCE)
    no_order = {
        name: () if name not in GOOD_EVIDENCE else series for name, series in blind.signals.items()
    }
    chain = ("pool:in_use:ratio", "cache:hits:ratio")
    verdict = judged(diagnosis(chain=chain), replace(blind, signals=no_order))
    assert (verdict.diagnosed, verdict.possible) == (PASS, 80)
    receipts = tuple(replace(one, problem="no answer") for one in blind.receipts)
    verdict = judged(
        diagnosis("host", "oom", chain=()), replace(blind, signals={}, receipts=receipts)
    )
    assert verdict.diagnosed is FAIL


def test_an_invalid_run_is_nobodys_loss():
    """A run whose fault was never confirmed is unknown in everything, with the reason."""
    verdict = judged(diagnosis(), replace(night(), invalid="the witness did not confirm it"))
    assert (verdict.diagnosed, verdict.mitigated) == (UNKNOWN, UNKNOWN)
    assert "witness" in verdict.diagnosed_why
    assert verdict.possible == 0


def test_mitigation_is_judged_apart():
    """Decoy + true diagnosis passes and fails; an undelivered load is unknown."""
    verdict = judged(diagnosis(), citing(night(mended=False), *GOOD_EVIDENCE))
    assert (verdict.diagnosed, verdict.mitigated) == (PASS, FAIL)
    late = replace(recovery(), load=LoadSeen(60, 60, 1800, 900, "running"))
    verdict = judged(diagnosis(), replace(citing(night(), *GOOD_EVIDENCE), recovery=late))
    assert (verdict.diagnosed, verdict.mitigated) == (PASS, UNKNOWN)
    assert verdict.mitigated_why.startswith("same load:")


def test_the_verdict_is_json():
    """Programs read the verdict as plain JSON."""
    plain = json.loads(json.dumps(judged(diagnosis()).as_dict()))
    assert plain["diagnosed"] == "pass"
    assert plain["answer"]["object"] == TRUTH.object


def test_a_saved_night_grades_the_same_within_a_second(tmp_path):
    """Re-grading a recorded incident gives the same verdict, and takes less than a second."""
    history = citing(night(), *GOOD_EVIDENCE)
    save(history, tmp_path / "night.json.gz")
    began = time.perf_counter()
    again = judged(diagnosis(), load(tmp_path / "night.json.gz"))
    assert time.perf_counter() - began < 1
    assert again.as_dict() == judged(diagnosis(), history).as_dict()
