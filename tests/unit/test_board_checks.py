"""Every check on the boards has something that it refuses: a panel that was made bad by hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from lab.signals import Catalogue
from tests.unit import board_checks as boards
from tests.unit.board_checks import CHECKS, Check
from tests.unit.boards import FLAGS, ROOT, STRIP, Json, Look, defaults

DASHBOARDS = ROOT / "infra" / "grafana" / "dashboards"
BOARDS = sorted(path.stem for path in DASHBOARDS.glob("*.json"))


@cache
def catalogue() -> Catalogue:
    return Catalogue.load()


def made(name: str) -> Look:
    """A board as it is, to be changed at will."""
    return Look(json.loads((DASHBOARDS / f"{name}.json").read_text()), catalogue())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_as_it_must_be(name: str, check: Check) -> None:
    """What the check says, of each board."""
    assert list(check(made(name))) == []


def at(number: int, change: Callable[[Json], Any]) -> Callable[[Look], Any]:
    """A change of one panel."""
    return lambda look: change(look.at(number))


def put(*way: str | int, value: Any) -> Callable[[Json], Any]:
    """Another value, so deep inside."""

    def change(where: Any) -> None:
        for step in way[:-1]:
            where = where[step]
        where[way[-1]] = value

    return change


def reused(look: Look) -> None:
    look.at(2)["targets"][0]["expr"] = "queue:depth"


def one_more(look: Look) -> None:
    look.made["panels"].append({**copy.deepcopy(look.at(2)), "id": 99})


def gone(look: Look) -> None:
    look.made["panels"].remove(look.at(2))


def crowd_of_queries(look: Look) -> None:
    look.made["panels"] += [copy.deepcopy(look.at(2)) for _ in range(40)]


def between(look: Look) -> None:
    look.made["panels"].append({"type": "row", "title": "x", "id": 200, "gridPos": {"y": 3}})


def other_way_round(look: Look) -> None:
    left, right = look.at(9), look.at(10)
    left["gridPos"], right["gridPos"] = right["gridPos"], left["gridPos"]


LEGEND = ("options", "legend")
DEFAULTS = ("fieldConfig", "defaults")
STEPS = (*DEFAULTS, "thresholds", "steps")
MATCHER = ("fieldConfig", "overrides", 0, "matcher", "options")
MARKS = ("annotations", "list")

BAD: list[tuple[Check, str, Callable[[Look], Any]]] = [
    (boards.ids, "database", reused),
    (boards.ids, "database", one_more),
    (boards.ids, "database", gone),
    (boards.state_timelines, "api", at(7, put(*STEPS, value=[{"value": None, "color": "green"}]))),
    (boards.state_timelines, "api", at(7, put("options", "perPage", value=20))),
    (boards.state_timelines, "api", at(7, put(*LEGEND, "showLegend", value=True))),
    (
        boards.state_timelines,
        "api",
        at(7, put(*DEFAULTS, "mappings", 0, "options", "0", "color", value="grey")),
    ),
    (boards.state_timelines, "containers", at(10, put("gridPos", "h", value=8))),
    (boards.legends, "database", at(2, put(*LEGEND, "sortBy", value="Name"))),
    (boards.legends, "database", at(2, put(*LEGEND, "placement", value="right"))),
    (boards.legends, "night-overview", at(9, put(*LEGEND, "showLegend", value=True))),
    (boards.names, "database", at(2, put("targets", 0, "legendFormat", value="{{statement}}"))),
    (boards.names, "queue", at(3, put("targets", 0, "legendFormat", value="queue:depth"))),
    (boards.names, "queue", at(3, put("targets", 0, "legendFormat", value="unacked"))),
    (boards.scales, "database", at(2, put(*DEFAULTS, "custom", "axisSoftMin", value=0.1))),
    (boards.scales, "database", at(2, put(*DEFAULTS, "custom", "axisSoftMax", value=0.001))),
    (boards.scales, "queue", at(3, put(*DEFAULTS, "custom", "axisSoftMax", value=20))),
    (boards.scales, "containers", at(2, put(*DEFAULTS, "custom", "axisSoftMax", value=0.4))),
    (boards.bounds, "queue", at(2, put(*STEPS, 0, "color", value="green"))),
    (boards.bounds, "queue", at(2, put(*STEPS, 1, "value", value=50))),
    (boards.bounds, "night-overview", at(6, put(*STEPS, 0, "color", value="red"))),
    (boards.bounds, "database", at(2, put(*STEPS, 0, "color", value="red"))),
    (
        boards.bounds,
        "queue",
        at(2, put(*DEFAULTS, "custom", "thresholdsStyle", "mode", value="off")),
    ),
    (boards.numbers, "night-overview", at(2, put("targets", 0, "instant", value=False))),
    (boards.numbers, "night-overview", at(2, put("options", "graphMode", value="area"))),
    (boards.numbers, "night-overview", at(2, put("title", value="Failing"))),
    (boards.units, "database", at(4, put(*DEFAULTS, "unit", value="cps"))),
    (boards.units, "queue", at(2, put(*DEFAULTS, "unit", value="s"))),
    (
        boards.marks,
        "api",
        lambda look: put(*MARKS, 0, "expr", value='ALERTS{alertstate="firing"}')(look.made),
    ),
    (
        boards.marks,
        "api",
        lambda look: put(*MARKS, 1, "expr", value="changes(api:flag[3s]) > 0")(look.made),
    ),
    (boards.marks, "api", lambda look: put(*MARKS, 2, "useValueForTime", value="true")(look.made)),
    (boards.marks, "api", lambda look: put(*MARKS, 2, "name", value="Fault")(look.made)),
    (
        boards.marks,
        "night-overview",
        lambda look: put(*MARKS, 0, "filter", "ids", value=[2])(look.made),
    ),
    (boards.titles, "night-overview", at(9, put("title", value="Customers who ask"))),
    (
        boards.titles,
        "database",
        at(2, put("title", value="How long one call of a statement takes")),
    ),
    (boards.first_screen, "night-overview", at(35, put("gridPos", "y", value=13))),
    (boards.first_screen, "night-overview", between),
    (boards.first_screen, "night-overview", other_way_round),
    (boards.first_screen, "database", at(2, put("gridPos", "h", value=9))),
    (boards.links, "api", lambda look: look.made["links"].pop()),
    (boards.links, "api", lambda look: put("links", 0, "keepTime", value=False)(look.made)),
    (boards.links, "api", lambda look: put("links", 0, "placement", value="x")(look.made)),
    (boards.links, "night-overview", at(9, put(*DEFAULTS, "links", 0, "url", value="/d/api"))),
    (boards.queries, "database", at(2, put("targets", 0, "expr", value="rate(up[5s])"))),
    (boards.queries, "database", at(2, put("targets", value=[]))),
    (boards.queries, "database", at(2, put("targets", 0, "datasource", value={"uid": "x"}))),
    (boards.queries, "database", crowd_of_queries),
    (boards.overrides, "api", at(2, put(*MATCHER, value="/(/"))),
    (boards.overrides, "api", at(2, put(*MATCHER, value="/^nobody$/"))),
    (boards.overrides, "api", at(2, put(*MATCHER, value="api-1"))),
]


@pytest.mark.parametrize(
    ("check", "name", "spoil"), BAD, ids=lambda one: getattr(one, "__name__", str(one))
)
def test_a_bad_panel_is_refused(check: Check, name: str, spoil: Callable[[Look], Any]) -> None:
    """One thing is wrong, and the check that is about it says so."""
    look = made(name)
    spoil(look)
    assert list(check(look)) != []


def test_each_check_has_something_that_it_refuses() -> None:
    """None of them is for show."""
    assert {check for check, *_ in BAD} == {*CHECKS}


def test_the_exceptions_are_what_they_are_excepted_for() -> None:
    """The strip of what rang, and the switches, are where the checks believe them to be."""
    assert [one.kind for one in made(STRIP[0]).board.panels if one.number == STRIP[1]] == [
        "changes"
    ]
    assert [one.kind for one in made(FLAGS[0]).board.panels if one.number == FLAGS[1]] == ["flags"]
    assert defaults(made(FLAGS[0]).at(FLAGS[1]))["mappings"][0]["options"]["1"]["text"] == "on"
