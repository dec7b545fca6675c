"""A real engine is started over what a real one left behind, apart from the machine's own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ALONE = Path(__file__).with_name("alone.py")

# Nothing of the machine's own engine is visible from here: neither its sockets and pid files, nor
# its images, its processes, its network.
SET_UP = """
set -e
mount --make-rprivate /
for directory in /run /var/lib/docker /etc/docker; do mount -t tmpfs tmpfs "$directory"; done
exec "$@"
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give an engine namespaces of its own")
    if not shutil.which("dockerd") or not shutil.which("unshare"):
        pytest.skip("needs dockerd and unshare on this machine")
    if not all(Path(path).is_dir() for path in ("/var/lib/docker", "/etc/docker")):
        pytest.skip("needs an engine of this machine's own, not one that is reached elsewhere")
    alone = ["unshare", "--mount", "--pid", "--net", "--fork", "--mount-proc"]
    log = tmp_path_factory.mktemp("engine") / "dockerd.log"
    done = subprocess.run(
        [*alone, "sh", "-c", SET_UP, "alone", sys.executable, str(ALONE), str(log)],
        env={name: value for name, value in os.environ.items() if name != "DOCKER_HOST"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"namespaces cannot be had here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_engine_starts_on_a_fresh_machine(told: dict[str, Any]):
    """Where no init system does it, the lab starts the engine, in a session of its own."""
    assert told["seen"]["fresh"] == {"stale": [], "up": True, "said": ""}
    assert told["own_session"]


def test_running_engine_is_left_alone(told: dict[str, Any]):
    """Starting what runs already changes nothing."""
    assert told["seen"]["running"] == {"stale": [], "up": True, "said": ""}


def test_engine_that_is_stuck_is_started_again(told: dict[str, Any]):
    """One that takes calls and does not answer is told from one that is not there; of the lab's
    own it is ended and started again."""
    assert told["seen"]["stuck"]["reach"] == "stuck"
    assert told["seen"]["stuck"]["up"]


def test_engine_starts_after_a_kill(told: dict[str, Any]):
    """Pid files and sockets of a killed engine do not keep the next one from starting."""
    assert "/run/docker.pid" in told["seen"]["killed"]["stale"]
    assert told["seen"]["killed"]["up"]


def test_engine_starts_over_foreign_pids(told: dict[str, Any]):
    """Nor do pid files whose pids belong to other programs, nor the system's stale socket."""
    stale = told["seen"]["foreign"]["stale"]
    assert {"/run/docker.pid", "/run/containerd/containerd.sock"} <= set(stale)
    assert told["seen"]["foreign"]["up"]


def test_engine_that_does_not_start_says_why(told: dict[str, Any]):
    """The end of the engine's own log is in the error."""
    assert not told["seen"]["misconfigured"]["up"]
    assert "no-such-option" in told["seen"]["misconfigured"]["said"]
