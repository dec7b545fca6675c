"""The dashboards are made of the boards, and are what Grafana accepts; how they must be for whoever
reads them is in test_board_checks.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from ruamel.yaml import YAML

from lab.history import Promise
from lab.signals import Catalogue

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "infra" / "grafana"
DASHBOARDS = GRAFANA / "dashboards"
BOARDS = sorted(path.stem for path in DASHBOARDS.glob("*.json"))
OVERVIEW = "night-overview"
SCHEMAS = ROOT / "tests" / "schemas" / "grafana"


def board(name: str) -> dict[str, Any]:
    return json.loads((DASHBOARDS / f"{name}.json").read_text())


@pytest.fixture(params=BOARDS)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    return board(request.param)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those that measure something."""
    return (panel for panel in dashboard["panels"] if panel["type"] not in ("row", "text"))


def schema(name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{name}.jsonschema.json").read_text())


def test_dashboards_are_made_from_the_catalogue(tmp_path: Path) -> None:
    """What is committed is what `python -m tools.dashboards` makes now."""
    pytest.importorskip("grafana_foundation_sdk", reason="a development dependency")
    made = tmp_path / "dashboards"
    subprocess.run([sys.executable, "-m", "tools.dashboards", made], cwd=ROOT, check=True)
    assert sorted(path.stem for path in made.iterdir()) == BOARDS
    for path in (*made.iterdir(), tmp_path / "traced" / "api.json"):
        kept = GRAFANA / path.parent.name / path.name
        assert path.read_text() == kept.read_text(), "run `python -m tools.dashboards`"


def test_where_there_are_traces_the_api_leads_to_them() -> None:
    """The same board but for that: from its curves to the traces of the same minutes, in a data
    source that is provisioned then and only then."""
    plain = board("api")
    traced = json.loads((GRAFANA / "traced" / "api.json").read_text())
    jsonschema.validate(traced, schema("dashboard"))
    curves = [one for one in traced["panels"] if one["type"] == "timeseries"]
    for panel in curves:
        (link,) = panel["fieldConfig"]["defaults"].pop("links")
        assert "${__from}" in link["url"]
        assert '"datasource": "traces"' in unquote(link["url"])
    assert curves
    assert traced == plain
    yaml = YAML(typ="safe")
    (source,) = yaml.load(GRAFANA / "traced" / "traces.yaml")["datasources"]
    assert (source["type"], source["uid"]) == ("jaeger", "traces")
    without = yaml.load(GRAFANA / "provisioning" / "datasources" / "traces.yaml")
    assert [one["name"] for one in without["deleteDatasources"]] == [source["name"]]
    assert "datasources" not in without


def test_dashboard_is_valid(dashboard: dict[str, Any]) -> None:
    """It is a dashboard by Grafana's own schema."""
    jsonschema.validate(dashboard, schema("dashboard"))


def test_panels_are_valid(dashboard: dict[str, Any]) -> None:
    """The options of every panel are those that its kind knows."""
    for panel in (one for one in dashboard["panels"] if one["type"] != "row"):
        kind = schema(panel["type"].replace("-", ""))
        checks = {"Options": panel.get("options", {})}
        if "FieldConfig" in kind["definitions"]:
            checks["FieldConfig"] = panel["fieldConfig"]["defaults"].get("custom", {})
        for definition, value in checks.items():
            jsonschema.validate(value, {**kind, "$ref": f"#/definitions/{definition}"})


def test_every_signal_is_shown(catalogue: Catalogue) -> None:
    """No signal can move unseen, and each has a board of its own beside the overview."""
    shown = {
        target["expr"]
        for name in BOARDS
        if name != OVERVIEW
        for panel in panels(board(name))
        for target in panel["targets"]
    }
    assert shown == {signal.name for signal in catalogue}


def test_panels_explain_themselves(dashboard: dict[str, Any], catalogue: Catalogue) -> None:
    """Each says what its signals mean and where to look next."""
    for panel in panels(dashboard):
        assert panel["description"]
        for target in (one for one in panel["targets"] if one["expr"] in catalogue):
            signal = catalogue[target["expr"]]
            assert signal.meaning in panel["description"]
            assert signal.look_next in panel["description"]


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


def test_the_pager_is_visible() -> None:
    """Every alert rule stands on the overview, with what it asks."""
    (told,) = [one for one in board(OVERVIEW)["panels"] if one["type"] == "text"]
    rules = YAML(typ="safe").load(
        (ROOT / "infra" / "prometheus" / "rules" / "alerts.yml").read_text()
    )
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert rule["alert"] in told["options"]["content"]
        assert " ".join(rule["expr"].split()) in told["options"]["content"]


def test_the_budget_is_the_one_that_verdicts_count(catalogue: Catalogue) -> None:
    """The board's burn rate and the verdict's budget come from one promise."""
    promise = Promise()
    burnt = catalogue["client:budget_burn:rate"].expr
    assert burnt == f"{promise.signal} * {1 / (1 - promise.target):.0f}"


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
    assert Path(provider["options"]["path"]).name == DASHBOARDS.name
