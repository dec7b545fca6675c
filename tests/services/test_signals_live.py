"""On a real stack under load every signal measures something, agrees with others, and is quick."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.boards.happened import HAPPENINGS
from lab.load import Load
from lab.panels import DASHBOARDS
from lab.prometheus import Prometheus
from lab.series import Series
from lab.signals import Catalogue
from lab.stack import Stack
from tests.services.customer import until

RATE = 30.0
CATALOGUE = Catalogue.load()

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def prometheus(stack: Stack) -> Iterator[Prometheus]:
    with Prometheus(stack.url("prometheus")) as prometheus:
        yield prometheus


@pytest.fixture(scope="module", autouse=True)
def customers(stack: Stack) -> Iterator[Load]:
    """A gentle, bounded load for as long as this module runs."""
    with Load(stack.url("load")) as load:
        load.start(rate=RATE, duration_s=180, seed=7)
        yield load
        load.stop()


def now(prometheus: Prometheus, seconds: float = 5.0) -> dict[str, list[Series]]:
    """All signals over the last seconds."""
    end = time.time() - 1
    return CATALOGUE.read(prometheus, end - seconds, end)


def value(prometheus: Prometheus, expr: str) -> float | None:
    """The one value of `expr` now; None when there is none."""
    samples = prometheus.query(expr)
    assert len(samples) <= 1, expr
    return samples[0].value if samples else None


def marked(prometheus: Prometheus) -> list[str]:
    """What the dashboards mark on their graphs now."""
    board = json.loads((DASHBOARDS / "night-overview.json").read_text())
    return [
        one["name"]
        for one in board["annotations"]["list"]
        if any(
            # Some say when it was themselves, in milliseconds.
            not one.get("useValueForTime") or sample.value / 1000 > time.time() - 15
            for sample in prometheus.query(one["expr"])
        )
    ]


def test_every_signal_returns_data(prometheus: Prometheus) -> None:
    """No expression of the catalogue asks for something that nobody exports."""

    def missing() -> list[str]:
        found = now(prometheus)
        return [name for name, series in found.items() if not series]

    until(missing, lambda names: not names, "every signal has data", 60)


@pytest.mark.parametrize("board", sorted(DASHBOARDS.glob("*.json")), ids=lambda path: path.stem)
def test_no_panel_is_empty(prometheus: Prometheus, board: Path) -> None:
    """Whatever a dashboard asks for is there while customers come."""
    panels = json.loads(board.read_text())["panels"]
    asked = {target["expr"] for panel in panels for target in panel.get("targets", [])}
    # What rang and was turned is mostly nothing, and the strip is drawn all the same.
    asked = {expr for expr in asked if expr in CATALOGUE or expr == "vector(0)"}
    assert asked
    until(
        lambda: [expr for expr in asked if not prometheus.query(expr)],
        lambda empty: not empty,
        "every panel shows something",
        30,
    )


def test_a_flag_that_is_turned_is_marked(stack: Stack, prometheus: Prometheus) -> None:
    """On every graph, as what an operator did; at rest nothing is marked."""
    until(lambda: marked(prometheus), lambda names: not names, "nothing is marked at rest", 30)
    for value in ("on", "off"):
        stack.exec("api-1", ["flags", "set", "serve_stale", value])
        until(lambda: marked(prometheus), lambda names: names == ["Flags turned"], "a mark", 15)
        until(lambda: marked(prometheus), lambda names: not names, "it is a moment's", 15)


def test_series_carry_the_labels_that_split_them(prometheus: Prometheus) -> None:
    """A signal has exactly the labels that its catalogue entry names, on each of its series."""
    for name, series in now(prometheus).items():
        for one in series:
            assert set(one.labels) - {"__name__"} == set(CATALOGUE[name].split), name


def test_every_target_answers(prometheus: Prometheus) -> None:
    """Prometheus reaches everything that it is told to ask."""
    until(
        lambda: {tuple(sample.labels.values()) for sample in prometheus.query("up == 0")},
        lambda down: not down,
        "no target is down",
        20,
    )
    # What the signals mean is asked less often than Prometheus remembers.
    assert len(prometheus.query('up{job!="signals"}')) == 13
    assert prometheus.query('last_over_time(up{job="signals"}[30s])')[0].value == 1


def test_whatever_happens_can_be_asked_for(prometheus: Prometheus) -> None:
    """The strip's questions are PromQL that a Prometheus understands, each with its label."""
    for one in HAPPENINGS:
        assert all(one.label in sample.labels for sample in prometheus.query(one.expr))


