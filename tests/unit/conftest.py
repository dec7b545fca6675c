"""A made-up stack and its doors, for tests that ask nothing else of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.doors import Doors
from tests.unit.world import World, doors_to


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def doors(world: World, tmp_path: Path) -> Iterator[Doors]:
    with doors_to(world, tmp_path) as opened:
        yield opened
