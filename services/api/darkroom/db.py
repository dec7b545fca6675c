"""Postgres: named queries over bounded pools, with a time-out on every wait.

asyncpg has no deadlines of its own, and a dead peer would wedge a pool for good. Here each wait
ends: for a free connection, for opening one, for a statement, and for giving a connection back.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import asyncpg
import structlog

from darkroom import metrics
from darkroom.config import Config
from darkroom.tracing import CLIENT, span

log = structlog.get_logger("darkroom.db")

#: The server is dead, mute, full, starting, stopping or busy with somebody else's lock. Never a
#: mistake of ours: those (syntax, types, constraints) stay what they are and become a 500.
TROUBLE = (
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

_ENDED = (asyncpg.InterfaceError, asyncpg.InternalClientError)

#: Seconds to take a connection back; one that needs longer is thrown away.
_RELEASE_TIMEOUT = 1.0
_CONNECT_TIMEOUT = 2.0
#: The server gives up a little earlier than we do, which keeps the connection usable.
_SERVER_HEAD_START = 0.5


async def _as_it_is(_: asyncpg.Connection) -> None:
    """Sessions here set nothing, so giving one back takes none of asyncpg's four statements."""


class DatabaseTrouble(Exception):
    """`pool` could not answer; `reason` is pool_timeout, connection, timeout or server."""

    def __init__(self, pool: str, reason: str, error: BaseException) -> None:
        super().__init__(f"{type(error).__name__}: {error}".rstrip(": "))
        self.pool = pool
        self.reason = reason


class Query:
    """A statement with a name, which leads its text (pg_stat_statements, logs) and its metrics."""

    __slots__ = ("name", "text")

    def __init__(self, name: str, sql: str) -> None:
        self.name = name
        self.text = f"/* {name} */ {' '.join(sql.split())}"


class Connection:
    """A pooled connection in use."""

    def __init__(self, pool: str, raw: asyncpg.pool.PoolConnectionProxy) -> None:
        self._pool = pool
        self._raw = raw

    async def rows(
        self, query: Query, *args: object, timeout: float | None = None
    ) -> list[asyncpg.Record]:
        """All rows of `query`; raises DatabaseTrouble. `timeout` replaces the pool's own."""
        started = time.monotonic()
        try:
            with span(
                f"query {query.name}",
                CLIENT,
                db__system__name="postgresql",
                db__query__summary=query.name,
                server__address=f"postgres-{self._pool}",
            ):
                return await self._raw.fetch(query.text, *args, timeout=timeout)
        except TROUBLE as error:
            raise DatabaseTrouble(self._pool, _reason(error), error) from error
        except _ENDED as error:
            self._ended(error)
        finally:
            metrics.db_query_duration.labels(self._pool, query.name).observe(
                time.monotonic() - started
            )

    async def row(self, query: Query, *args: object) -> asyncpg.Record | None:
        """The first row of `query`, or None."""
        rows = await self.rows(query, *args)
        return rows[0] if rows else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Commits at the end of the block; raises DatabaseTrouble where that is in doubt."""
        try:
            with span("transaction", server__address=f"postgres-{self._pool}"):
                async with self._raw.transaction():
                    yield
        except TROUBLE as error:
            raise DatabaseTrouble(self._pool, _reason(error), error) from error
        except _ENDED as error:
            self._ended(error)

    def _ended(self, error: asyncpg.InterfaceError | asyncpg.InternalClientError) -> NoReturn:
        """Raises DatabaseTrouble where the session has ended, else the error itself."""
        # asyncpg says InterfaceError both for wrong use and for a connection that closed meanwhile,
        # and the other where the server has said good-bye and not hung up yet.
        if isinstance(error, asyncpg.InterfaceError) and not self._raw.is_closed():
            raise error
        self._raw.terminate()
        raise DatabaseTrouble(self._pool, "connection", error) from error


class Database:
    """One server's pool: `name` is "primary" or "replica", and its metrics' label."""

    def __init__(self, name: str, host: str, config: Config) -> None:
        self.name = name
        self._host = host
        self._config = config
        self._pool: asyncpg.Pool | None = None
        #: Seconds after which the server itself ends a statement.
        self.statement_timeout = max(config.db_command_timeout - _SERVER_HEAD_START, 0.1)
        self._waiting = metrics.db_pool_waiting.labels(name)
        self._timeouts = metrics.db_pool_timeouts.labels(name)

    async def open(self) -> None:
        """Makes the pool without connecting, so that a dead server does not stop the start."""
        config = self._config
        self._pool = await asyncpg.create_pool(
            host=self._host,
            user="darkroom",
            password=config.postgres_password,
            database="darkroom",
            min_size=0,
            max_size=config.pool_size,
            timeout=_CONNECT_TIMEOUT,
            reset=_as_it_is,
            command_timeout=config.db_command_timeout,
            server_settings={
                "application_name": config.replica_id,
                "statement_timeout": str(int(self.statement_timeout * 1000)),
                # Compiling costs more than any of these statements takes.
                "jit": "off",
            },
        )
        pool = self._pool
        metrics.db_pool_size.labels(self.name).set(config.pool_size)
        metrics.db_pool_in_use.labels(self.name).set_function(
            lambda: pool.get_size() - pool.get_idle_size()
        )

    async def close(self) -> None:
        """Drops every connection at once; requests have been answered by now."""
        if self._pool is not None:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self, timeout: float = math.inf) -> AsyncIterator[Connection]:
        """A connection for the block, waited for at most `timeout` seconds or as the pool says.

        Raises DatabaseTrouble.
        """
        assert self._pool is not None, "opened in the application's start"
        limit = min(timeout, self._config.pool_acquire_timeout)
        self._waiting.inc()
        try:
            with span("wait for a connection", server__address=f"postgres-{self.name}"):
                raw = await self._pool.acquire(timeout=limit)
        except TimeoutError as error:
            self._timeouts.inc()
            raise DatabaseTrouble(self.name, "pool_timeout", error) from error
        except TROUBLE as error:
            raise DatabaseTrouble(self.name, "connection", error) from error
        finally:
            self._waiting.dec()
        try:
            yield Connection(self.name, raw)
        finally:
            try:
                await self._pool.release(raw, timeout=_RELEASE_TIMEOUT)
            except (*TROUBLE, asyncpg.InterfaceError) as error:
                # asyncpg has terminated it already; the pool opens another when asked.
                log.info("connection thrown away", pool=self.name, error=repr(error))

    async def rows(self, query: Query, *args: object) -> list[asyncpg.Record]:
        """All rows of one statement on a connection of its own."""
        async with self.connection() as connection:
            return await connection.rows(query, *args)

    async def row(self, query: Query, *args: object) -> asyncpg.Record | None:
        """The first row of one statement, or None."""
        rows = await self.rows(query, *args)
        return rows[0] if rows else None


def _reason(error: BaseException) -> str:
    if isinstance(error, (TimeoutError, asyncpg.QueryCanceledError)):
        return "timeout"
    if isinstance(error, (OSError, asyncpg.PostgresConnectionError)):
        return "connection"
    return "server"


def as_dicts(rows: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    """Rows as they go into JSON."""
    return [dict(row) for row in rows]
