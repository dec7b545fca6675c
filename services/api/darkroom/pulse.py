"""Whether a database answers, asked once at a time.

A question that is not answered in time is left standing and not asked again: to take it back costs
the server a connection, and one that has too much to do would lose more by that than by its work.
"""

from __future__ import annotations

import asyncio
import time

from darkroom.db import Database, Query

PING = Query("ready", "SELECT 1")


class Pulse:
    """One pool's health: `beats` says whether a connection is to be had and answers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: asyncio.Task[None] | None = None
        self._since = 0.0

    async def beats(self, limit: float) -> None:
        """Returns when the question is answered `limit` seconds after it was asked, or sooner.

        Raises DatabaseTrouble, and TimeoutError where the answer is overdue.
        """
        if self._asked is None or self._asked.done():
            self._since = time.monotonic()
            self._asked = asyncio.create_task(self._ask())
            # Seen, also where nobody waits for it any more.
            self._asked.add_done_callback(lambda task: task.cancelled() or task.exception())
        async with asyncio.timeout(self._since + limit - time.monotonic()):
            await asyncio.shield(self._asked)

    async def _ask(self) -> None:
        async with self._database.connection() as connection:
            await connection.rows(PING)
