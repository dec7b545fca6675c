"""Write every dashboard to a folder, by default to where Grafana finds them."""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from lab.boards import discover
from lab.boards.layout import Board, grid
from lab.signals import Catalogue
from tools.dashboards import look
from tools.dashboards.changes import marks, strip
from tools.dashboards.panels import DATASOURCE, panel, position

FOLDER = Path(__file__).parents[2] / "infra" / "grafana" / "dashboards"
TAG = "3am-lab"
TRACED = Path("..") / "traced"
"""Beside the dashboards: those that lead to traces, for where there are some."""

HEADS = 101
"""Ids of row titles begin here, so that no panel's id ever moves."""


def render(board: Board, catalogue: Catalogue, *, traced: bool = False) -> str:
    """The dashboard's JSON; `traced`: its curves lead to the API's traces of those minutes."""
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
    )
    for other in discover():
        if other.uid != board.uid:
            built.link(
                dashboards.DashboardLink(other.short)
                .type(models.DashboardLinkType.LINK)
                .url(f"/d/{other.uid}")
                .keep_time(True)  # noqa: FBT003 - the SDK's signature
            )
    heads = itertools.count(HEADS)
    for row, head, placed in grid(board):
        if row.title is not None:
            built.with_row(dashboards.Row(row.title).id(next(heads)).grid_pos(position(head)))
        for spec, at in placed:
            made = strip(spec, at) if spec.kind == "changes" else panel(spec, catalogue, at)
            if traced and spec.kind == "lines":
                made.data_links([dashboards.DashboardLink("Traces").url(look.traces())])
            built.with_panel(made)
    # Marks would fall into the corner of panels without a time axis.
    timeless = [one.number for one in board.panels if one.kind in ("number", "small")]
    for mark in marks(timeless):
        built.annotation(mark)
    told: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True, indent=2).encode(built.build()))
    for one in (*told["links"], *told["annotations"]["list"]):
        # What the SDK writes here makes Grafana 12.3 leave the links out of the bar.
        del one["placement"]
    if board.narrow:
        told["templating"] = {"list": [_only()]}
    return json.dumps(told, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _only() -> dict[str, Any]:
    """A filter over all of a board's queries; the SDK's has a key that the schema lacks."""
    return {
        "type": "adhoc",
        "name": "only",
        "label": "Only",
        "hide": 0,
        "datasource": {"type": DATASOURCE.type_val, "uid": DATASOURCE.uid},
    }


def main() -> None:
    """What is there of an earlier layout goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    (folder / TRACED).mkdir(exist_ok=True)
    catalogue = Catalogue.load()
    for board in discover():
        (folder / f"{board.uid}.json").write_text(render(board, catalogue), encoding="utf-8")
        if board.uid == "api":
            text = render(board, catalogue, traced=True)
            (folder / TRACED / f"{board.uid}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
