"""The primary database for threads: asyncpg, whose every wait can end, behind blocking calls.

libpq cannot give up on a server that is paused in the middle of a statement; asyncpg can. One
event loop in a thread of its own serves all the worker's threads.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from concurrent.futures import Future

import asyncpg
import structlog

from darkroom_worker import metrics
from darkroom_worker.config import Config
from darkroom_worker.tracing import CLIENT, span

log = structlog.get_logger("worker.db")

_TROUBLE = (
    TimeoutError,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
)
_RELEASE_TIMEOUT = 1.0
_CONNECT_TIMEOUT = 2.0
#: The server gives up a little earlier than we do, which keeps the connection usable.
_SERVER_HEAD_START = 0.5
#: Tries per statement; with all of them used up, a run of the task still takes less than the
#: broker's visibility time-out.
_TRIES = 2


async def _as_it_is(_: asyncpg.Connection) -> None:
    """Sessions here set nothing, so giving one back takes none of asyncpg's four statements."""


class DatabaseTrouble(Exception):
    """The primary is dead, mute, full, stopping or locked: worth another try later."""


class Query:
    """A statement with a name, which leads its text (pg_stat_statements, logs) and its metrics."""

    __slots__ = ("name", "text")

    def __init__(self, name: str, sql: str) -> None:
        self.name = name
        self.text = f"/* {name} */ {' '.join(sql.split())}"


class Database:
    """A small pool on the primary."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="db", daemon=True)
        self._pool: asyncpg.Pool | None = None

    def open(self) -> None:
        """Makes the pool without connecting: a dead server does not stop the worker's start."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def close(self) -> None:
        """Drops every connection at once."""
        if self._pool is not None:
            self._loop.call_soon_threadsafe(self._pool.terminate)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=2)

    def rows(self, query: Query, *args: object) -> list[asyncpg.Record]:
        """All rows of one statement in a transaction of its own; raises DatabaseTrouble.

        Tried again on trouble, so `query` must be harmless to repeat.
        """
        for _ in range(_TRIES - 1):
            try:
                return self._once(query, *args)
            except DatabaseTrouble:
                time.sleep(random.uniform(0.1, 0.5))
        return self._once(query, *args)

    def row(self, query: Query, *args: object) -> asyncpg.Record | None:
        """The first row of one statement, or None."""
        rows = self.rows(query, *args)
        return rows[0] if rows else None

    def _once(self, query: Query, *args: object) -> list[asyncpg.Record]:
        with span(
            f"query {query.name}",
            CLIENT,
            db__system__name="postgresql",
            db__query__summary=query.name,
            server__address="postgres-primary",
        ):
            future: Future[list[asyncpg.Record]] = asyncio.run_coroutine_threadsafe(
                self._run(query, *args), self._loop
            )
            try:
                return future.result()
            except _TROUBLE as error:
                text = f"{query.name}: {type(error).__name__}: {error}".rstrip(": ")
                raise DatabaseTrouble(text) from error

    async def _open(self) -> None:
        config = self._config
        statement = max(config.db_command_timeout - _SERVER_HEAD_START, 0.1)
        self._pool = await asyncpg.create_pool(
            host=config.primary_host,
            user="darkroom",
            password=config.postgres_password,
            database="darkroom",
            min_size=0,
            # One for the sweep.
            max_size=config.concurrency + 1,
            timeout=_CONNECT_TIMEOUT,
            reset=_as_it_is,
            command_timeout=config.db_command_timeout,
            server_settings={
                "application_name": "worker",
                "statement_timeout": str(int(statement * 1000)),
                "jit": "off",
            },
        )

    async def _run(self, query: Query, *args: object) -> list[asyncpg.Record]:
        assert self._pool is not None, "opened when the worker starts"
        connection = await self._pool.acquire(timeout=self._config.pool_acquire_timeout)
        started = time.monotonic()
        try:
            return await connection.fetch(query.text, *args)
        except asyncpg.InterfaceError as error:
            # asyncpg says so both for wrong use and for a connection that closed meanwhile.
            if not connection.is_closed():
                raise
            raise ConnectionResetError(str(error)) from error
        finally:
            metrics.db_query_duration.labels("primary", query.name).observe(
                time.monotonic() - started
            )
            try:
                await self._pool.release(connection, timeout=_RELEASE_TIMEOUT)
            except (*_TROUBLE, asyncpg.InterfaceError) as error:
                # asyncpg has terminated it already; the pool opens another when asked.
                log.info("connection thrown away", error=repr(error))
