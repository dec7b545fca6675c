"""Cache-aside in redis-cache, which may be slow, dead or empty at any time.

An object's variants (pages, the owner's view) are fields of one hash, so that one DEL forgets all
of them. Entries live at most the TTL. A reader that loads an old row while its author writes can
put it back after the author's DEL: others then see it for one TTL at most, the author never,
because a marker sends the author's own reads of what they touched to the primary. (Markers live
here too: with the cache away, a replica that lags can show an author the time before.)

With the flag serve_stale or early_refresh a field outlasts its hash's first TTL: then each expires
by itself, and its first line says until when it is fresh (darkroom/entries.py). Entries of either
kind are read whatever the flags are now.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from uuid import uuid4

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from darkroom import metrics
from darkroom.config import Config
from darkroom.entries import Entry
from darkroom.flags import EARLY_REFRESH, SERVE_STALE, TTL_JITTER, Flags

log = structlog.get_logger("darkroom.cache")

#: A cache that is slower than this (seconds) is no help; the wait is counted as an error.
_TIMEOUT = 0.5
_CONNECTIONS = 30
#: After this many failures in a row the cache is left alone, but for one request now and then
#: that looks whether it is back: not every request shall pay the time-out.
_PATIENCE = 3
_QUIET_SECONDS = 1.0
#: With serve_stale, an entry is kept for so many TTLs after it has expired.
_GRACE_TTLS = 10
#: With ttl_jitter, a TTL is between these shares of the configured one.
_JITTER = (0.5, 1.5)
#: What is dear to load and changes slowly lives for so many TTLs.
_LONG_LIVED = {"circle": 4}
#: Whoever loads an object for all replicas has so long (seconds); then another one may.
LEASE_SECONDS = 3.0

#: Puts one field that expires by itself. Those that had only the hash's TTL keep what is left.
_PUT_APART = """
local left = redis.call('pttl', KEYS[1])
if left > 0 then
  for _, field in ipairs(redis.call('hkeys', KEYS[1])) do
    redis.call('hpexpire', KEYS[1], left, 'NX', 'FIELDS', 1, field)
  end
end
redis.call('hset', KEYS[1], ARGV[1], ARGV[2])
redis.call('hpexpire', KEYS[1], ARGV[3], 'FIELDS', 1, ARGV[1])
if left < tonumber(ARGV[3]) then redis.call('pexpire', KEYS[1], ARGV[3]) end
"""

#: Ends a lease, unless it has passed to somebody else meanwhile.
_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
"""


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
    """What the cache said: `body` (None on a miss), and whether the reader wrote it just now.

    `stale`: it has expired, and may be served all the same. `refresh`: it should be loaded again
    behind this reader's back.
    """

    body: bytes | None
    own_write: bool
    stale: bool = False
    refresh: bool = False


_NOTHING = Lookup(None, own_write=False)


@dataclass(frozen=True, slots=True)
class Lease:
    """The leave to load one entry for all replicas, if `held`; and the entry if it has come."""

    held: bool
    body: bytes | None
    key: str = ""
    token: str = ""


#: Where the cache does not answer, everybody loads for themselves.
_NO_LEASE = Lease(held=True, body=None)


class Cache:
    """The cache as the routes use it. No method raises: without a cache there are only misses."""

    def __init__(self, config: Config, flags: Flags) -> None:
        self._flags = flags
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
        found = self._judge(body)
        result = "miss" if found.body is None else "stale" if found.stale else "hit"
        metrics.cache_requests.labels(cached.kind, result).inc()
        return found

    def _judge(self, raw: bytes | None) -> Lookup:
        entry = Entry.decode(raw) if raw is not None else None
        if entry is None:
            return _NOTHING
        now = time.time()
        if not entry.fresh(now):
            if not self._flags.on(SERVE_STALE):
                return _NOTHING
            return Lookup(entry.body, own_write=False, stale=True, refresh=True)
        early = self._flags.on(EARLY_REFRESH) and entry.due(now, 1.0 - random.random())
        return Lookup(entry.body, own_write=False, refresh=early)

    async def put(self, cached: Cached, field: str, body: bytes, load_seconds: float) -> None:
        """Keeps `body`, which took `load_seconds` to load, until the object's TTL ends.

        A new variant does not prolong older ones. With early_refresh or serve_stale each variant
        has a life of its own.
        """
        if not self._enabled or self._resting():
            return
        flags = self._flags
        least, most = _JITTER if flags.on(TTL_JITTER) else (1.0, 1.0)
        life = self._ttl * _LONG_LIVED.get(cached.kind, 1)
        ttl = life * random.uniform(least, most)
        grace = life * _GRACE_TTLS if flags.on(SERVE_STALE) else 0
        try:
            if flags.on(SERVE_STALE) or flags.on(EARLY_REFRESH):
                entry = Entry(body, time.time() + ttl, load_seconds).encode()
                kept_ms = int(1000 * (ttl + grace))
                await self._redis.eval(_PUT_APART, 1, cached.key, field, entry, kept_ms)
                return
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(cached.key, field, body)
                pipe.pexpire(cached.key, int(1000 * ttl), nx=True)
                # Where a flag that has been turned off since had it kept for longer.
                pipe.pexpire(cached.key, int(1000 * life * most), lt=True)
                await pipe.execute()
        except (RedisError, OSError) as error:
            self._failed(error)

    async def drop(self, cached: Cached, field: str) -> None:
        """Forgets one variant, which is not to be seen any more."""
        if not self._enabled or self._resting():
            return
        try:
            await self._redis.hdel(cached.key, field)
        except (RedisError, OSError) as error:
            self._failed(error)

    async def lease(self, cached: Cached, field: str) -> Lease:
        """Asks for the leave to load an entry, and whether it has come meanwhile; in one trip."""
        if not self._enabled or self._resting():
            return _NO_LEASE
        key, token = f"loading:{cached.key}:{field}", uuid4().hex
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(key, token, nx=True, px=int(1000 * LEASE_SECONDS))
                pipe.hget(cached.key, field)
                held, raw = await pipe.execute()
        except (RedisError, OSError) as error:
            self._failed(error)
            return _NO_LEASE
        entry = Entry.decode(raw) if raw is not None else None
        fresh = entry is not None and entry.fresh(time.time())
        return Lease(bool(held), entry.body if entry and fresh else None, key, token)

    async def release(self, lease: Lease) -> None:
        """Gives the leave back, so that the next one need not wait for its end."""
        if not lease.held or not lease.key or self._resting():
            return
        try:
            await self._redis.eval(_RELEASE, 1, lease.key, lease.token)
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
