"""Hands accepted uploads to the worker, through Celery's queue in redis-broker.

The job row is the truth and the message only a wake-up call: what the broker does not take, the
worker's sweep finds in the database. So publishing may fail, but must not take long.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from darkroom import metrics
from darkroom.config import Config
from darkroom.tracing import PRODUCER, carrier, span

log = structlog.get_logger("darkroom.broker")

TASK = "darkroom.process_photo"
QUEUE = "photos"

_TIMEOUT = 1.0
_THREADS = 2
#: After a failure the broker is left alone for a moment, so that uploads do not queue up behind it.
_QUIET_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """What the worker is told of an upload."""

    photo_id: int
    job_id: UUID
    request_id: str


class Broker:
    """The sending end of the queue."""

    def __init__(self, config: Config) -> None:
        self._quiet_until = 0.0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="broker")
        password = quote(config.broker_password, safe="")
        self._celery = Celery(
            "darkroom",
            broker=f"redis://:{password}@{config.broker_host}:6379/0",
            set_as_current=False,
        )
        self._celery.conf.update(
            broker_pool_limit=_THREADS,
            broker_connection_timeout=_TIMEOUT,
            broker_transport_options={
                "socket_timeout": _TIMEOUT,
                "socket_connect_timeout": _TIMEOUT,
                "client_name": config.replica_id,
            },
            task_publish_retry=False,
            task_ignore_result=True,
        )

    async def publish(self, task: Task) -> bool:
        """True when the broker has the task; False, and a log line, when it has not."""
        if time.monotonic() < self._quiet_until:
            metrics.queue_publish_failures.inc()
            return False
        loop = asyncio.get_running_loop()
        try:
            with span("enqueue", PRODUCER, messaging__destination__name=QUEUE):
                await loop.run_in_executor(self._threads, self._send, task, carrier())
        except (OperationalError, RedisError, OSError) as error:
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
            metrics.queue_publish_failures.inc()
            log.warning("task not published", job_id=str(task.job_id), error=repr(error))
            return False
        metrics.queue_published.inc()
        return True

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._celery.close()

    def _send(self, task: Task, headers: dict[str, str]) -> None:
        self._celery.send_task(
            TASK,
            kwargs={
                "photo_id": task.photo_id,
                "job_id": str(task.job_id),
                "request_id": task.request_id,
                "enqueued_at": time.time(),
            },
            task_id=str(task.job_id),
            queue=QUEUE,
            headers=headers,
        )
