"""The dashboard is what the catalogue says, and what Grafana accepts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from lab.signals import Catalogue

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "infra" / "grafana"
DASHBOARD = GRAFANA / "dashboards" / "night-overview.json"
SCHEMAS = ROOT / "tests" / "schemas" / "grafana"


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text())


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def schema(name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{name}.jsonschema.json").read_text())


def test_dashboard_is_made_from_the_catalogue(tmp_path: Path) -> None:
    """The committed dashboard is what `python -m tools.dashboards` makes now."""
    pytest.importorskip("grafana_foundation_sdk", reason="a development dependency")
    made = tmp_path / "dashboard.json"
    subprocess.run([sys.executable, "-m", "tools.dashboards", made], cwd=ROOT, check=True)
    assert made.read_text() == DASHBOARD.read_text(), "run `python -m tools.dashboards`"


def test_dashboard_is_valid(dashboard: dict[str, Any]) -> None:
    """It is a dashboard by Grafana's own schema."""
    jsonschema.validate(dashboard, schema("dashboard"))


def test_panels_are_valid(dashboard: dict[str, Any]) -> None:
    """The options of every panel are those that its kind knows."""
    for panel in panels(dashboard):
        kind = schema(panel["type"].replace("-", ""))
        checks = {"Options": panel.get("options", {})}
        if "FieldConfig" in kind["definitions"]:
            checks["FieldConfig"] = panel["fieldConfig"]["defaults"].get("custom", {})
        for definition, value in checks.items():
            jsonschema.validate(value, {**kind, "$ref": f"#/definitions/{definition}"})


def test_panels_ask_for_signals_only(dashboard: dict[str, Any], catalogue: Catalogue) -> None:
    """Every query is the name of a signal, so that what is seen can be given as evidence."""
    for panel in panels(dashboard):
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            assert target["expr"] in catalogue, panel["title"]
            assert target["datasource"] == {"type": "prometheus", "uid": "prometheus"}


def test_every_signal_is_shown(dashboard: dict[str, Any], catalogue: Catalogue) -> None:
    """No signal can move unseen."""
    shown = {target["expr"] for panel in panels(dashboard) for target in panel["targets"]}
    assert shown == {signal.name for signal in catalogue}


def test_panels_explain_themselves(dashboard: dict[str, Any], catalogue: Catalogue) -> None:
    """Each says what its signals mean and where to look next."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            signal = catalogue[target["expr"]]
            assert signal.meaning in panel["description"]
            assert signal.look_next in panel["description"]


def test_legends_tell_series_apart(dashboard: dict[str, Any], catalogue: Catalogue) -> None:
    """Each label that splits a signal is in its legend."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            for label in catalogue[target["expr"]].split:
                assert f"{{{{{label}}}}}" in target["legendFormat"]


def test_steady_bounds_are_thresholds(dashboard: dict[str, Any], catalogue: Catalogue) -> None:
    """Where the catalogue says what is steady, the panel turns red beyond it and not before."""
    for panel in panels(dashboard):
        bounds = [catalogue[target["expr"]].steady for target in panel["targets"]]
        bound = next((bound for bound in bounds if bound is not None), None)
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        colors = [step["color"] for step in steps]
        if bound is None:
            assert colors == ["green"]
            continue
        assert colors == (["green", "red"] if bound.op in ("<", "<=") else ["red", "green"])
        assert steps[1]["value"] == pytest.approx(bound.value, abs=1e-6)


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    """Every cell of the grid belongs to one panel at most, and ids are unique."""
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


def test_rows_follow_the_dependency_chain(dashboard: dict[str, Any]) -> None:
    """From the objectives and the customers down to the machine."""
    rows = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    assert rows == [
        "Objectives",
        "Customers",
        "Front door",
        "API",
        "Cache",
        "Database",
        "Queue",
        "Machine",
    ]


def test_provisioning_names_the_data_source() -> None:
    """The data source has the uid that the panels ask for, and the provider's folder exists."""
    yaml = YAML(typ="safe")
    (source,) = yaml.load(GRAFANA / "provisioning" / "datasources" / "prometheus.yaml")[
        "datasources"
    ]
    assert (source["type"], source["uid"], source["isDefault"]) == (
        "prometheus",
        "prometheus",
        True,
    )
    (provider,) = yaml.load(GRAFANA / "provisioning" / "dashboards" / "lab.yaml")["providers"]
    assert Path(provider["options"]["path"]).name == DASHBOARD.parent.name
