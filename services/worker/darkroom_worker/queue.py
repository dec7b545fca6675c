"""What is in Celery's queue, as it lies in Redis: waiting, and taken but not acknowledged."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from darkroom_worker.config import BrokerConfig
from darkroom_worker.messages import enqueued_at

QUEUE = "photos"
#: Messages at the old end of the list that are looked into. A repeated task keeps its age and
#: stands among younger ones, so the very last is not always the oldest.
_LOOK_INTO = 50
_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class QueueState:
    """`oldest` is when the oldest task was first enqueued (Unix time), None without any."""

    waiting: int
    unacked: int
    oldest: float | None


class Queue:
    """Reads the queue; methods raise redis.RedisError or OSError."""

    def __init__(self, config: BrokerConfig, client_name: str) -> None:
        self._redis: Redis = Redis(
            host=config.host,
            port=config.port,
            password=config.password,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            client_name=client_name,
        )

    def state(self) -> QueueState:
        """The queue now, from one transaction."""
        with self._redis.pipeline() as pipe:
            pipe.llen(QUEUE)
            pipe.lrange(QUEUE, -_LOOK_INTO, -1)
            pipe.hvals("unacked")
            waiting, last, taken = pipe.execute()
        ages = [enqueued_at(entry) for entry in last]
        ages += [enqueued_at(entry, taken=True) for entry in taken]
        known = [age for age in ages if age is not None]
        return QueueState(waiting, len(taken), min(known, default=None))
