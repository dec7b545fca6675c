"""Starting programs: every way to fail names the command, the code and what was said."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lab.command import CommandFailed, follow, run

PYTHON = sys.executable


def test_failure_tells_command_code_and_stderr():
    """Whoever reads the error can repeat the command and sees what it said."""
    with pytest.raises(CommandFailed) as caught:
        run([PYTHON, "-c", "import sys; sys.exit('no such thing')"])
    assert caught.value.code == 1
    assert caught.value.stderr == "no such thing\n"
    assert "exit code 1" in caught.value.message
    assert "no such thing" in caught.value.message


def test_unchecked_failure_is_returned():
    """Where the caller wants to judge for itself, any exit code is an answer."""
    assert run([PYTHON, "-c", "raise SystemExit(7)"], check=False).code == 7


def test_missing_program():
    """A program that does not exist fails like any other, with the shell's code."""
    with pytest.raises(CommandFailed) as caught:
        run(["there-is-no-such-program"])
    assert caught.value.code == 127


def test_deadline():
    """A command that does not end is ended, and the error says that it was the deadline."""
    with pytest.raises(CommandFailed, match="in time") as caught:
        run([PYTHON, "-c", "import time; time.sleep(60)"], timeout=0.2)
    assert caught.value.code is None


def test_follow_gives_lines_and_keeps_them(tmp_path: Path):
    """Each line comes as it is written, and the whole is in the log with the command above it."""
    lines: list[str] = []
    log = tmp_path / "log"
    follow([PYTHON, "-c", "print('a'); print('b')"], lines.append, log=log, timeout=30)
    assert lines == ["a", "b"]
    assert log.read_text().splitlines()[1:] == ["a", "b"]


def test_follow_fails_with_the_tail(tmp_path: Path):
    """A long command's error shows the end of what it said."""
    script = "import sys\nfor i in range(99): print(i)\nsys.exit(3)"
    with pytest.raises(CommandFailed) as caught:
        follow([PYTHON, "-c", script], lambda _: None, log=tmp_path / "log", timeout=30)
    assert caught.value.code == 3
    assert caught.value.stderr.endswith("98")


def test_follow_loses_patience_only_before_the_first_word(tmp_path: Path):
    """A silent start is given up; a slow program that has begun to speak is not."""
    silent = "import time; time.sleep(60)"
    with pytest.raises(CommandFailed, match="in time"):
        follow([PYTHON, "-c", silent], lambda _: None, log=tmp_path / "l", timeout=60, patience=0.2)
    speaking = "import time; print('x', flush=True); time.sleep(2.5)"
    follow([PYTHON, "-c", speaking], lambda _: None, log=tmp_path / "l", timeout=60, patience=2)


@pytest.mark.parametrize("log", ["/dev/full", "/nowhere/at/all/log", "/proc/version"])
def test_a_log_that_takes_nothing_stops_nobody(log: str):
    """Healing on a full disk, or on one that cannot be written to, runs commands as well."""
    lines: list[str] = []
    follow([PYTHON, "-c", "print('a'); print('b')"], lines.append, log=Path(log), timeout=30)
    assert lines == ["a", "b"]


LEAVES_ONE = "sleep 300 & echo $! >{pids}; echo said; {then}"
"""A shell that has something left behind which holds its pipe."""


def _gone(pids: Path) -> bool:
    """Whether none of the processes that wrote their ids there runs any more."""

    def runs(pid: str) -> bool:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        # What has ended and is not yet fetched by its parent runs no more.
        return stat.rpartition(")")[2].split()[0] != "Z"

    return not any(runs(pid) for pid in pids.read_text().split())


def _wait_until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until, "it does not come to that"
        time.sleep(0.02)


def _shell(script: str, pids: Path, then: str = "wait") -> list[str]:
    return ["sh", "-c", script.format(pids=pids, then=then)]


def _said(how: str, argv: Sequence[str], timeout: float) -> list[str]:
    """What a command says in either way of starting one, line by line."""
    if how == "run":
        return run(argv, timeout=timeout).stdout.splitlines()
    lines: list[str] = []
    follow(argv, lines.append, log=Path("/dev/null"), timeout=timeout)
    return lines


@pytest.mark.parametrize("how", ["run", "follow"])
def test_a_deadline_ends_what_the_command_has_started(how: str, tmp_path: Path):
    """A grandchild that holds the pipe keeps nobody waiting, and does not stay."""
    argv, begun = _shell(LEAVES_ONE, tmp_path / "pids"), time.monotonic()
    with pytest.raises(CommandFailed, match="in time") as caught:
        _said(how, argv, timeout=0.5)
    assert time.monotonic() - begun < 10
    assert caught.value.code is None
    _wait_until(lambda: _gone(tmp_path / "pids"))


