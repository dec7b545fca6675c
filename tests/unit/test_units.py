"""Numbers as people read them."""

from __future__ import annotations

import pytest

from lab.units import measure


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0213, "s", "21 ms"), (0.5, "ratio", "50 %"), (2_100_000, "rows/s", "2.1 M rows/s")],
)
def test_a_number_has_its_unit_and_few_digits(value: float, unit: str, text: str) -> None:
    """A value is shortened to what a person takes in at a glance, with its unit."""
    assert measure(value, unit) == text


@pytest.mark.parametrize("unit", ["1/s", "count", "rows/s"])
def test_the_dust_of_arithmetic_reads_as_zero(unit: str) -> None:
    """1.11e-16 per second is what is left of subtracting two rates, and means nothing."""
    assert measure(1.11e-16, unit) == measure(0, unit)
