"""Where a broken objective goes: towards its bound, away from it, or nowhere."""

from __future__ import annotations

import random

import pytest

from lab.series import Condition, Series
from lab.trend import trend

AGE = Condition(signal="queue:oldest_age_seconds", op="<=", value=10)
READY = Condition(signal="api:ready:count", op=">=", value=3)
END = 1000.0


def going(values: list[float]) -> Series:
    """One value a second, the last one at `END`."""
    return Series({}, [END - len(values) + 1 + n for n in range(len(values))], values)


def test_a_backlog_that_drains_says_how_fast_and_when() -> None:
    """The slope of its own signal leads to its bound."""
    found = trend(AGE, going([60.0 - n for n in range(21)]), END, "s")
    assert found is not None
    assert found.within_s == pytest.approx(30)
    assert found.text == "40 s, falling by 1 s a second: kept in about 30 s"


def test_what_jumps_a_little_on_its_way_is_on_its_way_all_the_same() -> None:
    """The first of a queue is another one each moment."""
    dice = random.Random(1)
    found = trend(AGE, going([60 - n + dice.uniform(-2, 2) for n in range(21)]), END, "s")
    assert found is not None
    assert found.within_s == pytest.approx(30, rel=0.3)


def test_what_gets_worse_and_what_stays_is_said_to() -> None:
    """Neither is promised an end."""
    worse = trend(AGE, going([20.0 + n for n in range(21)]), END, "s")
    still = trend(AGE, going([40.0] * 21), END, "s")
    noisy = trend(AGE, going([40.0, 60.0, 20.0] * 7), END, "s")
    assert worse is not None
    assert (worse.text, worse.within_s) == ("40 s, rising by 1 s a second", None)
    assert still is not None
    assert (still.text, still.within_s) == ("40 s, not falling", None)
    assert noisy is not None
    assert noisy.text.endswith("not falling")


def test_a_bound_from_below_is_reached_by_rising() -> None:
    """Towards it is up."""
    found = trend(READY, going([n / 20 for n in range(21)]), END, "count")
    assert found is not None
    assert found.within_s == pytest.approx(40)
    assert "rising by 0.05 a second" in found.text


def test_a_queue_drains_although_its_first_is_stuck() -> None:
    """Then how many are left tells when."""
    stuck = going([20.0 + n for n in range(21)])
    fewer = going([700 - 5.6 * n for n in range(21)])
    found = trend(AGE, stuck, END, "s", fewer)
    assert found is not None
    assert found.text == "588 left, 5.6 a second: kept in about 110 s"


def test_what_is_kept_now_is_on_no_way() -> None:
    """Nor is anything that was not measured for long enough to tell."""
    assert trend(AGE, going([9.0] * 21), END, "s") is None
    assert trend(AGE, going([40.0] * 4), END, "s") is None
    assert trend(AGE, going([]), END, "s") is None


def test_a_way_of_hours_is_none() -> None:
    """What some seconds tell is no word about the morning."""
    found = trend(AGE, going([9000 - 12.0 * n for n in range(21)]), END, "s")
    assert found is not None
    assert found.within_s is not None
    far = trend(AGE, going([90000 - 100.0 * n for n in range(21)]), END, "s")
    slow = trend(AGE, going([90000 - 20.0 * n for n in range(21)]), END, "s")
    assert far is not None
    assert far.within_s is not None
    assert slow is not None
    assert slow.within_s is None
