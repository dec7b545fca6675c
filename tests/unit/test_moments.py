"""When it began to hurt, when the pager rang, and since when it has been well again."""

from __future__ import annotations

import pytest

from lab.history import Promise
from lab.moments import Moments, budget_burnt, derive
from lab.series import Condition, Series

SLOW = Condition(signal="client:latency_seconds:p95", op="<=", value=0.5)
FAILING = Condition(signal="client:errors:ratio", op="<=", value=0.05)


def series(values: str, first: int = 100) -> Series:
    """One value a second: `.` is well, `X` is broken, a blank was not measured."""
    points = [(first + i, 9.0 if one == "X" else 0.0) for i, one in enumerate(values) if one != " "]
    return Series({}, [at for at, _ in points], [value for _, value in points])


@pytest.mark.parametrize(
    ("slow", "failing", "breached", "broken", "recovered"),
    [
        ("......", "......", None, None, None),
        ("..XX..", "......", 102, SLOW, 104),
        ("..XX..", ".XXXX.", 101, FAILING, 105),
        ("..XXXX", "......", 102, SLOW, None),
        ("..X..X..", "........", 102, SLOW, 106),
        ("..XX", ".X..    ", 101, FAILING, None),
        ("..XX....", ".X      ", 101, FAILING, None),
    ],
    ids=[
        "nothing happened",
        "one objective, and it came back",
        "the last one to come back counts",
        "still broken",
        "a relapse begins it anew",
        "broken at the end of what was measured",
        "silence is no recovery",
    ],
)
def test_breach_and_recovery(
    slow: str,
    failing: str,
    breached: float | None,
    broken: Condition | None,
    recovered: float | None,
) -> None:
    """The first breach of any objective; the moment since when all of them hold."""
    kept = [(SLOW, series(slow)), (FAILING, series(failing))]
    assert derive(kept, []) == Moments(breached, broken, None, recovered)


def test_the_page_is_the_first_ring() -> None:
    """Whether or not anything was breached."""
    assert derive([(SLOW, series("...."))], [140, 120, 130]).paged_at == 120


def test_the_budget_is_what_failed_of_what_may_fail() -> None:
    """Half of the requests failing for a minute: 30 s of outage, of 2592 s that a month allows."""
    errors = Series({}, list(range(60)), [0.5] * 60)
    assert budget_burnt(errors, Promise()) == pytest.approx(30 / 2592)
