"""`lab verify --side-by-side`: nights dealt out to stacks, in processes that are looked after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.cli import nights
from lab.cli.nights import Wanted, live_side_by_side
from lab.errors import BadInput
from lab.library import Library
from lab.progress import Quiet
from lab.proof.kept import keep
from lab.proof.rows import Night, night_name
from lab.proof.sidebyside import Lane, dealt, errands, run, worst
from tests.unit.test_cli import journal_with_incident, lab


class Heard(Quiet):
    """A report that remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_nights_are_dealt_out_in_turn() -> None:
    """Each night to one stack, the stacks in turn; only the first seed of a scenario is tempted."""
    every = errands(["3am", "front-page"], range(4, 7))
    one, two = dealt(every, 2)
    assert [(errand.slug, errand.seed) for errand in one] == [
        ("3am", 4),
        ("3am", 6),
        ("front-page", 5),
    ]
    assert sorted([*one, *two], key=every.index) == every
    assert [errand.seed for errand in every if errand.tempted] == [4, 4]
    assert not any(errand.tempted for errand in errands(["3am"], range(1, 3), untempted=True))
    assert dealt(every[:1], 3) == [every[:1], [], []]


@pytest.mark.parametrize(
    ("codes", "code"),
    [((), 0), ((0, 3), 3), ((3, 1, 0), 1), ((1, 2), 2), ((130, 1), 130), ((0, 139, 130), 139)],
)
def test_the_worst_exit_code_is_the_one_of_all(codes: tuple[int, ...], code: int) -> None:
    """What could not be judged is better than what is wrong, and that than what was not done."""
    assert worst(codes) == code


def test_every_line_says_which_stack_it_comes_from() -> None:
    """Of both outputs, in that stack's environment; a wrong night does not keep the next away."""
    heard = Heard()
    say = script("import os, sys; print(os.environ['WHO']); sys.exit(3)")
    lanes = [Lane(name, [say, say], {**os.environ, "WHO": name}) for name in ("one", "two")]
    assert run(lanes, heard) == 3
    assert sorted(heard.lines) == ["one: one"] * 2 + ["two: two"] * 2


def test_a_stack_that_cannot_live_a_night_gets_no_more() -> None:
    """The other one goes on; a process that was killed counts as the worst."""
    heard = Heard()
    ill = Lane("ill", [script("raise SystemExit(4)"), script("print('again')")], os.environ)
    well = Lane("well", [script("pass"), script("print('again')")], os.environ)
    assert run([ill, well], heard) == 4
    assert sorted(heard.lines) == [
        "ill: left with exit code 4; no more nights on it",
        "well: again",
    ]
    killed = script("import os; os.kill(os.getpid(), 9)")
    assert run([Lane("killed", [killed], os.environ), well], heard) == 137


