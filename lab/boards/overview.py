"""Where one looks first: the promises on top, the dependency chain from left to right below."""

from __future__ import annotations

from lab.boards.layout import Board, alerts, changes, figure, lines, row, small, state

BOARD = Board(
    uid="night-overview",
    title="Night overview",
    short="Overview",
    place=0,
    description="The promises on top; below, the dependency chain from the customers, left, to "
    "what they depend on: what is asked, how long it takes, what goes wrong, what is full.",
    rows=(
        row(
            None,
            figure(2, "client:errors:ratio"),
            figure(3, "client:latency_seconds:p95"),
            figure(4, "client:good:rate"),
            figure(5, "client:budget_burn:rate"),
            figure(6, "nginx:upstreams_up:count"),
            figure(7, "queue:oldest_age_seconds"),
            # What is asked.
            small(9, "Customers ask", "client:arrivals:rate", "client:good:rate", to="customers"),
            small(10, "Door requests", "nginx:requests:rate", to="front-door"),
            small(11, "API requests", "api:requests:rate", to="api"),
            small(12, "Cache misses", "cache:misses:rate", to="cache"),
            small(13, "DB calls", "postgres:queries:rate", to="database"),
            small(14, "Photos in, out", "queue:enqueued:rate", "queue:completed:rate", to="queue"),
            # How long it takes.
            small(
                16,
                "Customers wait",
                "client:latency_seconds:p50",
                "client:latency_seconds:p95",
                to="customers",
            ),
            small(17, "Door p95", "nginx:latency_seconds:p95", to="front-door"),
            small(
                18,
                "API, partner",
                "api:latency_seconds:p95",
                "partner:call_seconds:p95",
                to="api",
            ),
            small(19, "Cache hits", "cache:hits:ratio", to="cache"),
            small(20, "DB per call", "postgres:query_seconds:mean", to="database"),
            small(21, "Oldest photo", "queue:oldest_age_seconds", to="queue"),
            # What goes wrong.
            small(23, "Customers fail", "client:errors:ratio", to="customers"),
            small(24, "Door 5xx", "nginx:errors:ratio", to="front-door"),
            small(25, "API 5xx", "api:errors:ratio", to="api"),
            small(26, "Cache errors", "cache:errors:rate", "cache:evictions:rate", to="cache"),
            small(27, "DB lock waits", "postgres:locks_waiting", to="database"),
            small(28, "Photos lost", "queue:failures:rate", to="queue"),
            # What is full.
            small(30, "In flight", "client:in_flight", to="customers"),
            small(31, "Replicas in", "nginx:upstreams_up:count", to="front-door"),
            small(32, "API pools", "pool:in_use:ratio", "partner:slots_in_use:ratio", to="api"),
            small(33, "Cache memory", "cache:memory_bytes", to="cache"),
            small(34, "DB sessions", "postgres:connections:ratio", to="database"),
            small(35, "Queue depth", "queue:depth", to="queue"),
        ),
        row("What rang, and what was changed", changes(41, "Pager, flags, restarts")),
        row(
            "What everything stands on",
            lines(37, "CPU of the limit", "container:cpu:ratio", width=12, height=11),
            state(38, "Running", "container:up", width=12, height=11),
        ),
        row("The pager's rules", alerts(40, "What rings, and when")),
    ),
)