@pytest.mark.parametrize("how", ["run", "follow"])
def test_who_leaves_the_group_is_not_waited_for(how: str, tmp_path: Path):
    """What has made itself a session of its own is out of reach; the deadline is kept all the
    same."""
    script = "setsid sleep 30 & echo $! >{pids}; {then}"
    argv, begun = _shell(script, tmp_path / "pids"), time.monotonic()
    with pytest.raises(CommandFailed, match="in time"):
        _said(how, argv, timeout=0.5)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("how", ["run", "follow"])
def test_a_command_that_has_ended_has_ended(how: str, tmp_path: Path):
    """What it has left in the background may hold its pipe: its answer is there, and counts."""
    argv, begun = _shell(LEAVES_ONE, tmp_path / "pids", then="exit 0"), time.monotonic()
    assert _said(how, argv, timeout=120) == ["said"]
    assert time.monotonic() - begun < 30


def test_a_deadline_is_polite_first(tmp_path: Path):
    """Who can put something right on the way out may, for a moment."""
    script = f"trap 'echo bye >{tmp_path}/bye; exit' TERM; sleep 300 & wait"
    with pytest.raises(CommandFailed, match="in time"):
        run(["sh", "-c", script], timeout=0.5)
    assert (tmp_path / "bye").read_text() == "bye\n"


def test_who_does_not_listen_is_ended_all_the_same(tmp_path: Path):
    """The command and what it has started may ignore a polite word, not the other."""
    script = "trap '' TERM; sleep 300 & echo $! $$ >{pids}; {then}; wait"
    with pytest.raises(CommandFailed, match="in time"):
        run(_shell(script, tmp_path / "pids"), timeout=0.5)
    _wait_until(lambda: _gone(tmp_path / "pids"))


def test_who_speaks_for_ever_is_ended_too():
    """The deadline does not wait for a silence."""
    with pytest.raises(CommandFailed, match="in time"):
        follow(["yes"], lambda _: None, log=Path("/dev/null"), timeout=0.5)


def test_what_a_line_raises_ends_the_command(tmp_path: Path):
    """Whoever reads along and fails leaves nothing running."""

    def refuse(_: str) -> None:
        raise ValueError("not this")

    with pytest.raises(ValueError, match="not this"):
        follow(_shell(LEAVES_ONE, tmp_path / "pids"), refuse, log=tmp_path / "log", timeout=60)
    _wait_until(lambda: _gone(tmp_path / "pids"))


INTERRUPTED = """
import signal, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from lab.cli import take_interrupts
from lab.command import follow, run
if {ignored}:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
take_interrupts()
argv = ["sh", "-c", {script!r}]
try:
    if {how!r} == "run":
        run(argv, timeout=120)
    elif {how!r} == "follow":
        follow(argv, lambda _: None, log=Path({log!r}), timeout=120)
    else:
        with ThreadPoolExecutor() as pool:
            pool.submit(run, argv, timeout=120).result()
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("how", ["run", "follow", "thread"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_the_command_as_well(how: str, number: signal.Signals, tmp_path: Path):
    """A command is not in the group that a terminal's Ctrl-C reaches: whoever waits for it ends it,
    also where a thread waits, and what it has started."""
    pids, bye = tmp_path / "pids", tmp_path / "bye"
    script = f"trap 'echo bye >{bye}; exit' TERM; sleep 300 & echo $! $$ >{pids}; wait"
    ignored = number is signal.SIGTERM
    code = INTERRUPTED.format(script=script, how=how, log=str(tmp_path / "log"), ignored=ignored)
    # These tests may be run by `nohup`, too.
    hear = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    lab = subprocess.Popen([PYTHON, "-c", hear + code], start_new_session=True)
    try:
        _wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        lab.send_signal(number)
        assert lab.wait(20) == 130
        assert _gone(pids)
        assert bye.exists()
    finally:
        lab.kill()
        lab.wait()


def test_who_does_not_mind_the_end_of_the_terminal_goes_on(tmp_path: Path):
    """`nohup lab ...` is heard, and so are the commands that it waits for."""
    pids = tmp_path / "pids"
    script = f"sleep 2 & echo $! $$ >{pids}; wait"
    code = INTERRUPTED.format(script=script, how="run", log="", ignored=False)
    mind = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    lab = subprocess.Popen([PYTHON, "-c", mind + code], start_new_session=True)
    try:
        _wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        lab.send_signal(signal.SIGHUP)
        assert lab.wait(20) == 0
    finally:
        lab.kill()
        lab.wait()
