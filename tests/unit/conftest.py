"""A made-up stack and its doors, for tests that ask nothing else of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import injection
from lab.doors import Doors
from tests.unit.world import World, doors_to, write_scenario


@pytest.fixture(autouse=True)
def _nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """An incident starts no process of its own, which would not know that its stack is made up."""
    monkeypatch.setattr(injection, "_spawn", lambda *_: None)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def doors(world: World, tmp_path: Path) -> Iterator[Doors]:
    """With one scenario to live, `slow`."""
    write_scenario(tmp_path)
    with doors_to(world, tmp_path) as opened:
        yield opened


_INPUTS: Counter[str] = Counter()


@pytest.fixture
def inputs() -> Counter[str]:
    """How many bad inputs were tried, by where they are from. A test counts what came out well."""
    return _INPUTS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many of them there were."""
    if _INPUTS:
        failed = sum(
            "test_corpus" in one.nodeid for one in terminalreporter.stats.get("failed", ())
        )
        told = ", ".join(f"{count} {source}" for source, count in sorted(_INPUTS.items()))
        terminalreporter.write_line(
            f"bad inputs: {told}; {failed or 'none'} ended otherwise than a bad input may"
        )
