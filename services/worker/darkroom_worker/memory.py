"""The memory that the pictures in hand share: small ones side by side, the largest one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Memory:
    """`size` bytes to be taken by threads, in the order in which they come."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._changed = threading.Condition()
        #: Held by the one that waits: a large picture is not overtaken by small ones for ever.
        self._first = threading.Lock()

    @contextmanager
    def taken(self, need: int) -> Iterator[None]:
        """`need` bytes for the block, waited for; what needs more than there is gets all of it."""
        need = min(need, self._size)
        with self._first, self._changed:
            self._changed.wait_for(lambda: self._left >= need)
            self._left -= need
        try:
            yield
        finally:
            with self._changed:
                self._left += need
                self._changed.notify_all()