def test_the_steady_state_holds_under_load(prometheus: Prometheus) -> None:
    """With a gentle load nothing is beyond its bound, and nothing pages."""

    def broken() -> list[str]:
        end = time.time() - 1
        found = CATALOGUE.read(prometheus, end - 5, end)
        return [
            str(condition)
            for condition in CATALOGUE.steady()
            if not condition.held(
                CATALOGUE[condition.signal].worst(found[condition.signal]), end - 5, end
            )
        ]

    until(broken, lambda names: not names, "the steady state holds for 5 s", 60)
    assert [alert.name for alert in prometheus.alerts() if alert.state == "firing"] == []


@pytest.mark.parametrize(
    ("one", "other", "within"),
    [
        ("client:arrivals:rate", f"vector({RATE})", 0.1),
        ("client:completed:rate", "client:arrivals:rate", 0.15),
        # The front door sees customers, health checks of ours not included.
        ("nginx:requests:rate", "client:completed:rate", 0.2),
        ("sum(nginx:upstream_requests:rate)", "sum(api:requests:rate)", 0.2),
        ("sum(nginx:responses:rate)", "nginx:requests:rate", 0.01),
    ],
)
def test_signals_agree(prometheus: Prometheus, one: str, other: str, within: float) -> None:
    """Two looks at the same traffic see the same, within the noise of a few seconds."""

    def difference() -> float:
        query = f"abs(avg_over_time(({one})[10s:1s]) / avg_over_time(({other})[10s:1s]) - 1)"
        found = value(prometheus, query)
        return 1.0 if found is None else found

    until(difference, lambda apart: apart <= within, f"{one} is {other}", 40)


def test_a_lost_replica_shows_within_ten_seconds(stack: Stack, prometheus: Prometheus) -> None:
    """It is not ready, not answering, out of the balancer and on the pager; then it comes back."""
    replica = stack.container("api-3")
    killed = time.monotonic()
    replica.kill()
    try:
        for expr, wanted in (
            ('container:up{service="api-3"}', 0.0),
            ('api:up{service="api-3"}', 0.0),
            ("api:ready:count", 2.0),
            ('nginx:upstream_up{upstream="api-3"}', 0.0),
            ("nginx:upstreams_up:count", 2.0),
        ):
            left = 10 - (time.monotonic() - killed)
            until(lambda e=expr: value(prometheus, e), lambda seen, w=wanted: seen == w, expr, left)
        until(
            lambda: {alert.name for alert in prometheus.alerts() if alert.state == "firing"},
            lambda names: "UpstreamDown" in names,
            "UpstreamDown fires",
            10,
        )
    finally:
        replica.start()
    until(lambda: marked(prometheus), lambda names: "API started anew" in names, "a mark", 30)
    until(lambda: value(prometheus, "api:ready:count"), lambda seen: seen == 3, "all ready", 30)
    until(
        lambda: value(prometheus, "nginx:upstreams_up:count"),
        lambda seen: seen == 3,
        "all in the balancer",
        30,
    )


def test_more_customers_show_within_ten_seconds(prometheus: Prometheus, customers: Load) -> None:
    """A change of the arrival rate is visible, whole, within ten seconds."""
    customers.set_rate(2 * RATE)
    until(
        lambda: value(prometheus, "client:arrivals:rate"),
        lambda seen: seen is not None and seen >= 1.8 * RATE,
        "the new rate shows",
        10,
    )


def test_rules_keep_up(prometheus: Prometheus) -> None:
    """No rule failed, and next to none was skipped for want of time."""
    assert value(prometheus, "sum(prometheus_rule_evaluation_failures_total)") == 0
    skipped = value(prometheus, "sum(prometheus_rule_group_iterations_missed_total)")
    total = value(prometheus, "sum(prometheus_rule_group_iterations_total)")
    assert skipped is not None
    assert total is not None
    assert skipped <= 0.02 * total
