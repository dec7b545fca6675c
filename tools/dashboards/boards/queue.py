"""The photo queue and its workers: trouble upstream is masked here, and shows late."""

from __future__ import annotations

from tools.dashboards.layout import Board, lines, state

BOARD = Board(
    uid="queue",
    title="Queue and workers",
    description="Celery on Redis. The age of the oldest photo is what a customer feels; depth is "
    "only its shadow. It drains when more leaves than comes.",
    rows={
        "The queue": (
            lines("Oldest photo", "queue:oldest_age_seconds"),
            lines("Waiting and taken", "queue:depth", "queue:unacked"),
            lines(
                "In, out, growth",
                "queue:enqueued:rate",
                "queue:completed:rate",
                "queue:growth:rate",
            ),
        ),
        "The workers": (
            lines("Time for one photo", "queue:task_seconds:p95"),
            lines("The workers' database calls", "worker:query_seconds:p95"),
            lines("Being worked on", "worker:running"),
            lines(
                "Given up, tried again, not taken",
                "queue:failures:rate",
                "queue:retries:rate",
                "queue:publish_failures:rate",
                width=12,
            ),
            state("Worker and stores answer at all", "worker:up", "redis:up", width=12),
        ),
    },
)
