"""A night of which nothing shows is called off; one that was mended in time, or shows, is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import incident
from lab.doors import Doors
from lab.effect import watch
from lab.errors import BadInput
from lab.progress import QUIET
from lab.records import Row
from tests.unit.world import INDEX, World, doors_to, write_scenario

CALM = {"client:latency_seconds:p95": 0.02}


@dataclass
class Lived:
    """The incident after it was watched, for so many seconds, and whether it is still broken."""

    row: Row
    watched_s: float
    broken: bool


def lived(tmp_path: Path, happens: Callable[[Doors, World], object], **fixed: float) -> Lived:
    """A night that is watched; `fixed` are signals that do not follow what broke."""
    write_scenario(tmp_path)
    world = World()
    with doors_to(world, tmp_path) as doors:
        row = incident.start(doors, "slow", 1, QUIET)
        world.fixed |= fixed
        if fixed:
            world.rings = lambda _: False  # type: ignore[method-assign]
        happens(doors, world)
        begun = world.now
        watch(doors, row.id)
        row = doors.journal.incident(row.id)
        if row.invalid:
            with pytest.raises(BadInput, match="does not count: nothing came of"):
                incident.current(doors)
    return Lived(row, world.now - begun, world.broken)


def test_a_fault_of_which_nothing_shows_is_no_night(tmp_path: Path) -> None:
    """Once its last deadline has passed: it is invalid, closed, home, and whoever asks is told."""
    night = lived(tmp_path, lambda *_: None, **CALM)
    assert night.row.invalid
    assert night.row.closed_at is not None
    assert not night.broken
    assert night.watched_s < 60


def test_what_shows_is_left_alone_at_once(tmp_path: Path) -> None:
    """The watching ends with the first symptom; the night goes on."""
    night = lived(tmp_path, lambda *_: None)
    assert (night.row.invalid, night.row.phase) == (None, "live")
    assert night.watched_s < 20


def test_what_was_mended_before_it_shows_is_a_night(tmp_path: Path) -> None:
    """Somebody who knows the scenario may be quicker than its symptoms."""
    create = f"CREATE INDEX {INDEX} ON photos (user_id, created_at DESC, id DESC)"
    night = lived(tmp_path, lambda _, world: world.run(create), **CALM)
    assert (night.row.invalid, night.row.phase) == (None, "live")


def test_without_customers_nothing_can_show(tmp_path: Path) -> None:
    """Sending them away is no way out of a night."""
    night = lived(tmp_path, lambda doors, _: doors.load.stop(), **CALM)
    assert (night.row.invalid, night.row.phase) == (None, "live")


def test_what_cannot_be_seen_is_not_called_off(tmp_path: Path) -> None:
    """Without Prometheus nobody can tell."""

    def go_blind(_: Doors, world: World) -> None:
        world.blind = True

    night = lived(tmp_path, go_blind, **CALM)
    assert (night.row.invalid, night.row.phase) == (None, "live")
