"""Reads the flags from redis-broker about once a second."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from darkroom import metrics
from darkroom.config import Config
from darkroom.flags import KEY, Flags

log = structlog.get_logger("darkroom.flags")

_EVERY_SECONDS = 1.0
_TIMEOUT = 1.0


class FlagReader:
    """Keeps `flags` as the broker has them; while it is away they stay what they were."""

    def __init__(self, config: Config, flags: Flags) -> None:
        self._flags = flags
        self._away = False
        self._task: asyncio.Task[None] | None = None
        self._redis = Redis(
            host=config.broker_host,
            password=config.broker_password,
            decode_responses=True,
            encoding_errors="replace",
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            client_name=config.replica_id,
        )

    def start(self) -> None:
        self._show()
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._redis.aclose()

    async def _follow(self) -> None:
        while True:
            await self._read()
            await asyncio.sleep(_EVERY_SECONDS)

    async def _read(self) -> None:
        try:
            fields = await self._redis.hgetall(KEY)
        except (RedisError, OSError) as error:
            if not self._away:
                log.warning("flags stay as they are: not read", error=repr(error))
            self._away = True
            return
        if self._away:
            log.info("flags are read again")
            self._away = False
        changes, nonsense = self._flags.take(fields)
        for words in nonsense:
            log.warning("flag ignored", why=words)
        for words in changes:
            log.info("flag changed", change=words)
        if changes:
            self._show()

    def _show(self) -> None:
        for flag, value in self._flags:
            metrics.flag.labels(flag.name).set(value)
