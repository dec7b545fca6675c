"""The scenarios are told apart by telemetry alone: real nights on which nobody acted.

Each is a `nobody acts` of `lab verify SLUG --seed N`, with the scenario of that night. What is held
against it here are the promises of the scenarios as they are shipped today.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from lab.history import Outcome
from lab.library import Library
from lab.proof.confusion import confusion, promised
from lab.proof.kept import nights_in
from lab.proof.rows import NOBODY, Night
from tests.unit.histories import vocabulary

DATA = Path(__file__).with_name("data")
SHIPPED = Library()


@cache
def nights() -> dict[str, Night]:
    """By name: one of each scenario, and where a seed changes what is seen one of each kind."""
    found = [*nights_in(DATA, only=[NOBODY]), *nights_in(DATA / "nights", only=[NOBODY])]
    return {night.name: night for night in found}


@pytest.mark.parametrize("slug", SHIPPED.slugs())
@pytest.mark.parametrize("name", sorted(nights()))
def test_a_night_shows_what_its_scenario_promises_and_no_other(name: str, slug: str) -> None:
    """All symptoms by their deadlines, and what tells it from its look-alikes calm: on its own
    night in the way that its seed has picked, on another's in none."""
    history = nights()[name].runs[NOBODY]
    kept = {promised(way, history)[0] for way in SHIPPED.ways(slug)}
    assert (Outcome.PASS in kept) == (nights()[name].scenario.slug == slug)


def test_none_is_taken_for_another() -> None:
    """The truth of one is wrong on the night of another, and so is the diagnosis."""
    rows = confusion(list(nights().values()), vocabulary())
    assert len(rows) > len(nights())
    assert [row for row in rows if row.result != "as promised"] == []
