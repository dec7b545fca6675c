"""Cache-aside in redis-cache, which may be slow, dead or empty at any time.

An object's variants (pages, the owner's view) are fields of one hash, so that one DEL forgets all
of them. Entries live at most the TTL. A reader that loads an old row while its author writes can
put it back after the author's DEL: others then see it for one TTL at most, the author never,
because a marker sends the author's own reads of what they touched to the primary. (Markers live
here too: with the cache away, a replica that lags can show an author the time before.)
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from darkroom import metrics
from darkroom.config import Config

log = structlog.get_logger("darkroom.cache")

#: A cache that is slower than this (seconds) is no help; the wait is counted as an error.
_TIMEOUT = 0.5
_CONNECTIONS = 30
#: After this many failures in a row the cache is left alone, but for one request now and then
#: that looks whether it is back: not every request shall pay the time-out.
_PATIENCE = 3
_QUIET_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Cached:
    """Something cached: `kind` is its metrics' label, `id` tells one from another."""

    kind: str
    id: int

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the cache said: `body` (None on a miss), and whether the reader wrote it just now."""

    body: bytes | None
    own_write: bool


_NOTHING = Lookup(None, own_write=False)


class Cache:
    """The cache as the routes use it. No method raises: without a cache there are only misses."""

    def __init__(self, config: Config) -> None:
        self._ttl = config.cache_ttl
        self._own_write_ttl = config.read_your_writes_seconds
        self._enabled = config.cache_enabled
        self._failures = 0
        self._quiet_until = 0.0
        self._redis = Redis(
            connection_pool=BlockingConnectionPool(
                host=config.cache_host,
                password=config.cache_password,
                max_connections=_CONNECTIONS,
                timeout=_TIMEOUT,
                socket_timeout=_TIMEOUT,
                socket_connect_timeout=_TIMEOUT,
                retry=Retry(NoBackoff(), 0),
                client_name=config.replica_id,
            )
        )

    async def close(self) -> None:
        await self._redis.aclose()

    async def ping(self) -> None:
        """Raises RedisError or OSError when the cache does not answer."""
        await self._redis.ping()

    async def get(self, cached: Cached, field: str, reader: int | None) -> Lookup:
        """The variant `field` of `cached`, as the user `reader` (None: nobody) may see it now."""
        if not self._enabled:
            return _NOTHING
        if self._resting():
            metrics.cache_requests.labels(cached.kind, "error").inc()
            return _NOTHING
        try:
            # Without a pipeline's MULTI: two independent reads, one round trip.
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hget(cached.key, field)
                if reader is not None:
                    pipe.exists(_marker(reader, cached))
                body, *marked = await pipe.execute()
        except (RedisError, OSError) as error:
            self._failed(error)
            metrics.cache_requests.labels(cached.kind, "error").inc()
            return _NOTHING
        self._failures = 0
        if marked and marked[0]:
            return Lookup(None, own_write=True)
        metrics.cache_requests.labels(cached.kind, "hit" if body is not None else "miss").inc()
        return Lookup(body, own_write=False)

    async def put(self, cached: Cached, field: str, body: bytes) -> None:
        """Keeps `body` until the object's TTL ends; a new variant does not prolong older ones."""
        if not self._enabled or self._resting():
            return
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(cached.key, field, body)
                pipe.expire(cached.key, self._ttl, nx=True)
                await pipe.execute()
        except (RedisError, OSError) as error:
            self._failed(error)

    async def wrote(self, author: int, *touched: Cached) -> None:
        """Forgets what a write has touched, and sends its author's reads of it to the primary."""
        if not self._enabled or self._resting():
            return
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                for cached in touched:
                    pipe.set(_marker(author, cached), b"1", ex=self._own_write_ttl)
                pipe.delete(*(cached.key for cached in touched))
                await pipe.execute()
        except (RedisError, OSError) as error:
            self._failed(error)

    def _resting(self) -> bool:
        now = time.monotonic()
        if self._failures < _PATIENCE:
            return False
        if now < self._quiet_until:
            return True
        self._quiet_until = now + _QUIET_SECONDS
        return False

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._quiet_until = time.monotonic() + _QUIET_SECONDS
        if self._failures == _PATIENCE:
            log.warning("cache left alone", error=repr(error))


def _marker(author: int, cached: Cached) -> str:
    return f"wrote:{author}:{cached.key}"
