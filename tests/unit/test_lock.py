"""Locks: one at a time, in a place that is ours, and nobody waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import lock
from lab.errors import Failed, MachineLacks
from lab.lock import exclusive
from lab.progress import QUIET, Lines

HOLD = """
import sys, time
from lab.lock import exclusive
from lab.progress import QUIET
sys.argv = ["lab", "restore", "\\x1b[2J"]
with exclusive("test", QUIET):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where locks are, and nobody else's are."""
    monkeypatch.setattr(lock, "_places", lambda: [tmp_path])
    return tmp_path


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary directory that another process uses too."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


@contextmanager
def held() -> Iterator[subprocess.Popen[str]]:
    """By another process."""
    argv = [sys.executable, "-c", HOLD]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def taken(name: str = "test", within_s: float = 5) -> None:
    with exclusive(name, QUIET, within_s=within_s):
        pass


@pytest.mark.usefixtures("elsewhere")
def test_it_is_said_who_holds_it(capsys: pytest.CaptureFixture[str]) -> None:
    """By the command and its number, and in words that do nothing to a terminal; and whoever waits
    does not wait for ever."""
    with held() as process:
        begun = time.monotonic()
        holder = rf"`lab restore .*process {process.pid}\) has held"
        with pytest.raises(Failed, match=holder), exclusive("test", Lines(), within_s=0.5):
            pytest.fail("two have it")
        assert time.monotonic() - begun < 10
        said = capsys.readouterr().err
        assert "`lab restore ?[2J`" in said
        assert f"process {process.pid}" in said
        taken("other")


@pytest.mark.usefixtures("elsewhere")
def test_the_kernel_lets_go_of_it() -> None:
    """However its holder ended."""
    with held() as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        taken()


def test_no_link_is_followed(place: Path) -> None:
    """What somebody else has put there is not opened, written to, nor waited for."""
    folder = place / f"3am-lab-{os.getuid()}"
    folder.mkdir(mode=0o700)
    precious = place / "precious"
    precious.write_text("mine")
    (folder / "test.lock").symlink_to(precious)
    with pytest.raises(MachineLacks, match="no lock can be had"):
        taken()
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("what", ["link", "file", "theirs"])
def test_a_place_that_is_not_ours_is_refused(place: Path, what: str) -> None:
    """Anybody can make anything in a directory for everybody, before we do."""
    folder = place / f"3am-lab-{os.getuid()}"
    if what == "link":
        (place / "elsewhere").mkdir()
        folder.symlink_to(place / "elsewhere")
    elif what == "file":
        folder.touch()
    else:
        folder.mkdir()
        if os.geteuid() != 0:
            pytest.skip("only the super-user can give a directory away")
        os.chown(folder, 12345, -1)
    with pytest.raises(MachineLacks, match="no lock can be had") as refused:
        taken()
    assert str(folder) in refused.value.message
    assert not list((place / "elsewhere").glob("*"))


def test_a_pipe_keeps_nobody_waiting(place: Path) -> None:
    """A lock is a file, and nothing that hangs when it is opened."""
    folder = place / f"3am-lab-{os.getuid()}"
    folder.mkdir(mode=0o700)
    os.mkfifo(folder / "test.lock")
    with pytest.raises(MachineLacks, match="no file"):
        taken()


def test_only_we_may_look_into_it(place: Path) -> None:
    """Also where an earlier one was careless."""
    folder = place / f"3am-lab-{os.getuid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    taken()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_another_place_does_where_the_first_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A temporary directory that cannot be written to is no reason to leave things broken."""
    (tmp_path / "full").touch()
    monkeypatch.setattr(lock, "_places", lambda: [tmp_path / "full", tmp_path])
    taken()
    assert list(tmp_path.glob("3am-lab-*/test.lock"))
