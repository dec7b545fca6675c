"""Where one looks first: the promises on top, the dependency chain from left to right below."""

from __future__ import annotations

from tools.dashboards.layout import Board, alerts, lines, number, small, state

CHAIN = ("customers", "front-door", "api", "cache", "database", "queue")

BOARD = Board(
    uid="night-overview",
    title="Night overview",
    description="The objectives on top; the dependency chain from the customers, left, to what "
    "they depend on. Each small panel leads to the board that tells more.",
    rows={
        "Objectives and budget": (
            number("Failed requests", "client:errors:ratio"),
            number("Slowest in twenty", "client:latency_seconds:p95"),
            number("Good answers", "client:good:rate"),
            number("Budget is burnt, times too fast", "client:budget_burn:rate"),
            number("Replicas in the balancer", "nginx:upstreams_up:count"),
            number("Oldest photo in the queue", "queue:oldest_age_seconds"),
        ),
        "What is asked for: customers, front door, API, cache, database, queue": (
            small("Customers come", "client:arrivals:rate", "client:good:rate", to="customers"),
            small("Front door passes on", "nginx:requests:rate", to="front-door"),
            small("API answers", "api:requests:rate", to="api"),
            small("Cache lacks", "cache:misses:rate", to="cache"),
            small("Database is asked", "postgres:queries:rate", to="database"),
            small("Photos in, out", "queue:enqueued:rate", "queue:completed:rate", to="queue"),
        ),
        "How long it takes": (
            small(
                "Customers wait",
                "client:latency_seconds:p50",
                "client:latency_seconds:p95",
                to="customers",
            ),
            small("Front door waits", "nginx:latency_seconds:p95", to="front-door"),
            small(
                "API, its partner take",
                "api:latency_seconds:p95",
                "partner:call_seconds:p95",
                to="api",
            ),
            small("Cache knows", "cache:hits:ratio", to="cache"),
            small("One statement takes", "postgres:query_seconds:mean", to="database"),
            small("Oldest photo waits", "queue:oldest_age_seconds", to="queue"),
        ),
        "What goes wrong": (
            small("Customers get no answer", "client:errors:ratio", to="customers"),
            small("Front door gives errors", "nginx:errors:ratio", to="front-door"),
            small("API gives errors", "api:errors:ratio", to="api"),
            small(
                "Cache fails, throws out", "cache:errors:rate", "cache:evictions:rate", to="cache"
            ),
            small("Statements wait for locks", "postgres:locks_waiting", to="database"),
            small("Photos given up", "queue:failures:rate", to="queue"),
        ),
        "What is full": (
            small("Customers under way", "client:in_flight", to="customers"),
            small("Replicas let in", "nginx:upstreams_up:count", to="front-door"),
            small(
                "Pools, places taken", "pool:in_use:ratio", "partner:slots_in_use:ratio", to="api"
            ),
            small("Cache's memory", "cache:memory_bytes", to="cache"),
            small("Connections of the limit", "postgres:connections:ratio", to="database"),
            small("Photos waiting", "queue:depth", to="queue"),
        ),
        "What everything stands on": (
            lines("CPU of the limit", "container:cpu:ratio", width=12),
            state("Running", "container:up", width=12),
        ),
        "The pager": (alerts("What rings, and when"),),
    },
)
