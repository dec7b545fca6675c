"""The recording rules are what the catalogue says; alerts speak of signals and symptoms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.promql import names_in
from lab.rules import METADATA, RULES, metadata, render
from lab.series import MAX_GAP
from lab.signals import COMPONENTS, Catalogue

PROMETHEUS = RULES.parent.parent


def load(path: Path) -> Any:
    return YAML(typ="safe").load(path)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.fixture(scope="module")
def alerts() -> list[dict[str, Any]]:
    groups = load(PROMETHEUS / "rules" / "alerts.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_rules_are_made_from_the_catalogue(catalogue: Catalogue) -> None:
    """The committed rule file is what `python -m lab.rules` makes now."""
    assert RULES.read_text() == render(catalogue), "run `python -m lab.rules`"


def test_every_signal_is_described(catalogue: Catalogue) -> None:
    """What Prometheus tells of a rule's metric is what the catalogue says of the signal."""
    assert METADATA.read_text() == metadata(catalogue), "run `python -m lab.rules`"
    described = re.findall(r"^# HELP (\S+) \S", METADATA.read_text(), re.MULTILINE)
    assert described == [signal.name for signal in catalogue]


def test_every_signal_is_recorded_once(catalogue: Catalogue) -> None:
    """One rule for each signal, under its name."""
    groups = load(RULES)["groups"]
    recorded = [rule["record"] for group in groups for rule in group["rules"]]
    assert sorted(recorded) == sorted(signal.name for signal in catalogue)


def test_rules_that_read_signals_come_after_them(catalogue: Catalogue) -> None:
    """A rule sees this second's value of another only further down in the same group."""
    for group in load(RULES)["groups"]:
        before: set[str] = set()
        for rule in group["rules"]:
            for name in names_in(rule["expr"]):
                if name in catalogue:
                    assert name in before, f"{rule['record']} reads {name}"
            before.add(rule["record"])


def test_alerts_speak_of_signals(catalogue: Catalogue, alerts: list[dict[str, Any]]) -> None:
    """An alert reads signals and nothing else: what pages can be looked at by its name."""
    for alert in alerts:
        names = names_in(alert["expr"])
        assert names, alert["alert"]
        assert all(name in catalogue for name in names), alert["alert"]


def test_alerts_have_a_severity_a_component_and_a_summary(alerts: list[dict[str, Any]]) -> None:
    """What the pager shows is there, and the component is one of the chain."""
    for alert in alerts:
        assert alert["labels"]["severity"] in ("page", "warn")
        assert alert["labels"]["component"] in COMPONENTS
        assert alert["annotations"]["summary"]


def test_objectives_page_at_their_bound(catalogue: Catalogue, alerts: list[dict[str, Any]]) -> None:
    """What customers are promised and what pages are the same number."""
    exprs = [alert["expr"] for alert in alerts if alert["labels"]["severity"] == "page"]
    objectives = catalogue.objectives()
    assert {condition.signal for condition in objectives} == {
        "client:latency_seconds:p95",
        "client:errors:ratio",
    }
    for condition in objectives:
        assert f"{condition.signal} > {condition.value:g}" in exprs


def test_alert_names_and_texts_give_no_cause_away(alerts: list[dict[str, Any]]) -> None:
    """A page names what is seen; the reasons are the on-call's work."""
    causes = ("index", "lock", "leak", "flush", "chaos", "fault", "throttl", "evict", "starv")
    for alert in alerts:
        text = " ".join([alert["alert"], *alert["annotations"].values()]).lower()
        assert not [cause for cause in causes if cause in text], alert["alert"]


def test_every_alert_is_tested_both_ways(alerts: list[dict[str, Any]]) -> None:
    """promtool's cases hold, for each alert, one where it fires and one where it must not."""
    fires: set[str] = set()
    silent: set[str] = set()
    for case in load(PROMETHEUS / "tests" / "alerts.yml")["tests"]:
        for check in case["alert_rule_test"]:
            (fires if check["exp_alerts"] else silent).add(check["alertname"])
    names = {alert["alert"] for alert in alerts}
    assert fires == names
    assert silent == names


def test_scrapes_come_every_second() -> None:
    """The order in which things break is graded in seconds, so that is how often we look."""
    config = load(PROMETHEUS / "prometheus.yml")
    assert config["global"]["scrape_interval"] == "1s"
    assert config["global"]["evaluation_interval"] == "1s"


def test_a_hole_stays_a_hole() -> None:
    """Prometheus repeats a value no longer than a hole may be that the lab overlooks."""
    (told,) = re.findall(r"lookback-delta=(\d+)s", (PROMETHEUS / "Dockerfile").read_text())
    assert float(told) <= MAX_GAP
