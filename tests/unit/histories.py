"""A night like the real one, made up: the 3am cascade as series, for tests of grading and report.

Shapes and delays follow what the stack does when an index that the feed needs disappears; the
facts come from the real catalogue, so that a renamed signal is noticed here.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from lab.archive import recordable
from lab.diagnosis import Diagnosis, Evidence
from lab.grading.truth import Answer, Truth
from lab.grading.vocabulary import Vocabulary
from lab.history import (
    DataSeen,
    Event,
    FaultSeen,
    History,
    LoadSeen,
    Receipt,
    Recovery,
    ServiceSeen,
    SignalFacts,
)
from lab.series import Condition, Series, Span
from lab.signals import Catalogue

T0 = 1_763_607_600.0  # 03:00:00 UTC
CALM = Span(T0, T0 + 40)
INJECTED = T0 + 45
BREACHED = INJECTED + 9
PAGED = INJECTED + 41
ACKNOWLEDGED = INJECTED + 55
DIAGNOSED = INJECTED + 240
MENDED = INJECTED + 290
RECOVERED = INJECTED + 310
ENDED = INJECTED + 360
WATCHED = Span(RECOVERED, RECOVERED + 30)

CHAIN = (
    "postgres:seq_rows:rate",
    "api:query_seconds:p95",
    "pool:in_use:ratio",
    "client:latency_seconds:p95",
    "client:errors:ratio",
    "nginx:upstreams_up:count",
    "queue:oldest_age_seconds",
    "cache:hits:ratio",
)

TRUTH = Truth(
    answer=Answer("postgres-primary", "missing-index"),
    object="photos_user_recent_idx",
    chain=CHAIN,
    accepted=(Answer("postgres-replica", "missing-index", "the replica's copy is gone too"),),
    red_herrings=("container:memory_bytes",),
)

OBJECTIVES = (
    Condition(signal="client:latency_seconds:p95", op="<=", value=0.5),
    Condition(signal="client:errors:ratio", op="<=", value=0.05),
)


@dataclass(frozen=True)
class Shape:
    """One series: `calm` until `delay` seconds after the injection, then within `rise` seconds to
    `peak`, and back within `fall` seconds of the mending."""

    calm: float
    peak: float
    delay: float = 0.0
    rise: float = 3.0
    fall: float = 6.0
    noise: float = 0.05
    labels: Mapping[str, str] = field(default_factory=dict)

    def at(self, since: float, mended: float | None, dice: random.Random) -> float:
        up = min(1.0, max(0.0, (since - self.delay) / self.rise))
        if mended is not None and since > mended:
            up = min(up, max(0.0, 1 - (since - mended) / self.fall))
        value = self.calm + (self.peak - self.calm) * up
        if self.noise == 0:
            return value
        return max(0.0, value * (1 + self.noise * dice.uniform(-1, 1)))


def _each(names: Iterable[str], label: str, shape: Shape, spread: float = 0.0) -> list[Shape]:
    return [
        replace(shape, labels={label: name}, delay=shape.delay + index * spread)
        for index, name in enumerate(names)
    ]


REPLICAS = ("api-1", "api-2", "api-3")
PHOTOS = {"server": "postgres-replica", "table": "photos"}
SHAPES: dict[str, list[Shape]] = {
    "postgres:seq_rows:rate": [
        Shape(0, 4.1e6, 1, 2, labels=PHOTOS),
        Shape(900, 900, labels={"server": "postgres-replica", "table": "users"}),
    ],
    "postgres:seq_scans:rate": [Shape(0, 4.2, 1, 2, labels=PHOTOS)],
    "postgres:query_seconds:mean": [
        Shape(0.002, 0.61, 5, 3, labels={"server": "postgres-replica", "statement": "user_photos"}),
        Shape(0.001, 0.02, 6, labels={"server": "postgres-replica", "statement": "photo"}),
    ],
    "postgres:transaction_seconds:max": [
        Shape(0, 3.2, 1, 2, labels={"server": "postgres-replica", "state": "active"})
    ],
    "api:query_seconds:p95": [
        Shape(0.004, 2.4, 2, 3, labels={"pool": "replica", "query": "user_photos"}),
        Shape(0.003, 0.03, 4, labels={"pool": "replica", "query": "photo"}),
    ],
    "container:cpu:ratio": [
        Shape(0.1, 1.0, 1, 2, labels={"service": "postgres-replica"}),
        *_each(REPLICAS, "service", Shape(0.22, 0.12, 5, 3)),
    ],
    "pool:in_use:ratio": _each(REPLICAS, "service", Shape(0.1, 1.0, 6, 2), 0.5),
    "pool:waiting": _each(REPLICAS, "service", Shape(0, 34, 8, 3)),
    "pool:timeouts:rate": _each(REPLICAS, "service", Shape(0, 6, 10, 3)),
    "client:latency_seconds:p50": [Shape(0.004, 1.9, 11, 4)],
    "client:latency_seconds:p95": [Shape(0.012, 4.4, 9, 3)],
    "client:latency_seconds:p99": [Shape(0.03, 5, 9, 3)],
    "client:errors:ratio": [Shape(0, 0.62, 14, 5)],
    "client:wrong:ratio": [Shape(0, 0)],
    "client:arrivals:rate": [Shape(60, 60)],
    "client:start_delay_seconds:p95": [Shape(0.003, 0.003)],
    "client:good:rate": [Shape(60, 22, 14, 5)],
    "nginx:upstream_up": _each(REPLICAS, "upstream", Shape(1, 0, 24, 0.5, noise=0), 7),
    "nginx:upstreams_up:count": [Shape(3, 1, 24, 14, noise=0)],
    "queue:oldest_age_seconds": [Shape(0.4, 240, 32, 240, noise=0.02, fall=12)],
    "queue:depth": [Shape(0, 90, 34, 200, noise=0.02, fall=12)],
    "cache:hits:ratio": [Shape(0.86, 0.31, 52, 12, noise=0.03)],
    "container:memory_bytes": [Shape(6e7, 2e8, 100, 5, labels={"service": "worker"})],
}


@cache
def vocabulary() -> Vocabulary:
    return Vocabulary.load()


@cache
def facts() -> dict[str, SignalFacts]:
    return {signal.name: SignalFacts.of(signal) for signal in Catalogue.load()}


def series_of(shapes: Iterable[Shape], dice: random.Random, *, mended: bool = True) -> list[Series]:
    times = [T0 + second for second in range(int(ENDED - T0) + 1)]
    back = MENDED - INJECTED if mended else None
    return [
        Series(shape.labels, times, [shape.at(at - INJECTED, back, dice) for at in times])
        for shape in shapes
    ]


@cache
def night(seed: int = 1, *, mended: bool = True) -> History:
    """The incident without receipts, mended by the learner, or left as it was."""
    dice = random.Random(seed)
    flat = [Shape(1, 1)]
    signals = {
        name: recordable(series_of(SHAPES.get(name, flat), dice, mended=mended)) for name in facts()
    }
    return History(
        incident="12",
        scenario="3am",
        title="Uploads hang and the queue is backing up",
        seed=seed,
        step=1.0,
        baseline=CALM,
        injected_at=INJECTED,
        ended_at=ENDED,
        signals=signals,
        facts=facts(),
        events=events() if mended else events()[:4],
        objectives=OBJECTIVES,
        recovery=recovery() if mended else None,
    )


def events() -> tuple[Event, ...]:
    return (
        Event(T0, "started"),
        Event(INJECTED, "injected", "drop_index"),
        Event(BREACHED, "breached", "client:latency_seconds:p95 <= 0.5"),
        Event(PAGED, "paged", "Photos wait longer and longer for a worker"),
        Event(ACKNOWLEDGED, "acknowledged"),
        Event(INJECTED + 120, "action", "docker compose restart api-1"),
        Event(INJECTED + 150, "hint", "1, for 5 points"),
        Event(DIAGNOSED, "diagnosed", "postgres-primary, missing-index"),
        Event(INJECTED + 270, "action", "psql: CREATE INDEX photos_user_recent_idx"),
        Event(INJECTED + 300, "claimed"),
        Event(RECOVERED, "recovered", "client:latency_seconds:p95 <= 0.5"),
        Event(ENDED, "ended"),
    )


def recovery() -> Recovery:
    services = ("nginx", *REPLICAS, "postgres-primary", "postgres-replica", "worker")
    return Recovery(
        window=WATCHED,
        required_s=30,
        faults=(FaultSeen("drop_index", active=False, detail="the index is there and valid"),),
        services=tuple(ServiceSeen(name, up=True) for name in services),
        data=DataSeen(checked=412),
        load=LoadSeen(60, 60, 1800, 1799, "running"),
    )


def receipt(history: History, name: str, window: Span | None = None) -> Receipt:
    """What the lab records when the learner cites that signal."""
    window = window or Span(DIAGNOSED - 60, DIAGNOSED)
    recorded = history.signals[name]
    calm = history.baseline
    return Receipt(
        claim=name,
        window=window,
        signals=(name,),
        baseline=recordable(one.between(calm.start, calm.end) for one in recorded),
        observed=recordable(one.between(window.start, window.end) for one in recorded),
    )


def citing(history: History, *names: str) -> History:
    """The history with these signals cited over the minute before the diagnosis."""
    return replace(history, receipts=tuple(receipt(history, name) for name in names))


GOOD_EVIDENCE = ("postgres:seq_rows:rate", "pool:waiting", "client:errors:ratio")
GOOD_CHAIN = (
    "postgres:seq_rows:rate",
    "pool:in_use:ratio",
    "client:errors:ratio",
    "nginx:upstreams_up:count",
    "cache:hits:ratio",
)


def diagnosis(
    component: str = "postgres-primary",
    cause: str = "missing-index",
    evidence: Iterable[str] = GOOD_EVIDENCE,
    chain: Iterable[str] = GOOD_CHAIN,
) -> Diagnosis:
    return Diagnosis(
        component, cause, tuple(Evidence("signal", name) for name in evidence), tuple(chain)
    )
