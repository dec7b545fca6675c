"""The neighbours beside whom nights are lived: they are there, and they go when they should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.proof import neighbour
from lab.proof.neighbour import KINDS, MEANING, beside


def _running() -> set[str]:
    """The neighbours of this process that run now."""
    found: set[str] = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"lab.proof.neighbour" in words:
            found.add(words[words.index(b"lab.proof.neighbour") + 1].decode())
    return found


def test_each_kind_says_what_it_is() -> None:
    """There is a sentence for each, for whoever reads the table."""
    assert list(MEANING) == list(KINDS)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at Linux's /proc")
def test_a_neighbour_is_there_for_as_long_as_the_night() -> None:
    """And not a moment longer, also when the night breaks off."""

    def night() -> None:
        with beside("bursts"):
            deadline = time.monotonic() + 30
            while "bursts" not in _running():
                assert time.monotonic() < deadline, "it never came"
                time.sleep(0.05)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        night()
    assert "bursts" not in _running()


def test_a_neighbour_ends_with_whoever_started_it() -> None:
    """A killed parent leaves nothing that burns cores: its standard input closes."""
    child = subprocess.Popen(
        [sys.executable, "-m", "lab.proof.neighbour", "core", "600"], stdin=subprocess.PIPE
    )
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=30) == 0


def test_nobody_is_nobody() -> None:
    """Without a neighbour nothing is started."""
    before = _running()
    with beside("none"):
        assert _running() == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at Linux's /proc")
def test_whatever_the_lab_has_started_sleeps_with_it() -> None:
    """A script that is under way when a lid is closed does not find the stack asleep."""
    shell = subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & wait"], start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while len(family := neighbour._family(shell.pid)) < 3:
            assert time.monotonic() < deadline, family
            time.sleep(0.05)
        neighbour._signal(family, signal.SIGSTOP)
        assert [_state(pid) for pid in family] == ["T", "T", "T"]
        neighbour._signal(family, signal.SIGCONT)
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()


def _state(pid: int) -> str:
    deadline = time.monotonic() + 10
    while True:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "T" or time.monotonic() > deadline:
            return state
        time.sleep(0.02)
