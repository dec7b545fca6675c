"""Pasted Grafana addresses: which PromQL, from when to when."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from lab.errors import BadInput
from lab.panels import DASHBOARDS, Panels
from lab.series import Span

NOW = 1_800_000_000.0
AT = "http://127.0.0.1:3000/d/night/the-night"


@pytest.fixture
def panels(tmp_path: Path) -> Panels:
    dashboard = {
        "uid": "night",
        "panels": [
            {"id": 1, "targets": [{"expr": "queue:depth"}]},
            {"id": 2, "panels": [{"id": 3, "targets": [{"expr": "a"}, {"expr": "b"}]}]},
            {"id": 4, "title": "text"},
            {"id": 5, "targets": [{"expr": "seen"}, {"expr": "hidden", "hide": True}]},
        ],
    }
    (tmp_path / "night.json").write_text(json.dumps(dashboard))
    return Panels(tmp_path)


@pytest.mark.parametrize(
    ("url", "expressions"),
    [
        (f"{AT}?viewPanel=1", ("queue:depth",)),
        (f"{AT}?viewPanel=panel-3&orgId=1", ("a", "b")),
        ("http://g/d-solo/night/x?panelId=1", ("queue:depth",)),
        (f"{AT}?editPanel=1", ("queue:depth",)),
        (f"{AT}?inspect=panel-3&inspectTab=data", ("a", "b")),
        (f"{AT}?viewPanel=srv-18$panel-3", ("a", "b")),
        (f"{AT}?viewPanel=panel-3-clone-1", ("a", "b")),
        (f"{AT}?viewPanel=5", ("seen",)),
    ],
    ids=[
        "a panel",
        "within a row, as newer Grafana writes it",
        "a solo panel",
        "being edited",
        "its data",
        "repeated for a value",
        "repeated",
        "a query is switched off",
    ],
)
def test_a_panel_gives_its_promql(panels: Panels, url: str, expressions: tuple[str, ...]) -> None:
    """All of its queries; the window is left to others where the address has none."""
    assert panels.at(url, NOW).expressions == expressions
    assert panels.at(url, NOW).window is None


@pytest.mark.parametrize(
    "times",
    ["from=1799999000000&to=1799999500000", "from=now-1000s&to=now-500s"],
)
def test_the_address_says_from_when_to_when(panels: Panels, times: str) -> None:
    """In Grafana's milliseconds, or before now."""
    assert panels.at(f"{AT}?viewPanel=1&{times}", NOW).window == Span(NOW - 1000, NOW - 500)


def test_a_live_window_ends_when_it_was_pasted(panels: Panels) -> None:
    """Nobody has seen the future."""
    panel = panels.at(f"{AT}?viewPanel=1&from=1799999000000&to=1800009000000", NOW)
    assert panel.window == Span(NOW - 1000, NOW)


def test_explore_gives_its_query(panels: Panels) -> None:
    """A query that somebody typed into Explore."""
    panes = {
        "x": {"queries": [{"expr": "up"}], "range": {"from": "now-5m", "to": "now"}},
    }
    panel = panels.at(f"http://g/explore?schemaVersion=1&panes={quote(json.dumps(panes))}", NOW)
    assert (panel.expressions, panel.window) == (("up",), Span(NOW - 300, NOW))


def explored(*panes: tuple[str, str]) -> str:
    """The address of Explore with those panes: an expression, and since when."""
    told = {
        str(number): {"queries": [{"expr": expr}], "range": {"from": since, "to": "now"}}
        for number, (expr, since) in enumerate(panes)
    }
    return f"http://g/explore?panes={quote(json.dumps(told))}"


def test_all_that_the_page_showed_is_read(panels: Panels) -> None:
    """Both panes of a split Explore, and every graph of Prometheus' own page."""
    split = panels.at(explored(("up", "now-5m"), ("down", "now-5m")), NOW)
    assert (split.expressions, split.window) == (("up", "down"), Span(NOW - 300, NOW))
    graphs = "http://p/graph?g0.expr=up&g0.range_input=5m&g1.expr=down&g1.range_input=5m"
    assert panels.at(graphs, NOW) == split


def test_prometheus_own_page_gives_its_query(panels: Panels) -> None:
    """Where there is no Grafana: its expression, and how far back it looked."""
    url = "http://127.0.0.1:9090/graph?g0.expr=queue%3Adepth&g0.tab=0&g0.range_input=5m"
    panel = panels.at(url, NOW)
    assert (panel.expressions, panel.window) == (("queue:depth",), Span(NOW - 300, NOW))


def test_the_home_dashboard_needs_no_name() -> None:
    """Grafana opens with it, and its address is short then."""
    named = Panels().at("http://g/d/night-overview/x?viewPanel=panel-3", NOW)
    assert Panels().at("http://g/?orgId=1&viewPanel=panel-3", NOW) == named


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://example.org/", "not the address of a panel"),
        ("http://[host]/d/queue/x?viewPanel=2", "no address"),
        (f"{AT}?viewPanel={'9' * 5000}", "not one panel"),
        ("http://127.0.0.1:3000/explore?panes=" + "[" * 100_000, "holds no query"),
        (AT, "whole dashboard"),
        (f"{AT}?viewPanel=9", "no panel 9"),
        (f"{AT}?viewPanel=4", "no measurement"),
        ("http://g/d/other/x?viewPanel=1", "no dashboard 'other'"),
        (f"{AT}?viewPanel=1&from=yesterday&to=now", "time range"),
        ("http://g/explore?panes=nonsense", "no query"),
        ("http://g/goto/abc", "shortened"),
        (explored(("up", "now-5m"), ("down", "now-1h")), "a time of its own"),
        ("http://g/graph?g0.expr=up&g0.range_input=5m&g1.expr=up", "a time of its own"),
        ("http://g/graph?g0.expr=up&g0.range_input=long", "time range"),
    ],
)
def test_another_address_is_refused_with_the_reason(
    panels: Panels, url: str, complaint: str
) -> None:
    """Nothing is recorded for it."""
    with pytest.raises(BadInput, match=complaint):
        panels.at(url, NOW)


@pytest.mark.parametrize("path", sorted(DASHBOARDS.glob("*.json")), ids=lambda path: path.stem)
def test_every_shipped_panel_can_be_pasted(path: Path) -> None:
    """Each panel of the lab's own dashboards that shows a measurement is understood."""
    dashboard = json.loads(path.read_text())
    known = [one for one in dashboard["panels"] if one.get("targets")]
    assert known
    for panel in known:
        url = f"http://g/d/{dashboard['uid']}/x?viewPanel={panel['id']}"
        assert Panels().at(url, NOW).expressions
