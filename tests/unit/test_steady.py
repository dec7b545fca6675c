"""The gate: it opens when everything has held for a window, and says what keeps it shut."""

from __future__ import annotations

import pytest

from lab.doors import Doors
from lab.errors import Failed, Unknown
from lab.progress import QUIET
from lab.prometheus import PrometheusUnavailable
from lab.series import MAX_GAP, Condition, Span
from lab.steady import Look, prove_home, prove_up, refuse, wait_until
from tests.unit.world import World

FAST = Condition(signal="client:latency_seconds:p95", op="<=", value=0.5)


def wait(doors: Doors, *conditions: Condition, hold: float = 10, within: float = 30) -> object:
    return wait_until(
        doors, conditions, hold_s=hold, within_s=within, title="waiting", report=QUIET
    )


def test_a_whole_window_must_hold(doors: Doors, world: World) -> None:
    """It opens after the window, not at the first good value."""
    begun = world.now
    window = wait(doors, FAST)
    assert isinstance(window, Span)
    assert window.start >= begun
    assert window.seconds >= 10


def test_a_break_within_begins_the_window_anew(doors: Doors, world: World) -> None:
    """One bad stretch, and the whole window lies after it."""
    world.changes += [(world.now - 3, True), (world.now + 8, False)]
    window = wait(doors, FAST)
    assert isinstance(window, Span)
    assert window.start >= world.changes[1][0] + 2


def test_it_waits_no_longer_than_a_window_can_begin_in_time(doors: Doors, world: World) -> None:
    """Still broken at the deadline: a window would begin too late, and nobody need see its end. One
    that began just in time is seen to its end."""
    begun = world.now
    world.fixed[FAST.signal] = 2.0
    assert isinstance(wait(doors, FAST, hold=100, within=30), list)
    assert world.now - begun < 40
    world.fixed.clear()
    world.changes += [(world.now - 3, True), (world.now + 20, False)]
    assert isinstance(wait(doors, FAST, hold=100, within=30), Span)


def asleep(world: World, at: float, seconds: float) -> None:
    """Once, somebody closes the lid."""

    def close() -> None:
        if world.now >= at and not world.slept:
            world.sleep(seconds)

    world.on_pause = close


def test_a_machine_that_sleeps_uses_up_no_deadline(doors: Doors, world: World) -> None:
    """Mended 25 s after the call by a clock that stood for a minute in between: in time."""
    begun = world.now
    asleep(world, begun + 10, 60)
    world.changes += [(begun - 8, True), (begun + 85, False)]
    window = wait(doors, FAST)
    assert isinstance(window, Span)
    assert window.start > begun + 85


def test_no_window_reaches_over_a_sleep(doors: Doors, world: World) -> None:
    """Nothing was measured then: neither that it held nor that it broke. Another one begins."""
    begun = world.now
    asleep(world, begun + 8, 60)
    window = wait(doors, FAST)
    assert isinstance(window, Span)
    assert window.start > world.slept[0].end - MAX_GAP
    assert window.seconds < 14


def test_a_sleep_before_the_end_is_nobodys_failure(doors: Doors, world: World) -> None:
    """With no time for another window it was not measured, and not broken."""
    asleep(world, world.now + 8, 60)
    looks = wait(doors, FAST, within=0)
    assert isinstance(looks, list)
    assert looks[0].held is None
    with pytest.raises(Unknown, match="not measured"):
        refuse(looks, "not well")


def test_it_gives_up_with_the_last_thing_it_saw(doors: Doors, world: World) -> None:
    """Never a silent time-out: the condition, its value and what was wanted."""
    world.fixed[FAST.signal] = 2.0
    looks = wait(doors, FAST)
    assert isinstance(looks, list)
    assert str(looks[0]) == "client:latency_seconds:p95 is 2, wanted <= 0.5"


def test_a_short_break_is_named_after_it_is_over() -> None:
    """The last value alone would contradict the refusal."""
    short = Look(FAST, held=False, worst=0.8, last=0.1)
    assert "is 0.1 (and was 0.8 within the window)" in str(short)


def test_what_is_not_measured_keeps_it_shut(doors: Doors) -> None:
    """No data is not well."""
    looks = wait(doors, Condition(signal="no:such:signal", op="<=", value=1))
    assert isinstance(looks, list)
    assert looks[0].held is None


def test_the_worst_series_speaks_for_a_split_signal(doors: Doors) -> None:
    """`where` narrows it; a label that no series has means that nothing is measured."""
    up = Condition(signal="nginx:upstream_up", op=">=", value=1)
    assert isinstance(wait(doors, up), Span)
    assert isinstance(wait(doors, up.model_copy(update={"where": {"upstream": "x"}})), list)


def test_a_silent_prometheus_is_an_error_of_its_own(doors: Doors, world: World) -> None:
    """It is waited for, and then it is unknown."""
    world.blind = True
    with pytest.raises(PrometheusUnavailable):
        wait(doors, FAST)


def test_a_prometheus_that_comes_back_in_time_is_forgiven(doors: Doors, world: World) -> None:
    """It may be restarting."""
    world.blind = True
    back = world.now + 10

    def look() -> None:
        world.blind = world.now < back

    world.on_pause = look
    assert isinstance(wait(doors, FAST), Span)


def test_broken_and_unmeasured_are_told_apart() -> None:
    """Failed when something is known to be wrong, unknown when nothing could be seen."""
    bad = Look(FAST, held=False, worst=3.0, last=3.0)
    blind = Look(FAST, held=None, worst=None, last=None)
    with pytest.raises(Failed):
        refuse([bad, blind], "not well")
    with pytest.raises(Unknown, match="not measured"):
        refuse([blind], "not well")


def test_an_idle_stack_is_proven_without_customers(doors: Doors, world: World) -> None:
    """`lab up` sends nobody in."""
    prove_up(doors, QUIET)
    assert world.runs == 0


def test_a_stack_is_home_when_it_serves_customers_well(doors: Doors, world: World) -> None:
    """A few are let in, and sent away afterwards."""
    prove_home(doors, QUIET)
    assert world.runs == 1
    assert not world.load.running


def test_the_customers_leave_also_when_it_is_not_home(doors: Doors, world: World) -> None:
    """A failed proof leaves no load behind."""
    world.fixed[FAST.signal] = 2.0
    with pytest.raises(Failed, match="p95 is 2"):
        prove_home(doors, QUIET)
    assert not world.load.running


@pytest.mark.parametrize("shrinks", [True, False], ids=["worked off", "stuck"])
def test_a_backlog_is_waited_for_as_long_as_it_shrinks(
    doors: Doors,
    world: World,
    shrinks: bool,
) -> None:
    """A long night leaves a long queue: the proof begins when it is gone, or does not move."""
    begun = world.now

    def depth(at: float) -> float:
        return max(0.0, 3000 - 10 * (at - begun)) if shrinks else 3000.0

    world.backlog = depth
    if shrinks:
        prove_home(doors, QUIET)
        assert world.now - begun > 295
    else:
        with pytest.raises(Failed, match="queue:depth is 3e"):
            prove_home(doors, QUIET)
        assert world.now - begun < 150
