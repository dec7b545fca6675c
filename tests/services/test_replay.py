"""`lab replay`: a recorded night in a real Prometheus, and nothing of it left afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lab.archive import save
from lab.command import run
from lab.history import Told
from lab.home import Home
from lab.progress import QUIET
from lab.recorded import Recorded, regrade
from lab.replay import OWNER, serve
from lab.stack import Stack
from tests.unit.histories import DIAGNOSED, TRUTH, diagnosis, night, vocabulary

pytestmark = pytest.mark.docker

HISTORY = replace(night(), told=Told(TRUTH))


def left() -> str:
    """Containers and volumes of replays."""
    shown = ("--filter", f"label={OWNER}", "--format", "{{.Name}}")
    volumes = run(["docker", "volume", "ls", *shown]).stdout
    containers = run(["docker", "ps", "--all", "--filter", f"label={OWNER}", "-q"]).stdout
    return volumes + containers


def test_what_was_recorded_is_served(stack: Stack) -> None:
    """The same points under the same names; PromQL over signals becomes evidence; gaps stay gaps;
    and at the end it is gone."""
    with serve(stack.home, HISTORY, QUIET) as prometheus:
        for name in ("postgres:seq_rows:rate", "client:latency_seconds:p95"):
            served = prometheus.query_range(name, DIAGNOSED - 30, DIAGNOSED)
            kept = Recorded(HISTORY).query_range(name, DIAGNOSED - 30, DIAGNOSED)
            assert {tuple(one.values) for one in served} == {tuple(one.values) for one in kept}
        assert prometheus.query("client:latency_seconds:p95", HISTORY.ended_at + 10) == []
        said = diagnosis(evidence=["max by (table) (postgres:seq_rows:rate)", "pool:waiting"])
        verdict = regrade(HISTORY, vocabulary(), said, beyond=prometheus)
        evidence = next(part for part in verdict.parts if part.name == "evidence")
        assert (evidence.earned, evidence.open) == (25, 0), evidence.lines
    assert left() == ""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_command_ends_without_a_trace(stack: Stack, tmp_path: Path, how: int) -> None:
    """Ctrl-C removes everything; what a killed one left, the next one removes."""
    path = tmp_path / "night.json.gz"
    save(HISTORY, path)
    home: Home = stack.home
    env = {**os.environ, "LAB_PROJECT": home.project, "LAB_HOME": str(home.base)}
    argv = [sys.executable, "-m", "lab", "replay", str(path)]
    # As from a terminal: what a shell starts in the background is born deaf to Ctrl-C.
    mind = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env=env, preexec_fn=mind
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C" in line:
                break
        assert left() != ""
        process.send_signal(how)
        try:
            code = process.wait(60)
        finally:
            process.kill()
    if how == signal.SIGINT:
        assert code == 0
    else:
        with serve(home, HISTORY, QUIET):
            pass
    assert left() == ""
