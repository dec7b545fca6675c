"""An operator on the tests' own stack, who finds it at home and leaves it at home."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.stack import Stack
from tests.live.operator import Operator


@pytest.fixture(scope="session")
def at_home(stack: Stack) -> None:
    """Whatever an earlier run of the tests left, if they keep their stack."""
    found = Operator(stack.home).type("restore")
    assert found.code == 0, found.err


@pytest.fixture
def operator(stack: Stack, at_home: None) -> Iterator[Operator]:  # noqa: ARG001
    somebody = Operator(stack.home)
    yield somebody
    left = somebody.type("restore")
    assert left.code == 0, left.err
