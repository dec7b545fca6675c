"""The evening before: a stage is set while nobody is there, and what is calm is calm on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import incident
from lab.doors import Doors
from lab.errors import Failed
from lab.load import LoadState
from lab.progress import QUIET
from tests.unit.world import INDEX, OTHER, SCENARIO, World, doors_to, write_scenario

STAGED = SCENARIO.replace(
    "faults:", f"stage:\n  - {{fault: drop_index, table: photos, index: {OTHER}}}\nfaults:"
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def doors(world: World, tmp_path: Path) -> Iterator[Doors]:
    write_scenario(tmp_path, text=STAGED)
    with doors_to(world, tmp_path) as opened:
        yield opened


def test_the_stage_is_set_before_the_first_customer(
    doors: Doors, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of another night have left by then, nothing else is broken yet, and nobody waits."""
    seen: list[tuple[str, set[str], float]] = []
    run, start = world.run, doors.load.start

    def noting(statement: str) -> list[list[str]]:
        if "DROP INDEX" in statement:
            seen.append((world.load.state, set(world.indexes), world.now))
        return run(statement)

    def coming(rate: float, duration_s: float, seed: int, **of: float) -> LoadState:
        seen.append((world.load.state, set(world.indexes), world.now))
        return start(rate, duration_s, seed, **of)

    monkeypatch.setattr(world, "run", noting)
    monkeypatch.setattr(doors.load, "start", coming)
    world.load = LoadState("running", "run of yesterday", 1, 50)
    row = incident.start(doors, "slow", 1, QUIET)
    *before, (state, whole, broken_at) = seen
    at = before[0][2]
    assert before == [("stopped", {INDEX, OTHER}, at), ("stopped", {INDEX}, at)]
    assert (state, whole) == ("running", {INDEX})
    assert at < (row.baseline_from or 0) < (row.baseline_until or 0) <= broken_at


def test_without_calm_on_it_the_stage_is_undone(doors: Doors, world: World) -> None:
    """A stack that does not carry its load gets nothing else, and loses what it got."""
    world.fixed["client:latency_seconds:p95"] = 2.0
    with pytest.raises(Failed, match="nothing was broken"):
        incident.start(doors, "slow", 1, QUIET)
    assert {INDEX, OTHER} <= world.indexes.keys()
    assert not doors.journal.unhealed()
