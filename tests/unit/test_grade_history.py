"""`lab grade`: a recorded night is judged again anywhere, also on another diagnosis."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lab import incident
from lab.archive import load, save
from lab.diagnosis import Evidence
from lab.ending import end
from lab.errors import BadInput
from lab.history import History, Outcome, Told
from lab.progress import QUIET
from lab.prometheus import PrometheusUnavailable
from lab.recorded import Recorded, regrade, said_at, with_receipts
from tests.unit.histories import (
    DIAGNOSED,
    GOOD_EVIDENCE,
    TRUTH,
    citing,
    diagnosis,
    night,
    vocabulary,
)
from tests.unit.test_cli import lab
from tests.unit.world import World, doors_to, write_scenario

ANSWER = """
component: database
cause: no-index
evidence: [postgres:seq_rows:rate, pool:waiting]
chain: [postgres:seq_rows:rate, pool:in_use:ratio, client:errors:ratio, nginx:upstreams_up:count]
"""


def recorded(**changes: object) -> History:
    """A night as it is kept: with its truth, and the diagnosis that was made."""
    told = Told(TRUTH, diagnosis(), hints_used=(5,), revisions=1)
    return replace(citing(night(), *GOOD_EVIDENCE), told=told, **changes)


class TestRecorded:
    def test_it_answers_for_signals(self) -> None:
        """By name, and narrowed by labels, as Prometheus does."""
        history = night()
        ask = Recorded(history)
        start, end = DIAGNOSED - 60, DIAGNOSED
        whole = ask.query_range("postgres:seq_rows:rate", start, end)
        assert whole == [
            one.between(start, end) for one in history.signals["postgres:seq_rows:rate"]
        ]
        for selector, count in (
            ('{table="photos"}', 1),
            ('{table!="photos"}', 1),
            ('{table=~"ph.*|users", server="postgres-replica"}', 2),
            ('{table!~"ph.*"}', 1),
            ('{table="none"}', 0),
        ):
            found = ask.query_range(f"postgres:seq_rows:rate{selector}", start, end)
            assert len(found) == count, selector

    @pytest.mark.parametrize(
        ("expr", "why"),
        [
            ("max(pool:waiting)", "lab replay"),
            ("pool:waiting > 3", "lab replay"),
            ("rate(http_requests_total[5s])", "not in the recording"),
        ],
    )
    def test_what_it_cannot_answer_is_unknown(self, expr: str, why: str) -> None:
        """Neither worth something nor nothing."""
        with pytest.raises(PrometheusUnavailable, match=why):
            Recorded(night()).query_range(expr, 0, DIAGNOSED)
        shown = with_receipts(night(), diagnosis(evidence=[expr]))
        assert why in (shown.receipts[0].problem or "")


def test_without_another_diagnosis_it_is_judged_as_it_was() -> None:
    """Hints and revisions count as they did."""
    verdict = regrade(recorded(), vocabulary())
    assert verdict.diagnosed is verdict.mitigated is Outcome.PASS
    assert any("revisions" in line for line in verdict.arithmetic)
    assert any("hints" in line for line in verdict.arithmetic)


def test_the_recorded_receipts_are_the_ones_that_the_lab_made() -> None:
    """Evidence executed on the recording gives what Prometheus gave that night."""
    history = recorded()
    assert said_at(history) == DIAGNOSED
    assert with_receipts(history, diagnosis()).receipts == history.receipts


def test_another_diagnosis_counts_as_a_first_one() -> None:
    """And is judged against what was true, whatever was said that night."""
    wrong = regrade(recorded(), vocabulary(), diagnosis("worker", "workers-too-few"))
    assert (wrong.diagnosed, wrong.mitigated) == (Outcome.FAIL, Outcome.PASS)
    right = regrade(recorded(), vocabulary(), diagnosis())
    assert right.diagnosed is Outcome.PASS
    assert not any("revisions" in line or "hints" in line for line in right.arithmetic)


def test_what_was_true_must_be_a_word_of_ours() -> None:
    """A recording of another version of the lab may speak of causes that this one has not got."""
    told = Told(replace(TRUTH, answer=replace(TRUTH.answer, cause="gremlins")))
    with pytest.raises(BadInput, match="'gremlins', which this version of the lab does not know"):
        regrade(replace(recorded(), told=told), vocabulary())


def test_what_was_true_must_be_known() -> None:
    """A recording that does not say it cannot be judged."""
    with pytest.raises(BadInput, match="does not say what was true"):
        regrade(night(), vocabulary(), diagnosis())


def test_the_command(tmp_path: Path) -> None:
    """Exit codes pass 0, fail 1, unknown 3, bad input 2; no engine, and no journal."""
    path, answer = tmp_path / "night.json.gz", tmp_path / "diagnosis.yaml"
    save(recorded(), path)
    answer.write_text(ANSWER)
    given = ("grade", "--history", str(path))
    assert lab(tmp_path, *given).returncode == 0
    told = lab(tmp_path, *given, "--file", str(answer), "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["diagnosis"]["cause"] == "missing-index"
    wrong = ANSWER.replace("no-index", "lock-contention")
    assert lab(tmp_path, *given, "--file", "-", stdin=wrong).returncode == 1
    odd = lab(tmp_path, *given, "--file", "-", stdin=ANSWER.replace("no-index", "ghosts"))
    assert odd.returncode == 2
    assert "standard input:3:8" in odd.stderr
    assert lab(tmp_path, *given, "--file", str(answer), "--at", "soon").returncode == 2
    assert lab(tmp_path, "grade", "--history", str(answer)).returncode == 2
    save(recorded(invalid="nobody saw it"), path)
    assert lab(tmp_path, *given).returncode == 3


def test_what_an_incident_leaves_is_judged_alike_anywhere(tmp_path: Path) -> None:
    """The archived history alone gives the verdict that the journal gave: diagnosis, revisions and
    hints are in it, and what each service wrote around the breach."""
    world = World()
    write_scenario(tmp_path)
    said = diagnosis(evidence=["postgres:seq_rows:rate"], chain=["postgres:seq_rows:rate"])
    with doors_to(world, tmp_path) as doors:
        incident.start(doors, "slow", 1, QUIET)
        world.pause(60)
        world.down.add("worker")
        incident.take_hint(doors)
        incident.diagnose(doors, diagnosis("worker", "workers-too-few", [], []))
        incident.diagnose(doors, said)
        ended = end(doors, QUIET)
    kept = load(ended.history)
    assert regrade(kept, vocabulary()) == ended.verdict
    assert kept.told is not None
    assert (kept.told.hints_used, kept.told.revisions) == ((5,), 1)
    assert kept.logs["nginx"] == ("nginx has nothing to say",)
    assert "worker" not in kept.logs, "one that could not be asked"


def test_a_panel_is_evidence_without_grafana() -> None:
    """The dashboards show signals, so a recording can answer for them; raw metrics it cannot."""
    home = "http://127.0.0.1:3000/d/night-overview/x?viewPanel=panel-2"
    shown = with_receipts(
        night(), replace(diagnosis(), evidence=(Evidence("panel", home), Evidence("panel", "x")))
    )
    panel, odd = shown.receipts
    assert panel.problem is None
    assert panel.signals
    assert panel.observed
    assert odd.problem is not None
