"""nginx: who is in the balancer, by whose word, and what each replica does."""

from __future__ import annotations

from tools.dashboards.layout import Board, lines, state

BOARD = Board(
    uid="front-door",
    title="Front door",
    description="nginx, upstream by upstream: a replica is in when the probes (active) and the "
    "customers' requests (passive) both say so.",
    rows={
        "Who is in the balancer": (
            state("In the balancer", "nginx:upstream_up"),
            state("By its probes", "nginx:upstream_active_up"),
            state("By customers' requests", "nginx:upstream_passive_up"),
        ),
        "Upstream by upstream": (
            lines("Requests by replica", "nginx:upstream_requests:rate", "nginx:requests:rate"),
            lines("Errors by replica", "nginx:upstream_errors:ratio", "nginx:errors:ratio"),
            lines(
                "Latency by replica",
                "nginx:upstream_latency_seconds:p95",
                "nginx:latency_seconds:p95",
            ),
        ),
        "The door itself": (
            lines("Answers by class", "nginx:responses:rate"),
            lines("Connections", "nginx:connections"),
            lines("Replicas in the balancer", "nginx:upstreams_up:count"),
        ),
    },
)
