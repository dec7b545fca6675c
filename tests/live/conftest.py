"""An operator on the tests' own stack, who finds it at home and leaves it at home."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.stack import Stack
from tests.live.operator import Operator


@pytest.fixture
def operator(stack: Stack) -> Iterator[Operator]:
    somebody = Operator(stack.home)
    found = somebody.type("restore")
    assert found.code == 0, found.err
    yield somebody
    left = somebody.type("restore")
    assert left.code == 0, left.err