INTERRUPTED = """
import signal, sys
from lab.progress import Lines
from lab.proof.sidebyside import Lane, run
signal.signal(signal.SIGTERM, signal.default_int_handler)
if {ignored}:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
night = '''
import signal, time
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    print("lives", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.3)
    print("in order", flush=True)
'''
command = [sys.executable, "-c", night]
try:
    run([Lane(name, [command, command], {{}}) for name in ("one", "two")], Lines())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(
    ("sent", "ignored"),
    [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)],
)
def test_an_interrupt_lets_every_night_end_in_order(sent: signal.Signals, ignored: bool) -> None:
    """Each process is interrupted once and waited for, also in a script's background, where Ctrl-C
    is ignored; none is started after that."""
    argv = script(INTERRUPTED.format(ignored=ignored))
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = [process.stderr.readline().strip() for _ in range(2)]
            process.send_signal(sent)
            said += process.stderr.read().splitlines()
            assert process.wait(20) == 130
        finally:
            process.kill()
    assert sorted(said) == ["one: in order", "one: lives", "two: in order", "two: lives"]


def test_nights_side_by_side_are_called_apart() -> None:
    """They replace none that had the machine to itself."""
    assert night_name("3am", 2) == "3am-2"
    assert night_name("3am", 2, "core") == "3am-2-core"
    assert night_name("3am", 2, stacks=2) == "3am-2-2-stacks"
    assert night_name("3am", 2, "core", stacks=2) == "3am-2-core-2-stacks"
    assert night_name("3am", 2, fix="another-index") == "3am-2-another-index"


def test_each_stack_has_a_home_and_nights_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are brought up, one after the other; then the nights, each in a process, kept in one
    folder; ports that somebody chose are the first one's."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setenv("LAB_PROJECT", "mine")
    monkeypatch.setenv("LAB_NGINX_PORT", "8123")
    ran: list[list[Lane]] = []
    monkeypatch.setattr(nights.sidebyside, "run", lambda lanes, _: ran.append(lanes) or 0)
    wanted = Wanted(("3am",), range(1, 4), tmp_path / "out", "none", untempted=False, stacks=2)
    assert live_side_by_side(wanted) == ([], 0)
    (first,), (second,), (one, two) = ran
    assert [first.name, second.name] == [one.name, two.name] == ["mine", "mine-2"]
    assert first.commands == second.commands == [[sys.executable, "-m", "lab", "up"]]
    assert one.environment["LAB_PROJECT"] == "mine"
    assert two.environment["LAB_PROJECT"] == "mine-2"
    assert "LAB_NGINX_PORT" in one.environment
    assert "LAB_NGINX_PORT" not in two.environment
    kept = ["--out", str(tmp_path / "out"), "--of-stacks", "2"]
    assert [command[3:] for command in one.commands] == [
        ["verify", "3am", "--seed", "1", *kept],
        ["verify", "3am", "--seed", "3", *kept, "--untempted"],
    ]
    assert [command[3:6] for command in two.commands] == [["verify", "3am", "--seed"]]


def test_all_stacks_have_one_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lets in the neighbour is who deals out the nights; each is told who is there, keeps
    that on its row, and does not let in one more."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    let_in: list[tuple[str, int]] = []

    @contextmanager
    def beside(kind: str, *, nights: int) -> Iterator[None]:
        let_in.append((kind, nights))
        yield

    monkeypatch.setattr(nights, "beside", beside)
    ran: list[list[Lane]] = []
    monkeypatch.setattr(nights.sidebyside, "run", lambda lanes, _: ran.append(lanes) or 0)
    wanted = Wanted(("3am",), range(1, 4), tmp_path / "out", "core", untempted=True, stacks=2)
    live_side_by_side(wanted)
    assert let_in == [("core", 2)]
    for lane in ran[-1]:
        for command in lane.commands:
            assert command[command.index("--disturbed") + 1] == "core"


def test_a_night_of_several_lets_in_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is lived as it is, and its proof says beside whom."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    kinds: list[str] = []

    def live(_: object, slug: str, seed: int, *__: object, kind: str, **___: object) -> Night:
        kinds.append(kind)
        return Night(Library().load(slug, seed), problem="dark")

    monkeypatch.setattr(nights, "live", live)
    out = tmp_path / "out"
    wanted = Wanted(("3am",), range(2, 3), out, "core", untempted=True, stacks=2)
    (proof,) = nights.live_here(wanted, quiet=True)
    assert kinds == ["none"]
    assert (proof.beside, proof.stacks, proof.name) == ("core", 2, "3am-2-core-2-stacks")


def test_a_stack_that_cannot_be_brought_up_lives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No night begins, and the reason's exit code is everybody's."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    codes = [0, 4]
    monkeypatch.setattr(nights.sidebyside, "run", lambda *_: codes.pop(0))
    wanted = Wanted(("3am",), range(1, 2), tmp_path, "none", untempted=True, stacks=2)
    assert live_side_by_side(wanted) == ([], 4)


def test_only_what_was_lived_now_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night whose process failed leaves no proof; one of an earlier time is not taken for it."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    out = tmp_path / "out"

    def kept(seed: int) -> Path:
        night = Night(Library().load("3am", seed), problem="dark", stacks=2)
        return out / keep(night, [], out).name / "proof.json"

    old = kept(2)
    document = json.loads(old.read_text())
    old.write_text(json.dumps({**document, "at": "2020-01-01T00:00:00+00:00"}))

    def run(lanes: list[Lane], _: object) -> int:
        if "up" in lanes[0].commands[0]:
            return 0
        kept(1)
        return 1

    monkeypatch.setattr(nights.sidebyside, "run", run)
    wanted = Wanted(("3am",), range(1, 3), out, "none", untempted=True, stacks=2)
    proofs, code = live_side_by_side(wanted)
    assert ([proof.seed for proof in proofs], code) == ([1], 1)


def test_what_cannot_be_side_by_side_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is started: a machine asleep, an unknown scenario, an incident on."""
    refused = lab(tmp_path, "verify", "3am", "--side-by-side", "2", "--disturbed", "suspended")
    assert (refused.returncode, "with all of its stacks" in refused.stderr) == (2, True)
    assert lab(tmp_path, "verify", "3m", "--side-by-side", "2").returncode == 2
    journal_with_incident(tmp_path / "on")
    (tmp_path / "on" / "projects" / "nobody").rename(tmp_path / "on" / "projects" / "mine-2")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "on"))
    monkeypatch.setenv("LAB_PROJECT", "mine")
    wanted = Wanted(("3am",), range(1, 2), tmp_path, "none", untempted=True, stacks=2)
    with pytest.raises(BadInput, match="the incident 3am is on"):
        live_side_by_side(wanted)
