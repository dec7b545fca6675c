"""The API: rate, errors, duration for each replica and route; then its pools and its switches."""

from __future__ import annotations

from tools.dashboards.layout import Board, lines, state

BOARD = Board(
    uid="api",
    title="API",
    description="Rate, errors and duration of each replica, and what they wait for: the pools. "
    "Requests in flight = rate x duration (Little's law); the pool is where that shows.",
    rows={
        "Replica by replica": (
            lines("Requests by replica", "api:requests:rate"),
            lines("Errors by replica", "api:errors:ratio"),
            lines("Latency by replica", "api:latency_seconds:p95"),
            lines("Requests in flight", "api:in_flight"),
            lines("Ready to serve", "api:ready:count", "nginx:upstreams_up:count"),
            state("Answers at all", "api:up"),
        ),
        "Route by route": (lines("Latency by route", "api:route_seconds:p95", width=24),),
        "The pools": (
            lines("Connections taken", "pool:in_use:ratio"),
            lines("Waiting for a connection", "pool:waiting"),
            lines("Gave up waiting", "pool:timeouts:rate"),
            lines("Database calls by query", "api:query_seconds:p95", width=12),
            lines(
                "Reads by pool and reason", "api:reads:rate", "api:fallback_reads:rate", width=12
            ),
        ),
        "The partner, who signs and ranks": (
            lines("Places taken", "partner:slots_in_use:ratio"),
            lines("Waiting for a place", "partner:waiting"),
            lines("Calls under way", "partner:in_flight"),
            lines("Calls", "partner:calls:rate"),
            lines("A call takes", "partner:call_seconds:p95"),
            lines("Calls in vain", "partner:failures:rate"),
        ),
        "The switches": (
            lines("Flags", "api:flag", width=12),
            lines("Turned away by a flag", "api:refused:rate", width=12),
        ),
    },
)
