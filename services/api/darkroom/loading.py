"""Filling the cache: who loads an object from a database, who waits for it, and when.

Without flags everybody loads what they miss. With `single_flight` the first one in this replica
does, and of several replicas the one that has the lease in redis-cache; the others wait for what
comes of it. Refreshing happens behind the reader's back, once at a time for each entry.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from darkroom import metrics
from darkroom.answers import dumps
from darkroom.cache import LEASE_SECONDS, Cache, Cached
from darkroom.db import DatabaseTrouble
from darkroom.errors import Problem
from darkroom.flags import SINGLE_FLIGHT, Flags
from darkroom.partner import PartnerTrouble
from darkroom.shedding import Shed, Shedding
from darkroom.tracing import CLIENT, span

log = structlog.get_logger("darkroom.loading")

#: Longest wait (seconds) for another replica's load, and how often to look. Not shorter than a
#: load may take: where loads are slow, who gives up waiting makes them slower for everybody.
_WAIT_SECONDS = LEASE_SECONDS
_LOOK_SECONDS = 0.05
#: Refreshes under way per replica: half a pool at most, so that readers come first.
_REFRESHES = 5
#: After a refresh that failed, no other is begun for so long (seconds).
_QUIET_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """An object fresh from a database: its JSON members, and whether others may see it cached."""

    body: dict[str, Any]
    server: str
    cacheable: bool = True


#: Loads the object; told whether the reader has just written it.
Load = Callable[[bool], Awaitable[Loaded]]


@dataclass(frozen=True, slots=True)
class Filled:
    """JSON as it goes out, where it is from, and whether others may see it."""

    body: bytes
    source: str
    shareable: bool


_Place = tuple[Cached, str]


class Loading:
    """Loads what the cache has not, or not for much longer."""

    def __init__(self, cache: Cache, flags: Flags, shedding: Shedding) -> None:
        self._cache = cache
        self._shedding = shedding
        self._flags = flags
        self._flights: dict[_Place, asyncio.Task[Filled]] = {}
        self._refreshing: dict[_Place, asyncio.Task[None]] = {}
        self._quiet_until = 0.0

    async def close(self) -> None:
        tasks = [*self._flights.values(), *self._refreshing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def fill(self, cached: Cached, field: str, load: Load, *, own_write: bool) -> Filled:
        """The object, loaded and put into the cache; raises what `load` raises.

        Whoever has just written it loads it for themselves: a load under way may be older.
        """
        if own_write or not self._flags.on(SINGLE_FLIGHT):
            return await self._load(cached, field, load, "miss", own_write=own_write)
        place = (cached, field)
        flight = self._flights.get(place)
        if flight is not None:
            try:
                with span("wait for the same load"):
                    filled = await asyncio.shield(flight)
            except Shed:
                raise
            except Problem:
                # It was refused to that reader; not necessarily to this one.
                pass
            else:
                if filled.shareable:
                    return filled
            return await self._load(cached, field, load, "miss")
        flight = asyncio.create_task(self._fly(cached, field, load))
        self._flights[place] = flight
        flight.add_done_callback(lambda done: self._landed(place, done))
        # A reader who goes away takes the flight from nobody else.
        return await asyncio.shield(flight)

    def refresh(self, cached: Cached, field: str, load: Load, *, stale: bool) -> None:
        """Loads the object again in the background, unless enough of that is going on.

        `stale`: because it has expired; else it will soon.
        """
        place = (cached, field)
        if place in self._refreshing or len(self._refreshing) >= _REFRESHES:
            return
        if time.monotonic() < self._quiet_until:
            return
        task = asyncio.create_task(self._refresh(cached, field, load, stale=stale))
        self._refreshing[place] = task
        task.add_done_callback(lambda _: self._refreshing.pop(place, None))

    async def _load(
        self, cached: Cached, field: str, load: Load, reason: str, *, own_write: bool = False
    ) -> Filled:
        with self._shedding.load(cached.kind):
            metrics.cache_loads.labels(cached.kind, reason).inc()
            started = time.monotonic()
            loaded = await load(own_write)
            took = time.monotonic() - started
        body = dumps(loaded.body)
        if loaded.cacheable:
            with span("cache put", CLIENT, server__address="redis-cache"):
                await self._cache.put(cached, field, body, took)
        return Filled(body, loaded.server, loaded.cacheable)

    async def _fly(self, cached: Cached, field: str, load: Load) -> Filled:
        """Loads for everybody, or waits for a moment for the replica that does."""
        deadline = time.monotonic() + _WAIT_SECONDS
        with span("wait for the lease", CLIENT, server__address="redis-cache"):
            lease = await self._cache.lease(cached, field)
            while not lease.held and lease.body is None and time.monotonic() < deadline:
                await asyncio.sleep(_LOOK_SECONDS)
                lease = await self._cache.lease(cached, field)
        try:
            if lease.body is not None:
                return Filled(lease.body, "cache", shareable=True)
            return await self._load(cached, field, load, "miss")
        finally:
            await self._cache.release(lease)

    def _landed(self, place: _Place, flight: asyncio.Task[Filled]) -> None:
        del self._flights[place]
        if not flight.cancelled():
            # Seen, also where all who waited have gone.
            flight.exception()

    async def _refresh(self, cached: Cached, field: str, load: Load, *, stale: bool) -> None:
        lease = await self._cache.lease(cached, field)
        try:
            if not lease.held or (stale and lease.body is not None):
                return  # another replica does it, or has done it
            if self._shedding.refuses(cached.kind):
                return
            filled = await self._load(cached, field, load, "refresh")
            if not filled.shareable:
                await self._cache.drop(cached, field)
        except (DatabaseTrouble, PartnerTrouble) as trouble:
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
            log.info("not refreshed", object=cached.key, why=str(trouble))
        except Problem:
            # It is gone, or not for everybody's eyes any more.
            await self._cache.drop(cached, field)
        finally:
            await self._cache.release(lease)
