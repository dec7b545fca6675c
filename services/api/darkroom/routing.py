"""Which server answers a read.

The replica does, unless the reader has just written what they read: then the primary, where it is
visible. A replica that fails or does not answer is asked once; the primary then stands in, once.
That is how a replica's trouble becomes the primary's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import asyncpg
import structlog

from darkroom import metrics
from darkroom.db import Database, DatabaseTrouble, Query

log = structlog.get_logger("darkroom.routing")


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and the server that they are from."""

    rows: list[asyncpg.Record]
    server: str


class Reads:
    """The read side of both pools. `budget`: seconds that a client waits for a read in all.

    A statement is begun only if the server itself would end it within the budget. One that is ended
    from here costs the server another connection, and a server with too much to do loses both.
    """

    def __init__(self, primary: Database, replica: Database, *, budget: float) -> None:
        self._primary = primary
        self._replica = replica
        self._budget = budget

    async def rows(self, query: Query, *args: object, own_write: bool = False) -> Answer:
        """All rows of `query`; `own_write` asks the primary. Raises DatabaseTrouble."""
        if own_write:
            return await self._ask(self._primary, "own_write", self._budget, query, *args)
        started = time.monotonic()
        try:
            return await self._ask(self._replica, "default", self._budget, query, *args)
        except DatabaseTrouble as trouble:
            left = self._budget - (time.monotonic() - started)
            if left <= self._primary.statement_timeout:
                raise
            log.info("read falls back", query=query.name, reason=trouble.reason, why=str(trouble))
            return await self._ask(self._primary, "fallback", left, query, *args)

    @staticmethod
    async def _ask(
        server: Database, reason: str, budget: float, query: Query, *args: object
    ) -> Answer:
        metrics.db_reads.labels(server.name, reason).inc()
        started = time.monotonic()
        async with server.connection(budget - server.statement_timeout) as connection:
            left = budget - (time.monotonic() - started)
            return Answer(await connection.rows(query, *args, timeout=left), server.name)
