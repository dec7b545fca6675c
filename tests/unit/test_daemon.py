"""What an engine that ended left behind, and which of it stands in a new one's way."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab.host.daemon import known_leftovers, listens, program, stale


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A /run of an engine that was killed: pid files and sockets, nobody behind them."""
    own = tmp_path / "docker" / "containerd"
    own.mkdir(parents=True)
    (tmp_path / "containerd").mkdir()
    (tmp_path / "docker.pid").write_text("411")
    (own / "containerd.pid").write_text("412")
    for path in (
        tmp_path / "docker.sock",
        own / "containerd.sock",
        tmp_path / "containerd" / "containerd.sock",
    ):
        with socket.socket(socket.AF_UNIX) as abandoned:
            abandoned.bind(str(path))
    return tmp_path


def names(paths: list[Path], run_dir: Path) -> set[str]:
    return {str(path.relative_to(run_dir)) for path in paths}


EVERYTHING = {
    "docker.pid",
    "docker.sock",
    "docker/containerd/containerd.pid",
    "docker/containerd/containerd.sock",
    "containerd/containerd.sock",
}


def test_after_a_kill_everything_goes(run_dir: Path):
    """With no process behind them, pid files and sockets are all in the way."""
    doomed = stale(known_leftovers(run_dir), running=lambda _: None)
    assert names(doomed, run_dir) == EVERYTHING


def test_another_program_has_the_pid_by_now(run_dir: Path):
    """A pid file whose pid belongs to some other program is as stale as one of a dead process."""
    doomed = stale(known_leftovers(run_dir), running=lambda _: "postgres")
    assert names(doomed, run_dir) == EVERYTHING


def test_living_containerd_is_left_alone(run_dir: Path):
    """dockerd killed alone leaves its containerd running: the new dockerd takes it over."""
    doomed = stale(known_leftovers(run_dir), running={412: "containerd"}.get)
    assert names(doomed, run_dir) == {"docker.pid", "docker.sock", "containerd/containerd.sock"}


def test_the_systems_own_containerd_is_left_alone(run_dir: Path):
    """A containerd without a pid file lives when its socket accepts."""
    doomed = stale(known_leftovers(run_dir), running=lambda _: None, accepts=lambda _: True)
    assert "containerd/containerd.sock" not in names(doomed, run_dir)


def test_rubbish_in_a_pid_file(run_dir: Path):
    """A pid file that holds no number belongs to nobody."""
    (run_dir / "docker.pid").write_text("")
    doomed = stale(known_leftovers(run_dir), running=lambda _: "dockerd")
    assert {"docker.pid", "docker.sock"} <= names(doomed, run_dir)


def test_a_clean_machine(tmp_path: Path):
    """Where no engine ever ran there is nothing to remove."""
    assert stale(known_leftovers(tmp_path)) == []


def test_program_of_a_pid():
    """A running process has a name; a pid that is free has none."""
    assert program(os.getpid())
    assert program(2**22 + 1) is None


def test_zombie_is_no_program():
    """A process that has ended but was not waited for does not count as running."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert program(child.pid) is None
    finally:
        child.wait()


def test_listens_only_where_somebody_accepts(tmp_path: Path):
    """A socket file without a listener behind it is not alive."""
    path = tmp_path / "x.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert not listens(path)
        server.listen()
        assert listens(path)
