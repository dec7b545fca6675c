"""Finds jobs that the queue has lost, and enqueues them again.

An upload is acknowledged once it is in the database; its message may never have reached the
broker, or the broker may have lost it. The queue is first in, first out, so an open job that is
clearly older than the oldest message has none any more. A mere backlog is not swept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from redis.exceptions import RedisError

from darkroom_worker import metrics
from darkroom_worker.db import Database, DatabaseTrouble, Query
from darkroom_worker.publication import Media
from darkroom_worker.queue import Queue

log = structlog.get_logger("worker.sweep")

#: `updated_at` moves on, so a job is swept again only if it gets lost again. Several workers share.
LOST = Query(
    "jobs_lost",
    """
    UPDATE jobs SET updated_at = now()
    WHERE id IN (
        SELECT id FROM jobs
        WHERE (status = 'queued' AND updated_at < $1) OR (status = 'running' AND updated_at < $2)
        ORDER BY updated_at
        LIMIT 100
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id, photo_id, request_id
    """,
)

_EVERY = 5.0
#: Between commit and publishing; and for a run that still goes on, retries included. Seconds.
_MARGIN_QUEUED = 15.0
_MARGIN_RUNNING = 120.0


@dataclass(frozen=True, slots=True)
class LostJob:
    """An open job without a message."""

    id: str
    photo_id: int
    request_id: str


class Sweep:
    """Runs every few seconds in a thread; `run_once` is one round."""

    def __init__(
        self, db: Database, queue: Queue, media: Media, send: Callable[[LostJob], None]
    ) -> None:
        """`send` enqueues a job; what it raises is the round's failure."""
        self._db = db
        self._queue = queue
        self._media = media
        self._send = send
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def run_once(self) -> int:
        """Enqueues what is lost (at most 100 jobs), returns how many.

        Raises DatabaseTrouble, RedisError or OSError; what is lost stays so until the next round.
        """
        oldest = self._queue.state().oldest
        horizon = min(oldest or time.time(), time.time())
        rows = self._db.rows(
            LOST,
            datetime.fromtimestamp(horizon - _MARGIN_QUEUED, UTC),
            datetime.fromtimestamp(horizon - _MARGIN_RUNNING, UTC),
        )
        for row in rows:
            self._send(LostJob(str(row["id"]), row["photo_id"], row["request_id"] or ""))
            metrics.swept.inc()
            log.warning(
                "lost job enqueued again",
                job_id=str(row["id"]),
                photo_id=row["photo_id"],
                request_id=row["request_id"],
            )
        return len(rows)

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY):
            try:
                self.run_once()
                self._media.clear_stale()
            except (DatabaseTrouble, RedisError, OSError) as error:
                log.info("sweep put off", error=repr(error))
            except Exception:  # in a thread nobody hears of it, and nothing is swept
                log.exception("sweep failed")
