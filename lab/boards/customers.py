"""The client's truth: what was wanted, what was got, how long it took."""

from __future__ import annotations

from lab.boards.layout import Board, lines, row

BOARD = Board(
    uid="customers",
    title="Customers",
    short="Customers",
    place=1,
    description="Measured where it counts. Time runs from when a customer wanted to start, so "
    "nobody who waits outside is forgotten; the average is shown to be seen lying.",
    rows=(
        row(
            "Wanted and got",
            lines(
                2,
                "Wanted, ended, good",
                "client:arrivals:rate",
                "client:completed:rate",
                "client:good:rate",
            ),
            lines(14, "Arrivals by kind of request", "client:operations:rate"),
            lines(3, "Failing, and wrong answers", "client:errors:ratio", "client:wrong:ratio"),
            lines(4, "Failures by kind", "client:failures:rate"),
            lines(9, "Photos not there in time", "client:late_photos:ratio"),
            lines(8, "Budget burn, times too fast", "client:budget_burn:rate"),
        ),
        row(
            "How long it takes: the average lies",
            lines(
                11,
                "The average and the percentiles",
                "client:latency_seconds:mean",
                "client:latency_seconds:p50",
                "client:latency_seconds:p95",
                "client:latency_seconds:p99",
            ),
            lines(12, "The average alone", "client:latency_seconds:mean"),
            lines(13, "p95 by kind of request", "client:operation_seconds:p95"),
            lines(5, "Waiting for an answer", "client:in_flight"),
            lines(6, "Sent as intended", "client:delivered:ratio"),
            lines(7, "Begun late", "client:start_delay_seconds:p95"),
        ),
    ),
)
