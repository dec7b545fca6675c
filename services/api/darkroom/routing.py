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

#: A second try with less time left than this (seconds) would only be work without a reader.
_LEAST_BUDGET = 0.25


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and the server that they are from."""

    rows: list[asyncpg.Record]
    server: str


class Reads:
    """The read side of both pools. `budget`: seconds that a client waits for a read in all."""

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
            if left < _LEAST_BUDGET:
                raise
            log.info("read falls back", query=query.name, reason=trouble.reason, why=str(trouble))
            return await self._ask(self._primary, "fallback", left, query, *args)

    @staticmethod
    async def _ask(
        server: Database, reason: str, budget: float, query: Query, *args: object
    ) -> Answer:
        metrics.db_reads.labels(server.name, reason).inc()
        started = time.monotonic()
        async with server.connection() as connection:
            left = max(budget - (time.monotonic() - started), _LEAST_BUDGET)
            return Answer(await connection.rows(query, *args, timeout=left), server.name)
