"""The customers' series, as Prometheus reads them."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from customers.visits import OPERATIONS

OUTCOMES = ("ok", "wrong", "http_4xx", "http_5xx", "timeout", "connection", "dropped")
REPEATS = ("connection", "503", "twice")
APPEARED = ("in_time", "late")

#: Seconds. Fine around the objective of half a second, and past the clients' patience.
BUCKETS = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.85),
    *(1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0),
)

#: Seconds. Fine around a tenth of a second, from where on the generator's own lateness is part of
#: what it measures, and past a laptop's lid that was closed for a minute.
DELAYS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 15, 60)


class Metrics:
    """Every series exists from the start: a rate over one that appears misses its first steps."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.arrivals = Counter(
            "load_arrivals", "Intended arrivals.", ("operation",), registry=registry
        )
        self.started = Counter("load_started", "Arrivals that began.", registry=registry)
        self.start_delay = Histogram(
            "load_start_delay_seconds",
            "From when an arrival was due to when it began.",
            buckets=DELAYS,
            registry=registry,
        )
        self.requests = Counter(
            "load_requests",
            "Arrivals by what came of them.",
            ("operation", "outcome"),
            registry=registry,
        )
        self.latency = Histogram(
            "load_latency_seconds",
            "From the intended start to the end of the answer.",
            ("operation",),
            buckets=BUCKETS,
            registry=registry,
        )
        self.repeats = Counter(
            "load_repeats",
            "Uploads sent again with their key, by the reason.",
            ("reason",),
            registry=registry,
        )
        self.photos = Counter(
            "load_photos",
            "Accepted photos by whether they were there when their owner looked.",
            ("appeared",),
            registry=registry,
        )
        self.in_flight = Gauge("load_in_flight", "Arrivals under way.", registry=registry)
        self.target_rate = Gauge(
            "load_target_rate", "Intended arrivals per second.", registry=registry
        )
        self.running = Gauge("load_running", "1 while customers arrive.", registry=registry)
        for operation in OPERATIONS:
            self.latency.labels(operation)
            self.arrivals.labels(operation)
            for outcome in OUTCOMES:
                self.requests.labels(operation, outcome)
        for reason in REPEATS:
            self.repeats.labels(reason)
        for appeared in APPEARED:
            self.photos.labels(appeared)

    def looked_for(self, there: bool) -> None:
        """Count a photo whose owner looked for it in its time."""
        self.photos.labels("in_time" if there else "late").inc()
