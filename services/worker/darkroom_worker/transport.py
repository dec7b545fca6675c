"""Celery's transport over Redis, for a queue in which there may be what is no task.

Celery reads an entry after Redis has given it away, and where it is no JSON the worker ends and the
entry is lost. Here it is looked at first; what is no task is set aside, and the next one taken.
"""

from __future__ import annotations

from typing import Any

import structlog
from kombu.transport import redis

from darkroom_worker import metrics
from darkroom_worker.messages import is_task

log = structlog.get_logger("worker.transport")

#: Where it is set aside, and how much of it is kept: the last so many entries.
ASIDE = "photos.unreadable"
_KEPT = 1000
_SHOWN = 200


class QoS(redis.QoS):  # type: ignore[misc]  # kombu is untyped
    """Gives back what nobody has acknowledged in time."""

    def restore_by_tag(self, tag: bytes, client: Any = None, leftmost: bool = False) -> None:
        """Sets aside what is no message; it would stand in the way of all others, for ever."""
        try:
            super().restore_by_tag(tag, client, leftmost)
        except (ValueError, TypeError, RecursionError):
            with self.channel.conn_or_acquire(client) as connected:
                entry = connected.hget(self.unacked_key, tag)
                with connected.pipeline() as pipe:
                    self._remove_from_indices(tag, pipe)
                    pipe.execute()
                _set_aside(connected, entry or b"")


class Channel(redis.Channel):  # type: ignore[misc]  # kombu is untyped
    """Gives out tasks only."""

    QoS = QoS

    def _create_client(self, asynchronous: bool = False) -> Any:
        client = super()._create_client(asynchronous=asynchronous)
        client.set_response_callback("BRPOP", self._only_tasks)
        return client

    def _only_tasks(self, answer: list[bytes] | None, **_: object) -> tuple[bytes, bytes] | None:
        """Redis's answer to BRPOP; None, as when nothing came in time, for an entry set aside."""
        if not answer:
            return None
        queue, entry = answer
        if is_task(entry):
            return queue, entry
        with self.conn_or_acquire() as client:
            _set_aside(client, entry)
        return None


class Transport(redis.Transport):  # type: ignore[misc]  # kombu is untyped
    """redis:// as before, through the channel above."""

    Channel = Channel


def _set_aside(client: Any, entry: bytes) -> None:
    with client.pipeline() as pipe:
        pipe.lpush(ASIDE, entry)
        pipe.ltrim(ASIDE, 0, _KEPT - 1)
        pipe.execute()
    metrics.set_aside.inc()
    shown = entry[:_SHOWN].decode(errors="backslashreplace")
    log.error("queue entry set aside", bytes=len(entry), entry=shown)
