"""The charts of the room: the dependency chain, a few signals for each part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.signals import Catalogue

PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#B8A800",
    "#7F7F7F",
)
"""Colours that people with any colour vision tell apart, on light and on dark.

Okabe and Ito, *Color Universal Design* (2008); their yellow is darkened to be seen on white.
"""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: signals of one unit, side by side; several have a word each."""

    title: str
    signals: tuple[str, ...]
    words: tuple[str, ...] = ()


CHAIN: tuple[Chart, ...] = (
    Chart("Customers", ("client:arrivals:rate", "client:good:rate"), ("come", "are served")),
    Chart(
        "They wait",
        ("client:latency_seconds:p50", "client:latency_seconds:p95"),
        ("half", "one in twenty"),
    ),
    Chart("Customers get no answer", ("client:errors:ratio",)),
    Chart("API: replicas", ("nginx:upstreams_up:count", "api:ready:count"), ("let in", "ready")),
    Chart("API: requests under way", ("api:in_flight",)),
    Chart("API waits for", ("pool:waiting", "partner:waiting"), ("database", "partner")),
    Chart("Partner: calls under way", ("partner:in_flight",)),
    Chart("Partner: one call", ("partner:call_seconds:p95",)),
    Chart("Cache: hits by object", ("cache:object_hits:ratio",)),
    Chart("Database: one call", ("postgres:query_seconds:mean",)),
    Chart("Database: rows scanned", ("postgres:seq_rows:rate",)),
    Chart("Queue: oldest photo", ("queue:oldest_age_seconds",)),
    Chart("Queue: waiting", ("queue:depth",)),
    Chart("CPU of the limit", ("container:cpu:ratio",)),
)
"""From the customers to what everything stands on."""


def charted() -> list[str]:
    """Every signal that a chart shows."""
    return [name for chart in CHAIN for name in chart.signals]


def options(chart: Chart) -> dict[str, Any]:
    """What ECharts draws before there is a point; the page's own script adds those."""
    return {
        "animation": False,
        "title": {
            "text": chart.title,
            "left": 4,
            "top": 2,
            "textStyle": {"fontSize": 12, "fontWeight": 600, "color": "#8a8f98"},
        },
        "grid": {"left": 46, "right": 10, "top": 26, "bottom": 20},
        "xAxis": {
            "type": "time",
            "axisLabel": {"hideOverlap": True, "fontSize": 10, "color": "#8a8f98"},
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "axisLabel": {"fontSize": 10, "color": "#8a8f98"},
            "splitNumber": 3,
            "splitLine": {"lineStyle": {"opacity": 0.2}},
        },
        "tooltip": {"trigger": "axis", "confine": True, "order": "valueDesc"},
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
            "show": bool(chart.words),
            "right": 4,
            "top": 0,
            "itemWidth": 12,
            "itemHeight": 6,
            "icon": "rect",
            "textStyle": {"fontSize": 10, "color": "#8a8f98"},
        },
        "series": [],
    }


def for_script(charts: Sequence[tuple[int, Chart]], catalogue: Catalogue) -> list[dict[str, Any]]:
    """What the page's script must know of each chart: its element's id, what it shows, its unit."""
    return [
        {
            "id": number,
            "signals": chart.signals,
            "words": chart.words,
            "unit": catalogue[chart.signals[0]].unit,
            "palette": PALETTE,
            "steady": next(
                (
                    bound.value
                    for bound in (catalogue[name].steady for name in chart.signals)
                    if bound is not None
                ),
                None,
            ),
        }
        for number, chart in charts
    ]
