"""The charts of the room: the dependency chain at a glance, and every board that Grafana has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab import looks
from lab.boards import discover
from lab.boards.happened import HAPPENINGS
from lab.boards.layout import Board, Panel, lines, row
from lab.signals import Catalogue

GLANCE = Board(
    uid="glance",
    title="At a glance",
    short="At a glance",
    place=-1,
    description="The dependency chain, a few signals for each part of it.",
    rows=(
        row(
            None,
            lines(1, "Customers", "client:arrivals:rate", "client:good:rate"),
            lines(2, "They wait", "client:latency_seconds:p50", "client:latency_seconds:p95"),
            lines(3, "Customers fail", "client:errors:ratio"),
            lines(4, "Replicas", "nginx:upstreams_up:count", "api:ready:count"),
            lines(5, "API: in flight", "api:in_flight"),
            lines(6, "API waits for", "pool:waiting", "partner:waiting"),
            lines(7, "Partner: under way", "partner:in_flight"),
            lines(8, "Partner: a call, p95", "partner:call_seconds:p95"),
            lines(9, "Cache: hits", "cache:object_hits:ratio"),
            lines(10, "DB: one call", "postgres:query_seconds:mean"),
            lines(11, "DB: rows scanned", "postgres:seq_rows:rate"),
            lines(12, "Oldest photo", "queue:oldest_age_seconds"),
            lines(13, "Queue depth", "queue:depth"),
            lines(14, "CPU of the limit", "container:cpu:ratio"),
        ),
    ),
)
"""What the page of the night opens with: from the customers to what everything stands on."""


def boards() -> tuple[Board, ...]:
    """Every board that the room can show, its own first."""
    return (GLANCE, *discover())


def board(uid: str) -> Board:
    """The board of that name; the glance where there is none."""
    return next((one for one in boards() if one.uid == uid), GLANCE)


def asked_by(one: Board) -> tuple[str, ...]:
    """What the charts of a board show: its signals, and what happens."""
    signals = [name for panel in one.panels for name in panel.signals]
    return (*dict.fromkeys(signals), *(happening.kind for happening in HAPPENINGS))


def title(panel: Panel, catalogue: Catalogue) -> str:
    """What stands above a chart; of a number what is promised."""
    return panel.title or looks.promised(catalogue[panel.signals[0]])


def options(panel: Panel, catalogue: Catalogue, *, linked: bool) -> dict[str, Any]:
    """What ECharts draws before there is a point; the page's own script adds those. Where it is
    `linked` the title leads to Grafana."""
    quiet = {"fontSize": 10, "color": "#8a8f98"}
    strip = panel.kind in ("state", "flags", "changes")
    return {
        "animation": False,
        "title": {
            "text": title(panel, catalogue) + (" ↗" if linked and panel.signals else ""),
            **({"link": f"/grafana/{panel.signals[0]}"} if linked and panel.signals else {}),
            "left": 4,
            "top": 2,
            "textStyle": {"fontSize": 12, "fontWeight": 600, "color": "#8a8f98"},
        },
        "grid": {"left": 92 if strip else 50, "right": 10, "top": 38, "bottom": 20},
        # Shown with the first points: a scale without any has made-up times.
        "xAxis": {"type": "time", "show": False, "axisLabel": {"hideOverlap": True, **quiet}},
        "yAxis": {
            "type": "category",
            "data": [],
            "inverse": True,
            "axisLabel": {"interval": 0, **quiet},
        }
        if strip
        else {
            "type": "value",
            "min": 0,
            "show": False,
            "axisLabel": quiet,
            "splitNumber": 3,
            "splitLine": {"lineStyle": {"opacity": 0.2}},
        },
        "tooltip": {"trigger": "item" if strip else "axis", "confine": True, "order": "valueDesc"},
        "brush": {
            "xAxisIndex": 0,
            "brushType": "lineX",
            "brushMode": "single",
            "transformable": False,
            "throttleType": "debounce",
            "brushStyle": {"color": "rgba(86, 180, 233, 0.25)", "borderColor": "#56B4E9"},
        },
        "toolbox": {"show": False},
        "legend": {
            "show": not strip,
            "left": 4,
            "top": 18,
            "itemWidth": 10,
            "itemHeight": 4,
            "itemGap": 8,
            "icon": "rect",
            "textStyle": quiet,
        },
        "series": [],
    }


def for_script(charts: Sequence[tuple[int, Panel]], catalogue: Catalogue) -> list[dict[str, Any]]:
    """What the page's script must know of each chart: its element's id, what it shows, how that is
    called and coloured, its unit, scale and bound."""
    return [_one(number, panel, catalogue) for number, panel in charts]


def _one(number: int, panel: Panel, catalogue: Catalogue) -> dict[str, Any]:
    signals = [catalogue[name] for name in panel.signals]
    bound = looks.bound(signals)
    first = signals[0] if signals else None
    return {
        "id": number,
        "kind": panel.kind,
        "title": title(panel, catalogue),
        "signals": panel.signals or [one.kind for one in HAPPENINGS],
        "prefixes": looks.prefixes(signals),
        "inks": looks.inks(signals),
        "down": any(one.direction == "down" for one in signals),
        "unit": first.unit if first else "bool",
        "top": looks.top(signals) if signals else 1,
        "bound": None if bound is None else {"op": bound[0], "value": bound[1]},
        "words": {
            one.name: {f"{value:g}": text for value, text in one.words.items()} for one in signals
        },
        "ceiling": first.ceiling if first else None,
        "broken": looks.BROKEN,
        "up": looks.UP,
        "rest": looks.REST,
        "marks": [one.kind for one in HAPPENINGS],
    }
