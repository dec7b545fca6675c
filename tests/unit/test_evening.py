"""The evening before: a stage is set while nobody is there, and what is calm is calm on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import evening, incident
from lab.doors import Doors
from lab.errors import Failed
from lab.host.busy import Taker
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


@pytest.mark.parametrize("light", [True, False])
def test_a_start_that_is_refused_names_what_takes_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, light: bool
) -> None:
    """By name, and with what to do about it: close it, or half the customers."""
    half = SCENARIO.replace("rate: 50", "rate: {choice: size.rate}")
    half += "choices: {size: [{rate: 50, light: {rate: 25}}]}\n"
    write_scenario(tmp_path, text=half)
    world = World()
    world.fixed["client:latency_seconds:p95"] = 0.7
    monkeypatch.setattr(evening.busy, "takers", lambda *_: [Taker("chromium", 1.3)])
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with doors_to(world, tmp_path) as doors, pytest.raises(Failed) as raised:
        incident.start(doors, "slow", 1, QUIET, light=light)
    assert "client:latency_seconds:p95 is 0.7" in raised.value.message
    assert "\n  chromium takes 1.3 of this machine's 2 cores" in raised.value.message
    remedy = "close what takes the cores"
    if not light:
        remedy += ", or `lab start slow --light`: half the customers, the same night"
    assert raised.value.remedy == remedy


def test_no_start_waits_longer_than_a_minute_for_calm(
    doors: Doors, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins within half a minute and is seen to its end; or it is said that it does not."""
    scenario = doors.library.load("slow", 1)
    scenario = scenario.model_copy(
        update={"load": scenario.load.model_copy(update={"warm_s": 25, "baseline_s": 30})}
    )
    monkeypatch.setattr(evening.busy, "takers", lambda *_: [])
    number = doors.journal.begin("slow", 1, scenario.model_dump_json(), world.now)
    for until in (None, 20.0, 40.0):
        begun = world.now
        broken = [(begun - 10, True)]
        world.changes[:] = broken if until is None else [*broken, (begun + until, False)]
        if until == 20.0:
            evening.wait_for_calm(doors, number, scenario, begun - 25, QUIET)
        else:
            with pytest.raises(Failed):
                evening.wait_for_calm(doors, number, scenario, begun - 25, QUIET)
        assert world.now - begun <= (60 if until == 20.0 else 35)


@pytest.mark.parametrize(("a_second", "least", "most"), [(0.0, 30, 35), (0.6, 40, 65)])
def test_a_calm_in_which_something_is_on_its_way_is_waited_out(
    doors: Doors, world: World, a_second: float, least: float, most: float
) -> None:
    """What tells of the night comes to rest first: a queue that still drains is no baseline."""
    scenario = doors.library.load("slow", 1)
    truth = scenario.truth.model_copy(update={"chain": ["queue:depth", *scenario.truth.chain]})
    load = scenario.load.model_copy(update={"baseline_s": 30})
    scenario = scenario.model_copy(update={"truth": truth, "load": load})
    number = doors.journal.begin("slow", 1, scenario.model_dump_json(), world.now)
    begun = world.now
    world.backlog = lambda at: max(0.0, 20 - a_second * max(0.0, at - begun)) if a_second else 0.0
    evening.wait_for_calm(doors, number, scenario, begun - 5, QUIET)
    assert least <= world.now - begun <= most


@pytest.mark.parametrize(("seconds", "waited"), [(2.0, 32), (15.0, 57)])
def test_a_moment_does_not_spoil_the_calm(
    doors: Doors, world: World, monkeypatch: pytest.MonkeyPatch, seconds: float, waited: float
) -> None:
    """One or two slow seconds in half a minute are chance; more of them, and it begins again."""
    monkeypatch.setattr(evening.busy, "takers", lambda *_: [])
    scenario = doors.library.load("slow", 1)
    load = scenario.load.model_copy(update={"baseline_s": 30})
    scenario = scenario.model_copy(update={"load": load})
    number = doors.journal.begin("slow", 1, scenario.model_dump_json(), world.now)
    begun = world.now
    world.changes[:] = [(begun + 10, True), (begun + 10 + seconds, False)]
    evening.wait_for_calm(doors, number, scenario, begun - 5, QUIET)
    assert world.now - begun == pytest.approx(waited, abs=6)
