"""The client's truth: what was wanted, what was got, how long it took."""

from __future__ import annotations

from tools.dashboards.layout import Board, lines

BOARD = Board(
    uid="customers",
    title="Customers",
    description="Measured where it counts. Time runs from when a customer wanted to start, so "
    "nobody who waits outside is forgotten; the average is shown to be seen lying.",
    rows={
        "Wanted and got": (
            lines(
                "Wanted, ended, good",
                "client:arrivals:rate",
                "client:completed:rate",
                "client:good:rate",
            ),
            lines(
                "Share of failures, and of wrong answers",
                "client:errors:ratio",
                "client:wrong:ratio",
            ),
            lines("Failures by kind", "client:failures:rate"),
            lines("Waiting for an answer", "client:in_flight", width=6),
            lines("Sent as intended", "client:delivered:ratio", width=6),
            lines("Begun late", "client:start_delay_seconds:p95", width=6),
            lines("Error budget burnt, times too fast", "client:budget_burn:rate", width=6),
            lines("Photos not there in time", "client:late_photos:ratio", width=24),
        ),
        "How long it takes: the average lies": (
            lines(
                "The average beside the percentiles",
                "client:latency_seconds:mean",
                "client:latency_seconds:p50",
                "client:latency_seconds:p95",
                "client:latency_seconds:p99",
                width=16,
            ),
            lines("The average alone", "client:latency_seconds:mean"),
            lines(
                "Slowest in twenty, by kind of request", "client:operation_seconds:p95", width=24
            ),
        ),
    },
)
