"""The 3am incident on the real stack: what helps, what does not, and what survives a crash."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from lab.stack import Stack
from tests.live.operator import Operator

pytestmark = pytest.mark.live

INDEX = "SELECT count(*) FROM pg_indexes WHERE indexname = 'photos_user_recent_idx'"

WRONG = """
component: worker
cause: workers-too-few
evidence:
  - signal: queue:oldest_age_seconds
    window: [-30s, now]
chain: [queue:oldest_age_seconds, client:latency_seconds:p95]
"""

MISSPELT = """
component: postgres-primari
cause: missing-index
"""


@pytest.mark.timeout(900)
def test_decoys_fail_and_the_remedy_passes(operator: Operator, tmp_path: Path) -> None:
    """The pager rings, no tempting fix helps, the operator's fix is measured as
    one, the true diagnosis passes, and the report tells the story."""
    said = operator.type(
        "run", "3am", "--seed", "1", "--autopilot", "--decoys", "--json", within=850
    )
    assert said.code == 0, said.err
    verdict = said.json
    outcomes = {what: one["outcome"] for what, one in verdict["measured"].items()}
    assert outcomes.pop("the remedy") == "pass"
    assert len(outcomes) >= 3
    assert set(outcomes.values()) == {"fail"}, outcomes
    assert (verdict["diagnosed"], verdict["mitigated"]) == ("pass", "pass")
    assert verdict["not_home"] is None
    paged = operator.type("verdict", "--json")
    assert paged.code == 0
    assert paged.json["points"] == verdict["points"] >= 70
    report = operator.type("report", "--out", str(tmp_path))
    assert report.code == 0, report.err
    page = next(tmp_path.glob("*.html")).read_text()
    assert "photos_user_recent_idx" in page
    assert operator.type("audit").code == 0


@pytest.mark.timeout(600)
def test_the_right_fix_with_the_wrong_diagnosis(
    operator: Operator, stack: Stack, tmp_path: Path
) -> None:
    """Mending without understanding is mitigated but not diagnosed; mistakes on the way are
    refused with a reason and recorded as nothing; and while Prometheus does not answer a recovery
    is unknown, which nobody passes and nobody fails."""
    started = operator.type("start", "3am", "--seed", "2", "--json")
    assert started.code == 0, started.err
    assert operator.type("start", "3am").code == 2, "a second incident while one is open"
    assert operator.type("down").code == 2, "the stack is not taken away under an incident"
    operator.wait_for_page()

    misspelt = operator.type("diagnose", "--file", "-", stdin=MISSPELT)
    assert misspelt.code == 2
    assert "postgres-primary" in misspelt.err
    # Unfixed, it is measured as unfixed.
    assert operator.type("resolve", "--wait", "0").code == 1

    answer = tmp_path / "diagnosis.yaml"
    answer.write_text(WRONG)
    told = operator.type("diagnose", "--file", str(answer), "--json")
    assert told.code == 0, told.err
    assert told.json["number"] == 1, "the misspelt one counted as an attempt"

    operator.run_script("scenarios/3am/remedy.sh", started.json["environment"])
    witness = stack.container("prometheus")
    witness.stop(timeout=5)
    unseen = operator.type("resolve", "--wait", "0")
    assert unseen.code == 3, unseen.out
    witness.start()
    resolved = operator.type("resolve")
    assert resolved.code == 0, resolved.out
    ended = operator.type("end", "--json")
    assert ended.code == 1, ended.err
    assert (ended.json["diagnosed"], ended.json["mitigated"]) == ("fail", "pass")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "stamps",
    [("load_run",), ("injected_at",)],
    ids=["while-calm", "just-broken"],
)
def test_a_killed_runner_leaves_nothing_broken(
    operator: Operator, stack: Stack, stamps: tuple[str, ...]
) -> None:
    """SIGKILL of the runner, whenever it comes: `lab restore` heals from the journal, closes the
    incident, and proves the steady state."""
    runner = operator.begin("run", "3am", "--seed", "3")
    operator.wait_for_phase(*stamps, runner=runner, within=240)
    runner.send_signal(signal.SIGKILL)
    runner.wait(10)
    restored = operator.type("restore", "--json")
    assert restored.code == 0, restored.err
    assert restored.json["closed"] is not None
    assert stack.psql(INDEX) == [["1"]]
    assert operator.type("ack").code == 2, "an incident is still on"
