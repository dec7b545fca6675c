"""The command's edges: what nobody foresaw, and streams that cannot be used. In real processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_cli import journal_with_incident

STUMBLES = """
import sys
from lab.cli import Json, command, main
@command('stumble')
def stumble(*, as_json: Json = False) -> None:
    'Stumble.'
    {what}
sys.argv = ['lab', 'stumble', *sys.argv[1:]]
main()
"""


def process(home: Path, *argv: str, **streams: object) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "LAB_HOME": str(home),
        "LAB_PROJECT": "nobody",
        "DOCKER_HOST": "unix:///nonexistent.sock",
        "TMPDIR": str(home.parent),
    }
    given: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(argv, text=True, check=False, env=env, timeout=60, **given)  # type: ignore[call-overload, no-any-return]


def stumbled(home: Path, what: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return process(home, sys.executable, "-c", STUMBLES.format(what=what), *argv)


def test_what_nobody_foresaw_is_told_in_two_lines(tmp_path: Path) -> None:
    """What happened and where, where its traceback is, and how to report it. Unknown: it says
    nothing of anybody's stack or diagnosis."""
    done = stumbled(tmp_path / "home", "{}['\\x1b[2J']")
    assert done.returncode == 3
    first, second = done.stderr.splitlines()
    assert re.fullmatch(r"error: the lab itself stumbled: KeyError: .*\(<string>:\d+\)", first)
    written = re.fullmatch(r"  the traceback: (\S+\.txt); how to report it: CONTRIBUTING.*", second)
    assert written
    story = Path(written[1]).read_text()
    assert "Traceback (most recent call last)" in story
    assert "stumble" in story
    assert done.stdout == ""


def test_a_program_is_told_of_it_too(tmp_path: Path) -> None:
    """Standard output is one JSON document, as with every other error."""
    done = stumbled(tmp_path / "home", "raise RuntimeError('odd')", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit_code"]) == (3, 3)
    assert "RuntimeError: odd" in told["error"]


def test_it_is_kept_with_the_homes_logs_and_says_where_things_stand(tmp_path: Path) -> None:
    """While an incident is on, that is what matters next."""
    journal_with_incident(tmp_path / "home")
    logs = tmp_path / "home" / "projects" / "nobody" / "logs"
    logs.mkdir()
    done = stumbled(tmp_path / "home", "int('x')")
    assert [path.name.partition("-")[0] for path in logs.iterdir()] == ["stumbled"]
    assert "is still on" in done.stderr


def test_a_machine_that_gives_out_is_no_mistake_of_ours(tmp_path: Path) -> None:
    """A full disk, no memory left: exit code 4, and no traceback to be reported."""
    for what in ("raise OSError(28, 'No space left on device')", "raise MemoryError"):
        done = stumbled(tmp_path / "home", what)
        assert done.returncode == 4
        assert "the machine gave out" in done.stderr
    assert list(tmp_path.glob("stumbled-*")) == []


LAB = (sys.executable, "-m", "lab")


@pytest.mark.parametrize("argv", [("scenarios",), ("scenarios", "--json"), ("--help",)])
def test_what_nobody_can_be_told_of_is_no_traceback(tmp_path: Path, argv: tuple[str, ...]) -> None:
    """Standard output on a full disk is the machine's lack; whoever stops reading is nobody's."""
    with Path("/dev/full").open("w") as full:
        done = process(tmp_path / "home", *LAB, *argv, stdout=full)
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = process(tmp_path / "home", *LAB, *argv, stdout=gone)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_may_be_closed(tmp_path: Path, closed: str) -> None:
    """As cron and careless scripts start commands."""
    line = f'exec "$0" -m lab grade --history "$1" --file - {closed}'
    done = process(tmp_path / "home", "sh", "-c", line, sys.executable, str(tmp_path / "none"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_word_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A byte that is no UTF-8, and a sign that nobody sees: wherever it would have gone."""
    for word in (b"\xff", "\u202ex".encode(), b"\x1b[2J"):
        done = process(tmp_path / "home", *LAB, "logs", "--request", os.fsdecode(word))
        assert done.returncode == 2
        assert "has a character in it that nobody sees" in done.stderr
        assert "\x1b" not in done.stderr
