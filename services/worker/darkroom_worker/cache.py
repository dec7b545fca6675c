"""Tells redis-cache to forget what a processed photo has changed; its keys are the API's."""

from __future__ import annotations

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from darkroom_worker.config import Config

log = structlog.get_logger("worker.cache")

_TIMEOUT = 0.5


class Cache:
    """The cache as seen from here: things to forget. A dead one forgets by itself, by TTL."""

    def __init__(self, config: Config) -> None:
        self._redis = Redis(
            host=config.cache_host,
            password=config.cache_password,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            client_name="worker",
        )

    def forget(self, *, photo_id: int, user_id: int, album_id: int | None) -> None:
        """Never raises for a cache that is away."""
        keys = [f"photo:{photo_id}", f"user_photos:{user_id}"]
        if album_id is not None:
            keys.append(f"album:{album_id}")
        try:
            self._redis.delete(*keys)
        except (RedisError, OSError) as error:
            log.info("cache not told", error=repr(error))
