"""What rang and what was changed: a thin line on every graph, and a strip on the overview.

It tells what an operator did, and what woke them up; it does not mark the fault.
"""

from __future__ import annotations

import string

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import prometheus, statetimeline
from grafana_foundation_sdk.models import dashboard as models

from lab import looks
from lab.boards.happened import FIRING, HAPPENINGS, STARTED
from lab.boards.layout import Panel, Place
from tools.dashboards import look
from tools.dashboards.panels import DATASOURCE, position, timeline

TURNED = "changes(api:flag[3s]) > 0"

MARKS = (
    # Only where it begins, and not again while it flaps: Grafana makes a region of samples that
    # follow one another, and a line of one alone.
    (
        "Pages",
        "rgba(242, 73, 92, 0.6)",
        f"{FIRING} unless max_over_time({FIRING}[30s] offset 1s)",
        "{{alertname}}",
        False,
    ),
    (
        "Flags turned",
        "rgba(90, 156, 245, 0.8)",
        f"{TURNED} unless changes(api:flag[3s] offset 1s) > 0",
        "{{flag}} turned",
        False,
    ),
    # Its own start as the time of the mark: on a busy machine a process may have run for seconds
    # before anybody asks it for the first time.
    (
        "API started anew",
        "rgba(142, 142, 142, 0.7)",
        f"{STARTED} * 1000",
        "{{service}} started",
        True,
    ),
)
"""Name, colour, PromQL and text of each kind of mark; whether its value is its time."""


def marks(but: list[int]) -> list[dashboards.AnnotationQuery]:
    """The marks on every graph of a board, `but` for the panels with those ids."""
    built = []
    for name, colour, expr, says, is_time in MARKS:
        one = (
            dashboards.AnnotationQuery()
            .name(name)
            .datasource(DATASOURCE)
            .enable(True)  # noqa: FBT003 - the SDK's signature
            .hide(True)  # noqa: FBT003 - the switch, not the marks
            .icon_color(colour)
            .expr(expr)
            .step("1s")
            .title_format(says)
        )
        if is_time:
            one.use_value_for_time(True)  # noqa: FBT003
        if but:
            one.filter(dashboards.AnnotationPanelFilter().exclude(True).ids(but))  # noqa: FBT003
        built.append(one)
    return built


def strip(spec: Panel, at: Place) -> statetimeline.Panel:
    """One row for each thing that happened, on one axis, while it lasted."""
    built = (
        timeline()
        .id(spec.number)
        .title(spec.title)
        .description(
            "Alerts while they fire (red: a page, orange: a warning), the application's flags "
            "while they are on, and processes of API and worker in their first ten seconds. Empty "
            "when nothing rang and nobody turned anything. As evidence it is worth nothing, and "
            "costs nothing: it says that something hurts, and not what broke."
        )
        .datasource(DATASOURCE)
        .interval("1s")
        .color_scheme(
            dashboards.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(looks.REST)
        )
        .thresholds(look.steps((None, looks.REST)))
        .grid_pos(position(at))
    )
    asked = [
        (one.expr, one.name(f"{{{{{one.label}}}}}"), look.in_grafana(one.colour))
        for one in HAPPENINGS
    ]
    # Without any series Grafana says that there is no field of times.
    asked.append(("vector(0)", " ", "transparent"))
    for letter, (expr, name, colour) in zip(string.ascii_uppercase, asked, strict=False):
        built.with_target(
            prometheus.Dataquery()
            .ref_id(letter)
            .datasource(DATASOURCE)
            .expr(expr)
            .legend_format(name)
            .range()
        )
        built.override_by_query(letter, look.painted(colour))
    return built
