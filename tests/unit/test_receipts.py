"""Evidence is executed when it is given: over its own window, and over the baseline."""

from __future__ import annotations

import json

import pytest

from lab.diagnosis import Diagnosis, Evidence
from lab.errors import BadInput
from lab.panels import DASHBOARDS, Panels
from lab.prometheus import BadQuery
from lab.receipts import asked, check, execute
from lab.series import Sample, Series, Span
from lab.signals import Catalogue
from tests.unit.world import FakePrometheus, World

CATALOGUE = Catalogue.load()
BASELINE = Span(1_799_999_900, 1_799_999_930)
SIGNAL = Evidence("signal", "postgres:seq_rows:rate")


@pytest.fixture
def world() -> World:
    """Broken for a minute."""
    made = World()
    made.changes.append((made.now - 60, True))
    return made


class Strict(FakePrometheus):
    """Also refuses what is no PromQL."""

    def query(self, expr: str, at: float | None = None) -> list[Sample]:
        return self.query_range(expr, 0, 0) and []

    def query_range(self, expr: str, start: float, end: float, step: float = 1.0) -> list[Series]:
        if expr.count("(") != expr.count(")"):
            raise BadQuery(f"Prometheus refuses {expr!r}: unclosed left parenthesis")
        return super().query_range(expr, start, end, step)


def test_a_receipt_holds_both_windows(world: World) -> None:
    """What it was when all was well, and what it was when the learner looked."""
    (receipt,) = execute([SIGNAL], world.now, BASELINE, FakePrometheus(world, CATALOGUE), CATALOGUE)
    assert receipt.signals == ("postgres:seq_rows:rate",)
    assert receipt.window == Span(world.now - 60, world.now)
    assert max(receipt.baseline[0].values) == 0
    assert max(receipt.observed[0].values) == 2e7
    assert receipt.problem is None


def test_its_own_window_is_kept() -> None:
    """Relative to when it was recorded."""
    evidence = Evidence("signal", "queue:depth", ("-5m", "-4m"))
    assert asked(evidence, 1000.0, Panels()).window == Span(700.0, 760.0)


@pytest.mark.parametrize(
    ("window", "kept"),
    [
        (("now-6h", "now"), (None, 0)),
        (("-30d", "-20s"), (None, -20)),
        (("-30s", "now/d"), (-30, 0)),
    ],
)
def test_of_a_wide_window_only_the_incident_is_asked_for(
    world: World, window: tuple[str, str], kept: tuple[float | None, float]
) -> None:
    """Grafana's own default is six hours, more points than Prometheus gives at once; and what was
    an hour before the calm is of another night."""
    asks: list[tuple[float, float]] = []

    class Watched(FakePrometheus):
        def query_range(
            self, expr: str, start: float, end: float, step: float = 1.0
        ) -> list[Series]:
            asks.append((start, end))
            return super().query_range(expr, start, end, step)

    evidence = Evidence("signal", "postgres:seq_rows:rate", window)
    prometheus = Watched(world, CATALOGUE)
    (receipt,) = execute([evidence], world.now, BASELINE, prometheus, CATALOGUE)
    start = BASELINE.start if kept[0] is None else world.now + kept[0]
    assert receipt.window == Span(start, world.now + kept[1])
    assert (receipt.window.start, receipt.window.end) in asks
    assert min(start for start, _ in asks) >= BASELINE.start


@pytest.mark.parametrize(
    "window",
    [
        ("-1d", "-23h"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:01:00Z"),
        ("4000000000", "4000000060"),
    ],
)
def test_a_window_outside_the_incident_is_said_at_once(
    world: World, window: tuple[str, str]
) -> None:
    """And not at the verdict, where it would cost points."""
    diagnosis = Diagnosis("worker", "poison-task", (Evidence("signal", "queue:depth", window),))
    with pytest.raises(BadInput, match="outside this incident"):
        check(diagnosis, world.now, BASELINE, Strict(world, CATALOGUE))


def test_a_silent_prometheus_is_a_problem_and_not_an_empty_receipt(world: World) -> None:
    """Not having been able to look is unknown."""
    world.blind = True
    (receipt,) = execute([SIGNAL], world.now, BASELINE, FakePrometheus(world, CATALOGUE), CATALOGUE)
    assert receipt.problem is not None
    assert receipt.observed == ()


def test_a_panel_is_executed_like_its_promql(world: World) -> None:
    """All of its expressions, over the time that its address names."""
    start, end = int((world.now - 30) * 1000), int(world.now * 1000)
    dashboard = json.loads((DASHBOARDS / "night-overview.json").read_text())
    panel = next(one["id"] for one in dashboard["panels"] if one.get("targets"))
    url = f"http://g/d/night-overview/x?viewPanel=panel-{panel}&from={start}&to={end}"
    (receipt,) = execute(
        [Evidence("panel", url)], world.now, BASELINE, FakePrometheus(world, CATALOGUE), CATALOGUE
    )
    assert receipt.window == Span(world.now - 30, world.now)
    assert receipt.claim == url


def test_promql_that_is_none_is_refused_before_it_is_recorded(world: World) -> None:
    """A slip of the keyboard costs nothing; the message says which piece it was."""
    diagnosis = Diagnosis("worker", "poison-task", (SIGNAL, Evidence("promql", "rate((x[5s])")))
    with pytest.raises(BadInput, match="evidence 2"):
        check(diagnosis, world.now, BASELINE, Strict(world, CATALOGUE))


def test_an_address_of_elsewhere_is_refused_before_it_is_recorded(world: World) -> None:
    """It is no panel of the lab's."""
    diagnosis = Diagnosis("worker", "poison-task", (Evidence("panel", "http://example.org/"),))
    with pytest.raises(BadInput, match="evidence 1"):
        check(diagnosis, world.now, BASELINE, Strict(world, CATALOGUE))


def test_nothing_is_refused_for_want_of_a_prometheus(world: World) -> None:
    """A diagnosis can be given while nothing can be measured."""
    world.blind = True
    check(
        Diagnosis("worker", "poison-task", (SIGNAL,)), world.now, BASELINE, Strict(world, CATALOGUE)
    )
