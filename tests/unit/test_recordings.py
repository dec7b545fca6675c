"""Two real nights as the lab recorded them: what is judged today is judged tomorrow.

Made by `lab verify 3am --seed 2 --out tests/unit/data`, of which two runs are kept: with nobody
acting, and after the remedy. The scenario is the one of that night, whatever became of it since.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from lab.autopilot import true_diagnosis
from lab.history import History, Outcome
from lab.proof import matrix, promises
from lab.proof.kept import nights_in
from lab.proof.rows import NOBODY, REMEDY, Night
from lab.recorded import regrade, with_receipts
from tests.unit.histories import vocabulary

PASS, FAIL = Outcome.PASS, Outcome.FAIL
DATA = Path(__file__).with_name("data")


@cache
def night() -> Night:
    (found,) = nights_in(DATA)
    return found


def recording(name: str) -> History:
    return night().runs[name]


def test_it_is_judged_as_it_was() -> None:
    """The true diagnosis and the remedy of that night."""
    verdict = regrade(recording(REMEDY), vocabulary())
    assert (verdict.diagnosed, verdict.mitigated) == (PASS, PASS)
    assert verdict.points >= 95


def test_nobody_has_mended_or_understood_it() -> None:
    """Nothing comes of nothing."""
    verdict = regrade(recording(NOBODY), vocabulary())
    assert (verdict.diagnosed, verdict.mitigated) == (FAIL, FAIL)


def test_every_row_of_the_matrix_holds() -> None:
    """Whatever changes in the grader: a real night still proves what it proved."""
    rows = matrix.rows(night(), vocabulary())
    assert len(rows) == 15
    assert [row for row in rows if row.result != "as promised"] == []


def test_the_recording_gives_the_receipts_that_prometheus_gave() -> None:
    """Evidence executed without a stack is the evidence of the night."""
    history = recording(REMEDY)
    again = with_receipts(history, true_diagnosis(night().scenario))
    assert len(again.receipts) == len(history.receipts) == 2
    for one, other in zip(again.receipts, history.receipts, strict=True):
        assert (one.claim, one.window, one.signals) == (other.claim, other.window, other.signals)
        for mine, theirs in ((one.baseline, other.baseline), (one.observed, other.observed)):
            assert {tuple(series.values) for series in mine} == {
                tuple(series.values) for series in theirs
            }


@pytest.mark.parametrize("cause", sorted(vocabulary().causes))
def test_no_wrong_cause_passes(cause: str) -> None:
    """Each word of the vocabulary, said with all else right."""
    scenario = night().scenario
    truth = true_diagnosis(scenario)
    said = truth.__class__(truth.component, cause, truth.evidence, truth.chain)
    verdict = regrade(recording(REMEDY), vocabulary(), said)
    assert verdict.diagnosed is Outcome.of(cause == scenario.truth.cause), verdict.arithmetic


def test_it_kept_its_promises() -> None:
    """Every symptom by its deadline, one sentence each, and the contrasts calm."""
    history, scenario = recording(NOBODY), night().scenario
    outcome, why = promises.symptoms_appear(scenario, history)
    assert outcome is PASS
    assert len(why.split("; ")) == len(scenario.symptoms)
    assert promises.unaffected(scenario, history)[0] is PASS
