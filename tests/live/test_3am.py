"""The 3am incident on the real stack, command by command, and what survives a crash."""

from __future__ import annotations

import html
import signal
from pathlib import Path

import pytest

from lab.stack import Stack
from tests.live.operator import Operator
from tests.live.tampering import NAMED, left, tampered

pytestmark = pytest.mark.live

INDEX = "SELECT count(*) FROM pg_indexes WHERE indexname = 'photos_user_recent_idx'"

MENDED = "CREATE INDEX IF NOT EXISTS photos_user_recent_idx"
COUNTED = """
SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'CREATE INDEX IF NOT EXISTS photos_user%'
"""

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


@pytest.mark.timeout(600)
def test_the_right_fix_with_the_wrong_diagnosis(
    operator: Operator, stack: Stack, tmp_path: Path
) -> None:
    """Mending without understanding is mitigated but not diagnosed, and the report tells the story.
    Before that nothing tells what mended the same in an earlier night; mistakes on the way are
    refused with a reason and recorded as nothing; and while Prometheus does not answer a recovery
    is unknown, which nobody passes and nobody fails. Whatever an operator has changed by hand is
    put back at the end, and listed."""
    stack.psql(f"{MENDED} ON photos (user_id, created_at DESC, id DESC)")
    assert stack.psql(COUNTED) == [["1"]], "what an operator types is counted"
    started = operator.type("start", "3am", "--seed", "2", "--json")
    assert started.code == 0, started.err
    assert operator.type("start", "3am").code == 2, "a second incident while one is open"
    assert operator.type("down").code == 2, "the stack is not taken away under an incident"
    operator.wait_for_page()
    assert stack.psql(COUNTED) == [["0"]]

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
    with tampered(stack):
        assert len(left(stack)) == len(NAMED)
        ended = operator.type("end", "--json")
        assert ended.code == 1, ended.err
        assert left(stack) == []
    assert (ended.json["diagnosed"], ended.json["mitigated"]) == ("fail", "pass")
    assert len(ended.json["put_back"]) == len(NAMED), ended.json["put_back"]
    for named in NAMED:
        assert sum(one.startswith(named) for one in ended.json["put_back"]) == 1, named

    told = operator.type("verdict", "--json")
    assert (told.code, told.json["points"]) == (1, ended.json["points"])
    assert told.json["put_back"] == ended.json["put_back"]
    report = operator.type("report", "--out", str(tmp_path))
    assert report.code == 0, report.err
    page = next(tmp_path.glob("*.html")).read_text()
    assert "photos_user_recent_idx" in page
    assert [one for one in ended.json["put_back"] if one not in html.unescape(page)] == []
    assert operator.type("audit").code == 0


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
    runner = operator.begin("run", "3am", "--seed", "4")
    operator.wait_for_phase(*stamps, runner=runner, within=240)
    runner.send_signal(signal.SIGKILL)
    runner.wait(10)
    restored = operator.type("restore", "--json")
    assert restored.code == 0, restored.err
    assert restored.json["closed"] is not None
    assert stack.psql(INDEX) == [["1"]]
    assert operator.type("ack").code == 2, "an incident is still on"
