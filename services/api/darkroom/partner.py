"""Signet, the third party that signs download links and ranks circles, over HTTP.

Signing has so many connections for each replica as the contract with Signet says, and whoever finds
none free waits for one, for a while. Ranking came later, and nobody gave it a bound of its own:
as many calls are under way as there are loads that need one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from darkroom import metrics
from darkroom.config import Config
from darkroom.tracing import CLIENT, span

SIGN, RANK = "sign", "rank"

#: Idle connections are closed before the other side would (75 s there).
_IDLE_SECONDS = 30


class PartnerTrouble(Exception):
    """Signet could not help; `reason` is slot_timeout, timeout, refused or connection."""

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(f"{operation}: {reason}")
        self.operation = operation
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signature:
    """Leave to download something until `expires` (Unix seconds)."""

    expires: int
    text: str


class Partner:
    """The third party as the routes use it. Every wait ends."""

    def __init__(self, config: Config) -> None:
        self._url = config.partner_url
        self._patience = config.partner_timeout
        self._slot_patience = config.partner_slot_timeout
        self._slots = asyncio.Semaphore(config.partner_slots)
        self._http: aiohttp.ClientSession | None = None
        metrics.partner_slots.set(config.partner_slots)

    async def open(self) -> None:
        """Makes the client without connecting: Signet need not be there for us to start."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS)
        timeout = aiohttp.ClientTimeout(total=self._patience)
        self._http = aiohttp.ClientSession(connector=connector, timeout=timeout)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def sign(self, path: str, viewer: int | None) -> Signature:
        """Leave for `viewer` (None: nobody in particular) to download `path`; PartnerTrouble."""
        async with self._slot():
            said = await self._ask(SIGN, {"path": path, "viewer": viewer})
        return Signature(int(said["expires"]), str(said["signature"]))

    async def rank(self, items: Sequence[tuple[int, int]]) -> list[int]:
        """The ids of (id, likes), best liked first; raises PartnerTrouble."""
        said = await self._ask(RANK, {"items": [list(item) for item in items]})
        return [int(one) for one in said["order"]]

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        with metrics.partner_waiting.track_inprogress(), span("wait for a partner's connection"):
            try:
                await asyncio.wait_for(self._slots.acquire(), self._slot_patience)
            except TimeoutError:
                metrics.partner_calls.labels(SIGN, "slot_timeout").inc()
                raise PartnerTrouble(SIGN, "slot_timeout") from None
        try:
            with metrics.partner_slots_in_use.track_inprogress():
                yield
        finally:
            self._slots.release()

    async def _ask(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        assert self._http is not None, "opened in the application's start"
        started = time.monotonic()
        outcome = "connection"
        in_flight = metrics.partner_in_flight.labels(operation)
        try:
            with in_flight.track_inprogress(), span(f"{operation} at the partner", CLIENT):
                async with self._http.post(
                    f"{self._url}/{operation}",
                    data=orjson.dumps(body),
                    headers={"Content-Type": "application/json"},
                ) as answer:
                    content = await answer.read()
                    outcome = "ok" if answer.status == 200 else "refused"
        except TimeoutError:
            outcome = "timeout"
        except aiohttp.ClientError:
            pass
        finally:
            metrics.partner_calls.labels(operation, outcome).inc()
            metrics.partner_call_duration.labels(operation).observe(time.monotonic() - started)
        if outcome != "ok":
            raise PartnerTrouble(operation, outcome)
        said: dict[str, Any] = orjson.loads(content)
        return said
