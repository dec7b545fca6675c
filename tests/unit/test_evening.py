"""The evening before: the stage is set until it fits, or nothing is broken at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import evening, faults, incident
from lab.doors import Doors
from lab.errors import Failed
from lab.faults.throttle_cpu import NANO, ThrottleCpu, ThrottleCpuParams, ThrottleCpuToken
from lab.host.busy import Taker
from lab.progress import QUIET
from lab.restore import restore
from lab.series import Span
from lab.stack import Stack
from tests.unit.world import OTHER, SCENARIO, World, doors_to, write_scenario

STAGED = SCENARIO.replace(
    "faults:", f"stage:\n  - {{fault: drop_index, table: photos, index: {OTHER}}}\nfaults:"
)


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    write_scenario(tmp_path, text=STAGED)
    with doors_to(World(), tmp_path) as opened:
        yield opened


def fits_after(misses: int) -> Callable[..., bool]:
    left = iter([False] * misses)
    return lambda *_: next(left, True)


def test_a_stage_that_fits_is_set_once(doors: Doors) -> None:
    """What follows nothing always fits."""
    row = incident.start(doors, "slow", 1, QUIET)
    assert len(doors.journal.faults(row.id)) == 2


def test_a_stage_that_does_not_fit_is_set_anew(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The earlier one is undone first, the night begins on the last; restore undoes them all."""
    monkeypatch.setattr(faults, "fits", fits_after(1))
    row = incident.start(doors, "slow", 1, QUIET)
    broken, first, second = doors.journal.faults(row.id)
    assert broken.name == first.name == second.name == "drop_index"
    assert (first.injected_at or 0) < (second.injected_at or 0) <= (row.baseline_from or 0)
    assert faults.active(doors.stack, second.name, second.token)
    restore(doors, QUIET)
    assert not faults.active(doors.stack, second.name, second.token)


def test_without_a_stage_that_fits_nothing_is_broken(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that changes its pace all the time is told so, and everything is put back."""
    monkeypatch.setattr(faults, "fits", fits_after(evening.STAGINGS))
    with pytest.raises(Failed, match="changes too much"):
        incident.start(doors, "slow", 1, QUIET)
    assert not doors.journal.unhealed()


@pytest.mark.parametrize(
    ("uses", "fits"), [(0.1, True), (0.108, True), (0.092, True), (0.12, False), (0.08, False)]
)
def test_what_follows_the_use_fits_where_it_is_about_the_same(
    monkeypatch: pytest.MonkeyPatch, uses: float, fits: bool
) -> None:
    """1.2 times what is used stays that only while about as much is used."""
    monkeypatch.setattr("lab.faults.throttle_cpu._used", lambda *_: uses)
    params = ThrottleCpuParams(fault="throttle_cpu", service="api-1", times_used=1.2, drift=0.15)
    token = ThrottleCpuToken(service="api-1", left=round(0.12 * NANO), had={"one": NANO})
    stack: Stack = None  # type: ignore[assignment]  # only passed on
    assert ThrottleCpu().fits(stack, params, token) is fits


@pytest.mark.parametrize("asked", [{"cpus": 0.05}, {"times_used": 2.1}])
def test_what_asks_for_no_more_always_fits(asked: dict[str, float]) -> None:
    """Who asks for cores gets cores; where a night has room, it is not set anew for a drift."""
    params = ThrottleCpuParams.model_validate(
        {"fault": "throttle_cpu", "service": "api-1", **asked}
    )
    token = ThrottleCpuToken(service="api-1", left=NANO // 20, had={"one": NANO})
    stack: Stack = None  # type: ignore[assignment]  # is not asked
    assert ThrottleCpu().fits(stack, params, token)


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


def test_no_start_waits_longer_than_a_minute_for_calm(doors: Doors) -> None:
    """It begins within half a minute and is seen to its end; or it is said that it does not."""
    world = doors.stack.world  # type: ignore[attr-defined]  # it is the made-up one
    scenario = doors.library.load("slow", 1)
    scenario = scenario.model_copy(
        update={"load": scenario.load.model_copy(update={"baseline_s": 30})}
    )
    for until in (None, 20.0, 40.0):
        begun = world.now
        broken = [(begun - 10, True)]
        world.changes[:] = broken if until is None else [*broken, (begun + until, False)]
        calm = evening._wait_for_calm(doors, scenario, QUIET)
        assert isinstance(calm, Span) is (until == 20.0)
        assert world.now - begun <= (60 if until == 20.0 else 35)
