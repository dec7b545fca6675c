"""One of its services: so many at once, each for so long, and a queue of those who wait."""

from __future__ import annotations

import asyncio


class Busy(Exception):
    """More wait already than the plan allows."""


class Desk:
    """Serves `at_once` calls at a time, each in `seconds`; at most `waiting` more wait, in order.

    Like most servers it does not notice that whoever asked has gone: a call that was accepted is
    carried out, and an answer that nobody waits for has cost as much as any other.
    """

    def __init__(self, *, seconds: float, at_once: int, waiting: int) -> None:
        self._seconds = seconds
        self._places = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0

    async def serve(self) -> None:
        """Returns when a call has had its turn; raises Busy at once where too many wait."""
        if self._inside >= self._most:
            raise Busy
        self._inside += 1
        try:
            async with self._places:
                await asyncio.sleep(self._seconds)
        finally:
            self._inside -= 1
