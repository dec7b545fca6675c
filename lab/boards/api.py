"""The API: rate, errors, duration for each replica and route; then its pools and its switches."""

from __future__ import annotations

from lab.boards.layout import Board, flags, lines, row, state

BOARD = Board(
    uid="api",
    title="API",
    short="API",
    place=3,
    description="Rate, errors and duration of each replica, and what they wait for: the pools. "
    "Requests in flight = rate x duration (Little's law); the pool is where that shows.",
    narrow=True,
    rows=(
        row(
            "Replica by replica",
            lines(2, "Requests", "api:requests:rate"),
            lines(3, "Errors", "api:errors:ratio"),
            lines(4, "Latency p95", "api:latency_seconds:p95"),
            lines(5, "In flight", "api:in_flight"),
            lines(9, "Latency p95 by route", "api:route_seconds:p95"),
            lines(14, "Database calls p95 by query", "api:query_seconds:p95"),
        ),
        row(
            "The pools",
            lines(11, "Connections taken", "pool:in_use:ratio"),
            lines(12, "Waiting for a connection", "pool:waiting"),
            lines(13, "Gave up waiting", "pool:timeouts:rate"),
        ),
        row(
            "The partner, who signs and ranks",
            lines(17, "Places taken", "partner:slots_in_use:ratio"),
            lines(18, "Waiting for a place", "partner:waiting"),
            lines(19, "Calls under way", "partner:in_flight"),
            lines(20, "Calls", "partner:calls:rate"),
            lines(21, "A call takes, p95", "partner:call_seconds:p95"),
            lines(22, "Calls in vain", "partner:failures:rate"),
        ),
        row(
            "Where reads go, and the switches",
            lines(15, "Reads by pool and reason", "api:reads:rate", "api:fallback_reads:rate"),
            flags(24, "Flags", "api:flag"),
            lines(25, "Turned away by a flag", "api:refused:rate"),
            lines(
                6,
                "Ready to serve",
                "api:ready:count",
                "nginx:upstreams_up:count",
                width=12,
                height=7,
            ),
            state(7, "Replicas answer", "api:up", width=12, height=7),
        ),
    ),
)
