"""How busy the machine was: from made-up counters of the kernel, and from none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lab.host.pressure import Look, Watch, summed, watching


def look(at: float, **of: float | None) -> Look:
    known: dict[str, object] = {"waited": 0.0, "stolen": 0, "ticks": 0, "runnable": 0, "late": 0.0}
    return Look(at=at, **{**known, **of})  # type: ignore[arg-type]  # made up


def test_shares_are_of_the_time_between_first_and_last() -> None:
    """Three of ten seconds somebody waited; a twentieth of the ticks went to other guests."""
    looks = [
        look(100, waited=50.0, stolen=10, ticks=1000, runnable=1),
        look(105, waited=51.0, stolen=20, ticks=2000, runnable=4, late=0.2),
        look(110, waited=53.0, stolen=110, ticks=3000, runnable=1),
    ]
    pressure = summed(looks)
    assert pressure.waited == pytest.approx(0.3)
    assert pressure.stolen == pytest.approx(0.05)
    assert pressure.runnable == pytest.approx(2)
    assert (pressure.late, pressure.lost) == (0.2, 0.0)
    assert str(pressure) == "waited for a core 30%, stolen 5%, 2.0 runnable, late by 0.20 s"


def test_a_stretch_in_which_nothing_ran_is_lost() -> None:
    """A suspended machine loses seconds; it is not merely late."""
    pressure = summed([look(0), look(15, late=15.0), look(16, late=0.1)])
    assert (pressure.late, pressure.lost) == (15.0, 15.0)
    assert "lost 15 s" in str(pressure)


def test_late_is_what_one_look_in_twenty_was(tmp_path: Path) -> None:
    """One that came late by chance is not the machine; a stretch of a moment tells nothing."""
    watch = Watch(tmp_path)
    watch._looks = [look(at, late=0.4 if at % 25 == 0 else 0.01) for at in range(100)]
    assert watch.late(0, 99) == 0.01
    watch._looks = [look(at, late=0.4 if at % 10 == 0 else 0.01) for at in range(100)]
    assert watch.late(0, 99) == 0.4
    assert watch.late(90, 99) is None


def test_a_kernel_that_does_not_tell_is_no_quiet_one(tmp_path: Path) -> None:
    """Without its files nothing is claimed; the lab's own lateness is still known."""
    watch = Watch(tmp_path)
    watch.start()
    time.sleep(0.6)
    watch.stop()
    pressure = watch.between(0, time.time())
    assert (pressure.waited, pressure.stolen, pressure.runnable) == (None, None, None)
    assert pressure.late >= 0


def test_this_machine_can_be_watched() -> None:
    """A watch ends with its block, and knows about it."""
    begun = time.time()
    with watching() as watch:
        time.sleep(0.6)
    assert watch.between(begun, time.time()).lost >= 0
