"""Conditions over time: held, broken, unknown; and the worst of many series."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.series import MAX_GAP, Condition, Series, Span, Tolerance, worst


def series(*values: float, start: float = 100.0, **labels: str) -> Series:
    return Series(labels, [start + i for i in range(len(values))], values)


def above(value: float, *, for_s: float = 0.0) -> Condition:
    return Condition(signal="queue:depth", op=">", value=value, for_s=for_s)


def test_condition_is_written_as_in_a_scenario() -> None:
    """`for` is the word in files, and it reads back as it was written."""
    condition = Condition.model_validate(
        {"signal": "a:b", "op": ">", "value": 3, "for": 5, "where": {"service": "api-1"}}
    )
    assert str(condition) == 'a:b{service="api-1"} > 3 for 5 s'
    assert Condition.model_validate(condition.model_dump()) == condition


def test_since_is_the_start_of_the_first_span_that_lasts() -> None:
    """A blip shorter than `for` does not count; the span that lasts counts from its start."""
    assert above(1, for_s=2).since(series(0, 5, 0, 5, 5, 5, 0)) == 103.0
    assert above(1, for_s=3).since(series(0, 5, 0, 5, 5, 5, 0)) is None


def test_a_hole_breaks_a_span() -> None:
    """Points further apart than the longest gap do not belong together."""
    points = Series({}, [1, 2, 3 + MAX_GAP, 4 + MAX_GAP], [5, 5, 5, 5])
    assert above(1).spans(points) == [Span(1, 2), Span(3 + MAX_GAP, 4 + MAX_GAP)]


def test_missed_scrapes_do_not_break_a_span() -> None:
    """Two missed seconds are bridged."""
    assert above(1).spans(Series({}, [1, 2, 5, 6], [5, 5, 5, 5])) == [Span(1, 6)]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (series(5, 5, 5, 5, start=0), True),
        (series(5, 5, 0, 5, start=0), False),
        (Series({}, [], []), None),
        (Series({}, [0, 1], [5, 5]), True),
        (Series({}, [0, 9], [5, 5]), None),
        # One point against it decides, however little else was measured.
        (Series({}, [0, 9], [5, 0]), False),
    ],
)
def test_held_is_true_false_or_unknown(points: Series, expected: bool | None) -> None:
    """What was not measured is neither a pass nor a fail."""
    end = max(points.times, default=3.0)
    assert above(1).held(points, 0.0, end) is expected


def test_worst_is_the_furthest_the_bad_way() -> None:
    """Point by point: the highest for what must not rise, the lowest for what must not fall."""
    one, two = series(1, 5, 2, service="a", job="x"), series(3, 1, 4, service="b", job="x")
    assert list(worst([one, two], "up").values) == [3, 5, 4]
    assert list(worst([one, two], "down").values) == [1, 1, 2]
    assert worst([one, two], "up").labels == {"job": "x"}
    assert list(worst([], "up").values) == []


def test_worst_covers_every_time_that_any_series_has() -> None:
    """A series that comes or goes leaves no hole where another was measured."""
    merged = worst([series(1, 1, start=0), series(2, 2, start=1)], "up")
    assert list(merged.times) == [0, 1, 2]
    assert list(merged.values) == [1, 2, 2]


def test_tolerance_is_the_larger_of_ratio_and_floor() -> None:
    """Small values are kept from moving by the floor, large ones by the ratio."""
    tolerance = Tolerance(ratio=0.5, floor=10)
    assert tolerance.allowance(4) == 10
    assert tolerance.allowance(-100) == 50


def test_last_and_between() -> None:
    """The newest value counts only when it is new enough."""
    points = series(1, 2, 3, start=10)
    assert points.last() == 3
    assert points.last(not_before=13) is None
    assert list(points.between(11, 12).values) == [2, 3]


@given(st.lists(st.floats(0, 10), max_size=40), st.floats(0, 10), st.floats(0, 8))
def test_spans_are_met_disjoint_and_long_enough(
    values: list[float], bound: float, for_s: float
) -> None:
    """Whatever the values: spans ascend, last, and hold nothing that does not meet it."""
    points, condition = series(*values), above(bound, for_s=for_s)
    spans = condition.spans(points)
    assert all(a.end < b.start for a, b in pairwise(spans))
    for span in spans:
        assert span.seconds >= for_s
        assert condition.held(points, span.start, span.end) is True
