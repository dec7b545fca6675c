"""Faults: found by their file, healed from their token alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lab
from lab import faults
from lab.errors import Failed
from lab.faults.drop_index import DropIndexParams
from tests.unit.world import INDEX, OTHER, FakeStack, World

ONE = """
from typing import Literal
from lab.faults import Fault, FaultParams, Token


class Params(FaultParams):
    fault: Literal["{name}"]
    much: int


class Nothing(Token):
    pass


class Made(Fault[Params, Nothing]):
    Params = Params
    Token = Nothing
    examples = (Params(fault="{name}", much=1),)

    def plan(self, stack, params):
        return Nothing()

    def inject(self, stack, token):
        pass

    def active(self, stack, token):
        return True

    def heal(self, stack, token):
        pass
"""


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack(World())


def dropped(stack: FakeStack) -> tuple[str, str]:
    """A dropped index: the fault's name and its token."""
    params = DropIndexParams(fault="drop_index", table="photos", index=INDEX)
    token = faults.plan(stack, params)  # type: ignore[arg-type]
    faults.inject(stack, "drop_index", token)  # type: ignore[arg-type]
    return "drop_index", token


def test_the_shipped_faults_are_found() -> None:
    """Each under the name of its file."""
    assert {"noop", "drop_index"} <= set(faults.discover())


def test_a_new_fault_is_one_file(tmp_path: Path) -> None:
    """A file in the folder is all: a scenario may use it, and its parameters are validated."""
    shutil.copytree(Path(lab.__file__).parent, tmp_path / "lab")
    (tmp_path / "lab" / "faults" / "heat.py").write_text(ONE.format(name="heat"))
    script = (
        "from lab.scenario import ScenarioFile\n"
        "from pydantic import TypeAdapter\n"
        "kind = ScenarioFile.model_fields['faults'].rebuild_annotation()\n"
        "made = TypeAdapter(kind).validate_python([{'fault': 'heat', 'much': 3}])\n"
        "assert made[0].much == 3, made\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds 0"),
        (ONE.format(name="another"), "Literal"),
        (ONE.format(name="odd").replace("def heal", "def mend"), "heal"),
    ],
    ids=["no fault in it", "the name of another file", "cannot be healed"],
)
def test_a_file_that_is_no_fault_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, complaint: str
) -> None:
    """The message says which file, and what it lacks."""
    (tmp_path / "odd.py").write_text(text)
    monkeypatch.setattr(faults, "__path__", [str(tmp_path)])
    sys.modules.pop("lab.faults.odd", None)
    with pytest.raises(faults.Broken, match=complaint) as raised:
        faults.discover()
    assert "odd.py" in raised.value.message


def test_a_fault_that_is_gone_from_the_lab_is_told() -> None:
    """A journal of another version may speak of one."""
    with pytest.raises(faults.Broken, match="frost"):
        faults.fault_named("frost")


def test_the_witness_asks_the_system(stack: FakeStack) -> None:
    """It does not remember that the index was dropped: it looks."""
    name, token = dropped(stack)
    assert faults.active(stack, name, token)  # type: ignore[arg-type]
    stack.world.run(f"CREATE INDEX {INDEX} ON public.photos (...)")
    assert not faults.active(stack, name, token)  # type: ignore[arg-type]


def test_an_index_by_another_name_counts_as_mended(stack: FakeStack) -> None:
    """An operator need not know what it was called."""
    name, token = dropped(stack)
    stack.world.run("CREATE INDEX my_fix ON public.photos (...)")
    assert not faults.active(stack, name, token)  # type: ignore[arg-type]


def test_an_unfinished_index_does_not(stack: FakeStack) -> None:
    """What a cancelled CREATE INDEX CONCURRENTLY leaves behind serves no query."""
    name, token = dropped(stack)
    stack.world.run("CREATE INDEX my_fix ON public.photos (...)")
    stack.world.indexes["my_fix"]["usable"] = False
    assert faults.active(stack, name, token)  # type: ignore[arg-type]


@pytest.mark.parametrize("usable", [True, False], ids=["a good one", "an invalid one"])
@pytest.mark.parametrize("theirs", ["my_fix", INDEX])
def test_healing_leaves_the_table_as_it_was(stack: FakeStack, theirs: str, usable: bool) -> None:
    """Whatever the operator built meanwhile: the same indexes as before, twice over; a good one by
    another name is theirs, and stays until it is told of."""
    before = dict(stack.world.indexes)
    name, token = dropped(stack)
    stack.world.run(f"CREATE INDEX {theirs} ON public.photos (...)")
    stack.world.indexes[theirs]["usable"] = usable
    for _ in range(2):
        faults.heal(stack, name, token)  # type: ignore[arg-type]
        kept = {theirs} if usable else set()
        assert stack.world.indexes.keys() == before.keys() | kept
        assert stack.world.indexes[INDEX]["usable"]
    assert not faults.active(stack, name, token)  # type: ignore[arg-type]


def test_healing_what_was_never_injected_changes_nothing(stack: FakeStack) -> None:
    """The process may have died between the plan and the injection."""
    params = DropIndexParams(fault="drop_index", table="photos", index=INDEX)
    token = faults.plan(stack, params)  # type: ignore[arg-type]
    before = dict(stack.world.indexes)
    faults.heal(stack, "drop_index", token)  # type: ignore[arg-type]
    assert stack.world.indexes == before


def test_planning_changes_nothing(stack: FakeStack) -> None:
    """It only reads."""
    params = DropIndexParams(fault="drop_index", table="photos", index=INDEX)
    faults.plan(stack, params)  # type: ignore[arg-type]
    assert all("SELECT" in statement for statement in stack.world.statements)


def test_an_index_that_is_not_there_cannot_be_planned(stack: FakeStack) -> None:
    """The message says which one, before anything is broken."""
    params = DropIndexParams(fault="drop_index", table="photos", index="no_such_idx")
    with pytest.raises(Failed, match="no_such_idx"):
        faults.plan(stack, params)  # type: ignore[arg-type]


def test_an_index_whose_work_another_does_cannot_be_planned(stack: FakeStack) -> None:
    """Dropping it would break nothing: the run would be a waste of somebody's night."""
    stack.world.run("CREATE INDEX twin ON public.photos (...)")
    params = DropIndexParams(fault="drop_index", table="photos", index=INDEX)
    with pytest.raises(Failed, match="nothing that the application asks"):
        faults.plan(stack, params)  # type: ignore[arg-type]


def test_a_fault_has_one_end() -> None:
    """It is there to stay or it passes by itself: whoever writes both means neither."""
    noop = faults.discover()["noop"].Params
    with pytest.raises(ValueError, match=r"lasting.*triggers"):
        noop(fault="noop", lasting=True, triggers=True)


def test_the_control_breaks_nothing(stack: FakeStack) -> None:
    """noop goes through every step and is never active."""
    params = faults.discover()["noop"].Params(fault="noop")
    token = faults.plan(stack, params)  # type: ignore[arg-type]
    faults.inject(stack, "noop", token)  # type: ignore[arg-type]
    assert not faults.active(stack, "noop", token)  # type: ignore[arg-type]
    faults.heal(stack, "noop", token)  # type: ignore[arg-type]
    assert stack.world.indexes.keys() == {INDEX, OTHER}
