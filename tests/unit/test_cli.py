"""The command line: exit codes, messages for people, JSON for programs. No Docker is needed."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lab import __version__, cli
from lab.cli import app, tell_interrupted
from lab.cli.order import SECTIONS
from lab.home import Home
from lab.journal import Journal
from tests.unit.terminal import at_terminal


def argv(*args: str) -> list[str]:
    return [sys.executable, "-m", "lab", *args]


def nobodys(home: Path, **more: str) -> dict[str, str]:
    """The environment of a home of its own, on a machine without an engine, in a pipe."""
    return {
        **{name: value for name, value in os.environ.items() if name != "COLUMNS"},
        "LAB_HOME": str(home),
        "LAB_PROJECT": "nobody",
        "DOCKER_HOST": "unix:///nonexistent.sock",
        "LAB_NO_INSTALL": "1",
        **more,
    }


def lab(home: Path, *args: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """The command, in that home; `more` is added to its environment."""
    return subprocess.run(
        argv(*args),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=nobodys(home, **more),
        timeout=60,
    )


def typed(home: Path, monkeypatch: pytest.MonkeyPatch, *args: str) -> Result:
    """The same in this process, where many are tried; what is no exit is raised."""
    from lab.cli import incident, look, recorded, run, stack, verify  # noqa: F401 - they register themselves

    for name, value in nobodys(home).items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, args)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def journal_with_incident(home: Path, *, announced: bool = True) -> None:
    """An incident that is on, or being prepared."""
    folder = home / "projects" / "nobody"
    folder.mkdir(parents=True)
    from lab.library import Library

    scenario = Library().load("3am", 1)
    with Journal(folder / "lab.db") as journal:
        number = journal.begin("3am", 1, scenario.model_dump_json(), 1.0)
        journal.stamp(number, "injected_at", 2.0)
        if announced:
            journal.stamp(number, "announced_at", 3.0)


def test_it_says_which_it_is(tmp_path: Path) -> None:
    """For whoever writes a bug report."""
    said = lab(tmp_path, "--version")
    assert (said.returncode, said.stdout) == (0, f"3AM Lab {__version__}\n")


def test_a_terminal_that_lacks_a_sign_is_told_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "p95 ≤ 500 ms" on a terminal of plain ASCII: a question mark, and no traceback."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    monkeypatch.setattr(sys, "argv", ["lab", "--help"])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit):
        cli.main()
    sys.stdout.write("p95 ≤ 500 ms\n")
    sys.stdout.flush()
    assert raw.getvalue().endswith(b"p95 ? 500 ms\n")


@pytest.mark.parametrize(
    ("args", "code"),
    [(("status",), 4), (("hint",), 2), (("verdict", "7"), 2), (("signals", "what"), 2)],
)
def test_a_program_is_told_of_errors_in_its_own_language(
    tmp_path: Path, args: tuple[str, ...], code: int
) -> None:
    """Under --json standard output is one JSON document, also when it went wrong or was misspelt;
    people read the same on standard error."""
    told = lab(tmp_path, *args, "--json")
    assert told.returncode == code
    found = json.loads(told.stdout)
    assert found["exit_code"] == code
    assert found["error"] in told.stderr


def test_every_command_says_what_it_does(tmp_path: Path) -> None:
    """An undocumented command fails."""
    shown = lab(tmp_path, "--help")
    assert shown.returncode == 0
    from lab.cli import incident, recorded, run, stack, verify  # noqa: F401 - they register themselves

    for command in app.registered_commands:
        assert command.callback is not None
        assert command.callback.__doc__
        assert f"  {command.name} " in shown.stdout


def test_help_is_in_the_order_of_a_night(tmp_path: Path) -> None:
    """By what commands are for; each has a place, and says its first sentence whole, however
    narrow the terminal is."""
    from lab.cli import bench, incident, look, recorded, room, run, stack, verify  # noqa: F401

    for columns in ("60", "80", "200"):
        shown = lab(tmp_path, "--help", COLUMNS=columns).stdout
        commands = shown[shown.index("A night:") :]
        listed = re.findall(r"^  ([a-z]+) ", commands, re.MULTILINE)
        assert listed == [name for names in SECTIONS.values() for name in names]
        assert "Others:" not in commands
        assert "..." not in commands
        assert max(map(len, shown.splitlines())) <= int(columns)
    assert {*listed} == {command.name for command in app.registered_commands}
    night = listed[: listed.index("verdict")]
    assert night.index("run") < night.index("ack") < night.index("resolve") < night.index("end")


def test_every_command_is_in_the_readme() -> None:
    """What there is can be found without typing anything."""
    from lab.cli import bench, incident, look, recorded, room, run, stack, verify  # noqa: F401

    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("## The commands") : readme.index("## What is graded")]
    told = {*re.findall(r"`(?:lab )?([a-z]+)", table)}
    assert {command.name for command in app.registered_commands} - told == set()


def test_help_does_not_load_what_it_does_not_need() -> None:
    """`lab --help` stays quick: no engine, no HTTP, no plots, no YAML."""
    script = (
        "import sys\nsys.argv = ['lab', '--help']\nfrom lab.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'docker', 'httpx', 'matplotlib', 'pydantic', 'ruamel', 'jinja2', 'sqlite3'}\n"
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("run", "3m"), 2, "did you mean 3am?"),
        (("start", "no-such-thing"), 2, "there are:"),
        (("run",), 2, "no incident is on"),
        (("ack",), 2, "no incident is on"),
        (("hint",), 2, "no incident is on"),
        (("resolve",), 2, "no incident is on"),
        (("end",), 2, "no incident is on"),
        (("diagnose", "--file", "nothing.yaml"), 2, "no incident is on"),
        (("verdict",), 2, "no incident yet"),
        (("verdict", "--incident", "9"), 2, "no incident 9"),
        (("signals", "-c", "postgress"), 2, "postgres"),
        (("trace", "ftp://127.0.0.1/"), 2, "is no address"),
        (("trace", "http://192.0.2.1/"), 2, "not on this machine"),
        (("trace", "http://127.0.0.1:1/"), 1, "nobody answers"),
        (("status",), 4, "no Docker engine answers"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, args: tuple[str, ...], code: int, said: str
) -> None:
    """The documented exit code, the reason on stderr, and never a traceback."""
    done = lab(tmp_path, *args)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


NIGHT = str(Path(__file__).parent / "data" / "3am-2" / "remedy.json.gz")


@pytest.mark.parametrize(
    "args",
    [
        *(("resolve", "--wait", one) for one in ("nan", "inf", "-1", "1e9", "soon")),
        *(("slow", "--over", one) for one in ("nan", "inf", "0", "61")),
        *(("logs", "--since", one) for one in ("nan", "inf", "9" * 400, "25:61:00", "2199-01-01")),
        *(("slow", "--since", one) for one in ("nan", "-", "9" * 40)),
        *(("start", "3am", "--seed", one) for one in ("-1", "9" * 20, "1.5", "nan")),
        *(("verify", "--seed", one) for one in ("-1", "9" * 20)),
        *(("verify", "--seeds", one) for one in ("0", "9" * 20)),
        ("verify", "--side-by-side", "9" * 9),
        *(("verdict", "--incident", one) for one in ("0", "-1", "9" * 20)),
        *(("report", "--incident", one) for one in ("0", "9" * 20)),
        *(("trace", "--user", one) for one in ("0", "9" * 20)),
        *(("logs", "--lines", one) for one in ("0", "9" * 20)),
        *(("grade", "--history", NIGHT, "--at", one) for one in ("nan", "inf", "9" * 400)),
    ],
)
def test_absurd_numbers_are_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    """Exit code 2 and what is wrong, whatever a number is out of bounds by."""
    done = typed(tmp_path, monkeypatch, *args)
    assert done.exit_code == 2, done.stderr
    assert args[-2] in done.stderr
    assert done.stdout == ""


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """Before anything is looked at, let alone broken."""
    (tmp_path / "home").write_text("a file, not a directory")
    done = lab(tmp_path / "home", "start", "3am")
    assert done.returncode == 4
    assert "cannot write" in done.stderr


def test_a_second_incident_is_refused(tmp_path: Path) -> None:
    """One at a time, and the first can still be found."""
    journal_with_incident(tmp_path)
    done = lab(tmp_path, "start", "3am")
    assert done.returncode == 2
    assert "is on already" in done.stderr
    assert "lab end" in done.stderr


def test_a_wrong_diagnosis_file_is_no_attempt(tmp_path: Path) -> None:
    """Place, word and suggestion; the journal has nothing of it."""
    journal_with_incident(tmp_path)
    text = "component: postgres-primary\ncause: mising-index\nchain: [quue:depth]\n"
    done = lab(tmp_path, "diagnose", "--file", "-", stdin=text)
    assert done.returncode == 2
    assert "standard input:2:8" in done.stderr
    assert "missing-index" in done.stderr
    assert "did you mean queue:depth" in done.stderr
    with Journal(tmp_path / "projects" / "nobody" / "lab.db") as journal:
        assert journal.answers(1) == []


def test_the_verdict_of_an_open_incident_is_not_told(tmp_path: Path) -> None:
    """No score before the end."""
    journal_with_incident(tmp_path)
    done = lab(tmp_path, "verdict")
    assert done.returncode == 2
    assert "still on" in done.stderr


def test_a_hint_is_json_for_programs(tmp_path: Path) -> None:
    """One document on standard output, nothing else."""
    journal_with_incident(tmp_path)
    hint = json.loads(lab(tmp_path, "hint", "--json", "--yes").stdout)
    assert hint["number"] == 1
    assert hint["price"] > 0
    assert hint["left"] == 2


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_a_hint_is_not_taken_where_nobody_can_be_asked(
    tmp_path: Path, args: tuple[str, ...]
) -> None:
    """A pipe is told the price and what takes it; nothing is taken, and nothing charged."""
    journal_with_incident(tmp_path)
    done = lab(tmp_path, "hint", *args)
    assert done.returncode == 2
    assert "the next hint costs 5 points" in done.stderr
    assert "lab hint --yes" in done.stderr
    with Journal(tmp_path / "projects" / "nobody" / "lab.db") as journal:
        assert journal.hints(1) == []


def test_a_hint_is_asked_for_at_a_terminal(tmp_path: Path) -> None:
    """Its price is said first, and No takes nothing."""
    journal_with_incident(tmp_path)
    for answer, taken in (("n", 0), ("y", 1)):
        code, said = at_terminal(argv("hint"), nobodys(tmp_path), typed=f"{answer}\n")
        assert code == 0
        assert "The next hint costs 5 points, if you solve it. Take it?" in said
        with Journal(tmp_path / "projects" / "nobody" / "lab.db") as journal:
            assert len(journal.hints(1)) == taken


def test_scenarios_are_json_for_programs_without_their_answers(tmp_path: Path) -> None:
    """What a learner may know, and no more."""
    shown = lab(tmp_path, "scenarios", "--json").stdout
    assert "3am" in [one["slug"] for one in json.loads(shown)]
    assert "missing-index" not in shown


def test_the_schema_is_exported(tmp_path: Path) -> None:
    """For editors."""
    schema = json.loads(lab(tmp_path, "scenarios", "--schema").stdout)
    assert {"title", "faults", "truth"} <= schema["properties"].keys()


def test_the_words_of_a_diagnosis_can_be_listed(tmp_path: Path) -> None:
    """Without an incident, for whoever prepares."""
    done = lab(tmp_path, "diagnose", "--words")
    assert done.returncode == 0
    assert "missing-index" in done.stdout
    assert {"components", "causes"} == json.loads(
        lab(tmp_path, "diagnose", "--words", "--json").stdout
    ).keys()


@pytest.mark.parametrize(
    ("announced", "said"), [(True, "is still on"), (False, "`lab restore` brings it home")]
)
def test_an_interrupt_says_where_things_stand(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    announced: bool,
    said: str,
) -> None:
    """Ctrl-C at any moment leaves a journal, and the message says what can be done with it."""
    journal_with_incident(tmp_path, announced=announced)
    home = Home(root=tmp_path, base=tmp_path, project="nobody")
    monkeypatch.setattr(Home, "find", classmethod(lambda _: home))
    tell_interrupted()
    assert said in capsys.readouterr().err


def test_the_exit_code_of_an_interrupt_is_its_own() -> None:
    """As shells have it for SIGINT."""
    assert cli.INTERRUPTED == 130


def test_being_stopped_politely_works_in_the_background_too(tmp_path: Path) -> None:
    """A script's `lab ... &` is started with SIGINT ignored; SIGTERM must still interrupt it."""
    script = (
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from lab.cli import command, main\n"
        "@command('wait')\ndef wait() -> None:\n    'Wait.'\n"
        "    print('waiting', flush=True)\n    time.sleep(30)\n"
        "import sys\nsys.argv = ['lab', 'wait']\nmain()\n"
    )
    env = {**os.environ, "LAB_HOME": str(tmp_path), "LAB_PROJECT": "nobody"}
    argv = [sys.executable, "-c", script]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.terminate()
        try:
            assert process.wait(10) == cli.INTERRUPTED
        finally:
            process.kill()
