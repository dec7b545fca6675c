"""Write every dashboard to a folder, by default to where Grafana finds them."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from lab.signals import Catalogue
from tools.dashboards.boards import discover
from tools.dashboards.layout import Board, grid
from tools.dashboards.panels import DATASOURCE, panel, position

FOLDER = Path(__file__).parents[2] / "infra" / "grafana" / "dashboards"
TAG = "3am-lab"

STARTED = 'process_start_time_seconds{job="api"}'

ANNOTATIONS = (
    ("Pages", "red", 'ALERTS{alertstate="firing",severity="page"}', "{{alertname}}"),
    ("Flags turned", "blue", "changes(api:flag[3s]) > 0", "{{flag}} turned"),
    (
        "API started anew",
        "purple",
        # Its own start, not how long ago that was: on a busy machine a process may have run for
        # seconds before anybody asks it for the first time.
        f"{STARTED} unless ({STARTED} == last_over_time({STARTED}[5m] offset 3s))",
        "{{service}} started",
    ),
)
"""Name, colour, PromQL and text of what is marked on every graph: what rang, and what an operator
has done as far as the system shows it."""


def _annotation(name: str, colour: str, expr: str, says: str) -> dashboards.AnnotationQuery:
    return (
        dashboards.AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .enable(True)  # noqa: FBT003 - the SDK's signature
        .icon_color(colour)
        .expr(expr)
        .step("1s")
        .title_format(says)
    )


def render(board: Board, catalogue: Catalogue) -> str:
    """The dashboard's JSON."""
    others = (
        dashboards.DashboardLink("Boards")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)  # noqa: FBT003 - the SDK's signature
    )
    built = (
        dashboards.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .editable()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .time("now-15m", "now")
        .refresh("5s")
        .timepicker(dashboards.TimePicker().refresh_intervals(["1s", "5s", "10s", "30s"]))
        .link(others)
    )
    for annotation in ANNOTATIONS:
        built.annotation(_annotation(*annotation))
    numbers = itertools.count(1)
    for title, head, placed in grid(board):
        built.with_row(dashboards.Row(title).id(next(numbers)).grid_pos(position(head)))
        for spec, at in placed:
            built.with_panel(panel(spec, catalogue, next(numbers), at))
    return JSONEncoder(sort_keys=True, indent=2).encode(built.build()) + "\n"


def main() -> None:
    """What is there of an earlier layout goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    catalogue = Catalogue.load()
    for board in discover():
        (folder / f"{board.uid}.json").write_text(render(board, catalogue))


if __name__ == "__main__":
    main()
