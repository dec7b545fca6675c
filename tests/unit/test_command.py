"""Starting programs: every way to fail names the command, the code and what was said."""

import sys
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
