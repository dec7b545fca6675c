"""The photo queue and its workers: trouble upstream is masked here, and shows late."""

from __future__ import annotations

from lab.boards.layout import Board, lines, row, state

BOARD = Board(
    uid="queue",
    title="Queue and workers",
    short="Queue",
    place=6,
    description="Celery on Redis. The age of the oldest photo is what a customer feels; depth is "
    "only its shadow. It drains when more leaves than comes.",
    rows=(
        row(
            "The queue",
            lines(2, "Oldest photo", "queue:oldest_age_seconds"),
            lines(3, "Waiting and taken", "queue:depth", "queue:unacked"),
            lines(
                4,
                "In, out, growth",
                "queue:enqueued:rate",
                "queue:completed:rate",
                "queue:growth:rate",
            ),
        ),
        row(
            "The workers",
            lines(6, "Time for one photo, p95", "queue:task_seconds:p95"),
            lines(7, "Workers' database calls, p95", "worker:query_seconds:p95"),
            lines(8, "Being worked on", "worker:running"),
            lines(
                9,
                "Given up, tried again, not taken",
                "queue:failures:rate",
                "queue:retries:rate",
                "queue:publish_failures:rate",
            ),
            state(10, "Worker and stores answer", "worker:up", "redis:up"),
        ),
    ),
)
