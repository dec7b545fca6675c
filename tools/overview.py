"""What stands where on the dashboard "Night overview": no Grafana in here, only the layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

UID = "night-overview"
TITLE = "Night overview"
WIDTH = 24
"""Columns of Grafana's grid."""


@dataclass(frozen=True)
class Place:
    """A rectangle of the grid, in columns and rows."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Panel:
    """One panel: signals of one unit that belong side by side."""

    title: str
    signals: tuple[str, ...]
    kind: Literal["lines", "number", "state"] = "lines"
    width: int = 8


def lines(title: str, *signals: str, width: int = 8) -> Panel:
    return Panel(title, signals, "lines", width)


def number(title: str, signal: str) -> Panel:
    return Panel(title, (signal,), "number", 4)


def state(title: str, *signals: str, width: int = 8) -> Panel:
    return Panel(title, signals, "state", width)


ROWS: dict[str, tuple[Panel, ...]] = {
    "Objectives": (
        number("Failed requests", "client:errors:ratio"),
        number("Slowest in twenty", "client:latency_seconds:p95"),
        number("Good answers", "client:good:rate"),
        number("Replicas in the balancer", "nginx:upstreams_up:count"),
        number("Oldest photo in the queue", "queue:oldest_age_seconds"),
        number("Replica behind by", "replication:lag_seconds"),
    ),
    "Customers": (
        lines(
            "Latency",
            "client:latency_seconds:p50",
            "client:latency_seconds:p95",
            "client:latency_seconds:p99",
        ),
        lines("Share of failures", "client:errors:ratio"),
        lines("Failures by kind", "client:failures:rate"),
        lines(
            "Wanted, ended, good",
            "client:arrivals:rate",
            "client:completed:rate",
            "client:good:rate",
        ),
        lines("Latency by kind of request", "client:operation_seconds:p95"),
        lines("Waiting for an answer", "client:in_flight"),
        lines("Sent as intended", "client:delivered:ratio"),
    ),
    "Front door": (
        state("In the balancer", "nginx:upstream_up"),
        state("By its probes", "nginx:upstream_active_up"),
        state("By customers' requests", "nginx:upstream_passive_up"),
        lines(
            "Latency by replica", "nginx:upstream_latency_seconds:p95", "nginx:latency_seconds:p95"
        ),
        lines("Errors by replica", "nginx:upstream_errors:ratio", "nginx:errors:ratio"),
        lines("Requests by replica", "nginx:upstream_requests:rate", "nginx:requests:rate"),
        lines("Answers by class", "nginx:responses:rate"),
        lines("Connections", "nginx:connections"),
    ),
    "API": (
        state("Answers at all", "api:up"),
        lines("Ready to serve", "api:ready:count", "nginx:upstreams_up:count"),
        lines("Requests in flight", "api:in_flight"),
        lines("Latency by replica", "api:latency_seconds:p95"),
        lines("Latency by route", "api:route_seconds:p95"),
        lines("Errors by replica", "api:errors:ratio"),
        lines("Connections taken", "pool:in_use:ratio"),
        lines("Waiting for a connection", "pool:waiting"),
        lines("Gave up waiting", "pool:timeouts:rate"),
        lines("Database calls by query", "api:query_seconds:p95"),
        lines("Reads by pool and reason", "api:reads:rate", "api:fallback_reads:rate"),
        lines("Requests by replica", "api:requests:rate"),
        lines("Flags", "api:flag"),
        lines("Turned away by a flag", "api:refused:rate"),
    ),
    "Cache": (
        lines("Hits", "cache:hits:ratio", "cache:object_hits:ratio", "cache:stale:ratio"),
        lines(
            "Misses, loads, errors, evictions",
            "cache:misses:rate",
            "cache:loads:rate",
            "cache:errors:rate",
            "cache:evictions:rate",
        ),
        lines("Entries", "cache:keys"),
        lines("Memory", "cache:memory_bytes"),
    ),
    "Database": (
        lines("Time of one call", "postgres:query_seconds:mean", width=12),
        lines("Where the time goes", "postgres:query_time:rate", width=12),
        lines("Calls", "postgres:queries:rate", width=12),
        lines("Rows read table by table", "postgres:seq_rows:rate", width=12),
        lines("Whole-table scans", "postgres:seq_scans:rate"),
        lines("Index look-ups by table", "postgres:index_scans:rate"),
        lines("Index look-ups by index", "postgres:index_use:rate"),
        lines("Transactions", "postgres:commits:rate", "postgres:rollbacks:rate"),
        lines("Connections by state", "postgres:connections"),
        lines("Connections of the limit", "postgres:connections:ratio"),
        lines("Waiting for a lock", "postgres:locks_waiting"),
        lines("Size", "postgres:database_bytes"),
        lines("Replica behind, seconds", "replication:lag_seconds"),
        lines("Replica behind, bytes", "replication:lag_bytes", "replication:backlog_bytes"),
        state("Replica connected", "replication:streaming"),
    ),
    "Queue": (
        lines("Oldest photo", "queue:oldest_age_seconds"),
        lines("Waiting and taken", "queue:depth", "queue:unacked"),
        lines(
            "In, out, growth", "queue:enqueued:rate", "queue:completed:rate", "queue:growth:rate"
        ),
        lines("Time for one photo", "queue:task_seconds:p95"),
        lines("The workers' database calls", "worker:query_seconds:p95"),
        lines("Being worked on", "worker:running"),
        lines(
            "Given up, tried again, not taken",
            "queue:failures:rate",
            "queue:retries:rate",
            "queue:publish_failures:rate",
        ),
        state("Worker, stores answer at all", "worker:up", "redis:up", "postgres:up", width=16),
    ),
    "Machine": (
        lines("CPU of the limit", "container:cpu:ratio"),
        lines("Held back at the limit", "container:throttled:ratio"),
        lines("CPU", "container:cpu:cores"),
        lines("Memory of the limit", "container:memory:ratio"),
        lines("Memory", "container:memory_bytes"),
        lines("Killed for want of memory", "container:oom_kills:rate"),
        lines("Disk free", "disk:free:ratio"),
        state("Running", "container:up", width=24),
    ),
}
"""The dependency chain from top to bottom, the objectives above it."""


def grid() -> Iterator[tuple[str, Place, list[tuple[Panel, Place]]]]:
    """Each row with its place and the places of its panels, filled from left to right."""
    y = 0
    for title, specs in ROWS.items():
        head = Place(0, y, WIDTH, 1)
        y, x = y + 1, 0
        placed: list[tuple[Panel, Place]] = []
        height = 4 if specs[0].kind == "number" else 8
        for spec in specs:
            if x + spec.width > WIDTH:
                y, x = y + height, 0
            placed.append((spec, Place(x, y, spec.width, height)))
            x += spec.width
        y += height
        yield title, head, placed
