"""One of its services: so many at once, each for so long, and a queue of those who wait."""

from __future__ import annotations

import asyncio


class Busy(Exception):
    """The call waited for its turn for as long as calls may, and did not get one."""


class Desk:
    """Serves `at_once` calls at a time, each in `seconds`; the others wait in order, for at most
    `patience` seconds.

    Like most servers it does not notice that whoever asked has gone: a call whose turn comes is
    carried out, and an answer that nobody waits for has cost as much as any other.
    """

    def __init__(self, *, seconds: float, at_once: int, patience: float) -> None:
        self._seconds = seconds
        self._patience = patience
        self._places = asyncio.Semaphore(at_once)

    async def serve(self) -> None:
        """Returns when a call has had its turn; raises Busy where none came in time."""
        try:
            await asyncio.wait_for(self._places.acquire(), self._patience)
        except TimeoutError:
            raise Busy from None
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self._places.release()
