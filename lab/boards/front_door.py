"""nginx: who is in the balancer, by whose word, and what each replica does."""

from __future__ import annotations

from lab.boards.layout import Board, lines, row, state

BOARD = Board(
    uid="front-door",
    title="Front door",
    short="Front door",
    place=2,
    description="nginx, upstream by upstream: a replica is in when the probes (active) and the "
    "customers' requests (passive) both say so. With none left, all are tried.",
    narrow=True,
    rows=(
        row(
            "Who is in the balancer",
            state(2, "In the balancer", "nginx:upstream_up"),
            state(3, "By its probes", "nginx:upstream_active_up"),
            state(4, "By customers' requests", "nginx:upstream_passive_up"),
        ),
        row(
            "Upstream by upstream",
            lines(6, "Requests", "nginx:upstream_requests:rate", "nginx:requests:rate"),
            lines(7, "Errors", "nginx:upstream_errors:ratio", "nginx:errors:ratio"),
            lines(
                8,
                "Latency p95",
                "nginx:upstream_latency_seconds:p95",
                "nginx:latency_seconds:p95",
            ),
        ),
        row(
            "The door itself",
            lines(10, "Answers by class", "nginx:responses:rate"),
            lines(11, "Connections", "nginx:connections"),
            lines(12, "Replicas in the balancer", "nginx:upstreams_up:count"),
        ),
    ),
)
