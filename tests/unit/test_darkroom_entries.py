"""A cached answer: what redis keeps of it, and when it is loaded again."""

from __future__ import annotations

import math
import random

import pytest
from darkroom.entries import Entry

BODY = b'{"title":"two\\nlines"}'


def test_an_entry_reads_back_as_it_was_written() -> None:
    """Body, end of freshness and the load's time survive, whatever the body holds."""
    entry = Entry(BODY, 1_795_178_777.125, 0.25)
    assert Entry.decode(entry.encode()) == entry


def test_bare_json_is_fresh_for_as_long_as_it_is_there() -> None:
    """An entry without its own end has its key's."""
    entry = Entry.decode(BODY)
    assert entry is not None
    assert entry.body == BODY
    assert entry.fresh(1e12)
    assert not entry.due(1e12, 1e-9)


@pytest.mark.parametrize("raw", [b"", b"x", b"1 2", b"1 2 3\n{}", b"soon 1\n{}"])
def test_what_is_no_entry_is_a_miss(raw: bytes) -> None:
    """Whatever somebody has put there, readers go on without it."""
    assert Entry.decode(raw) is None


def early_readers(load_seconds: float, seconds_left: float, readers: int = 20_000) -> float:
    """The share of readers who load an entry again that is fresh for `seconds_left` more."""
    chance = random.Random(7)
    entry = Entry(BODY, 100.0, load_seconds)
    now = 100.0 - seconds_left
    return sum(entry.due(now, 1.0 - chance.random()) for _ in range(readers)) / readers


@pytest.mark.parametrize(("load_seconds", "seconds_left"), [(0.1, 0.1), (0.1, 0.3), (2.0, 1.0)])
def test_the_nearer_the_end_and_the_dearer_the_load_the_earlier(
    load_seconds: float, seconds_left: float
) -> None:
    """The share of early readers is exp(-left / load), as XFetch has it."""
    expected = math.exp(-seconds_left / load_seconds)
    assert early_readers(load_seconds, seconds_left) == pytest.approx(expected, rel=0.1)


def test_nobody_is_early_for_what_costs_nothing_and_everybody_when_it_is_over() -> None:
    """Cheap objects are left alone until they expire; an expired one is due for all."""
    assert early_readers(0.0, 0.001) == 0
    assert early_readers(0.1, -0.001) == 1
