"""The proof of faults: what counts as proven, and what it says where something is left behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import faultproof
from lab.command import Exec
from lab.doors import Doors
from lab.errors import BadInput, LabError
from lab.faultproof import STEPS, Outcome, kept_in, prove
from lab.progress import QUIET
from lab.proof.table import markdown
from lab.restore import restore
from tests.unit.world import Killed, World, doors_to


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def doors(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doors]:
    """The made-up stack; processes run in here, and what kills them kills only what they do."""

    def killed(*_: object) -> None:
        raise Killed

    def process(doors: Doors, module: str, *args: str, **_: float) -> Exec:
        code, said = 0, ""
        try:
            if module == "lab":
                restore(doors, QUIET)
            else:
                faultproof._die(doors, args[0], int(args[1]), args[2])
        except Killed:
            code = -signal.SIGKILL
        except LabError as error:
            code, said = error.exit_code, error.message
        return Exec(code, "", said)

    monkeypatch.setattr(faultproof.os, "kill", killed)
    monkeypatch.setattr(faultproof, "_process", process)
    with doors_to(world, tmp_path) as opened:
        yield opened


def test_every_step_of_a_fault_is_proven(doors: Doors, world: World, tmp_path: Path) -> None:
    """Killed after each of the steps, mended each time; the disk has the rows, the page their
    count."""
    proof = prove(doors, QUIET, names=["drop_index"], out=tmp_path)
    assert [(row.step, row.outcome) for row in proof.rows] == [(one, Outcome.HOME) for one in STEPS]
    assert proof.passed
    assert "0 left behind" in proof.count
    assert not world.broken
    assert kept_in(tmp_path) == proof
    page = markdown([], [], kept_in(tmp_path))
    assert "1 faults killed after each of 5 steps, 5 times: 0 left behind" in page
    assert "| drop_index | 1 | 5 | 5 | 0 |" in page


def test_the_control_is_never_seen(doors: Doors) -> None:
    """It goes the same way."""
    assert prove(doors, QUIET, names=["noop"]).passed


def test_what_is_left_behind_is_counted(doors: Doors, world: World) -> None:
    """A restore that does not mend fails the proof, with what it said."""
    heal = world.run

    def stubborn(statement: str) -> list[list[str]]:
        return [] if "CREATE INDEX" in statement else heal(statement)

    world.run = stubborn  # type: ignore[method-assign]
    proof = prove(doors, QUIET, names=["drop_index"], steps=["injected"])
    assert [row.outcome for row in proof.rows] == [Outcome.LEFT]
    assert "drop_index" in proof.rows[0].detail
    assert not proof.passed


def test_an_injection_that_nobody_sees_proves_nothing(doors: Doors, world: World) -> None:
    """There was nothing to mend, so that nothing is left says nothing."""
    world.deaf = True
    proof = prove(doors, QUIET, names=["drop_index"], steps=["injected"])
    assert [row.outcome for row in proof.rows] == [Outcome.MOOT]
    assert not proof.passed


@pytest.mark.parametrize("word", [{"names": ["frost"]}, {"steps": ["eaten"]}])
def test_an_unknown_word_is_refused(doors: Doors, word: dict[str, list[str]]) -> None:
    """Before anything is broken."""
    with pytest.raises(BadInput, match="there is no"):
        prove(doors, QUIET, **word)  # type: ignore[arg-type]
