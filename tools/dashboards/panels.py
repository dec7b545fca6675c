"""A panel as Grafana wants it, from the signals that it shows."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from pathlib import Path

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, text, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import text as text_models
from ruamel.yaml import YAML

from lab.signals import Catalogue, Signal
from tools.dashboards.layout import Panel, Place

ALERTS = Path(__file__).parents[2] / "infra" / "prometheus" / "rules" / "alerts.yml"
DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="prometheus")
UNITS = {
    "s": "s",
    "bytes": "bytes",
    "ratio": "percentunit",
    "1/s": "cps",
    "s/s": "short",
    "rows/s": "short",
    "cores": "short",
    "count": "short",
    "bool": "short",
}
"""Grafana's names of the catalogue's units."""

SPAN_GAP_MS = 3000
"""A line bridges two missed scrapes; a longer hole is shown as a hole."""

Builder = timeseries.Panel | stat.Panel | statetimeline.Panel | text.Panel


def thresholds(signals: Sequence[Signal]) -> dashboards.ThresholdsConfig:
    """Green where the steady state is, red beyond; plain green when nothing is promised."""
    bound = next((signal.steady for signal in signals if signal.steady is not None), None)
    if bound is None:
        steps = [models.Threshold(None, "green")]
    elif bound.op in ("<", "<="):
        # A step begins at its value; where the bound is zero, zero itself must stay green.
        steps = [models.Threshold(None, "green"), models.Threshold(bound.value or 1e-9, "red")]
    else:
        steps = [models.Threshold(None, "red"), models.Threshold(bound.value, "green")]
    return dashboards.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def description(signals: Sequence[Signal]) -> str:
    """What each signal means, and where to look when it moves (Grafana renders Markdown)."""
    return "\n\n".join(
        f"`{signal.name}`: {signal.meaning}\n\n*When it moves:* {signal.look_next}"
        for signal in signals
    )


def legend(signal: Signal, *, alone: bool) -> str:
    """The labels alone where one signal fills the panel, else its name before them."""
    labels = " ".join(f"{{{{{label}}}}}" for label in signal.split)
    return labels if alone and labels else f"{signal.name} {labels}".strip()


def _lines(signals: Sequence[Signal]) -> timeseries.Panel:
    style = common_builders.GraphThresholdsStyleConfig().mode(
        common.GraphThresholdsStyleMode.DASHED
        if any(signal.steady for signal in signals)
        else common.GraphThresholdsStyleMode.OFF
    )
    return (
        timeseries.Panel()
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)  # noqa: FBT003 - the SDK's signature
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .color_scheme(dashboards.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
        .thresholds_style(style)
        .line_width(1)
        .fill_opacity(5)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(SPAN_GAP_MS)
        .axis_soft_min(0)
    )


def _small(signals: Sequence[Signal]) -> timeseries.Panel:
    """A glance: no table below, and a legend only where lines have to be told apart."""
    alone = len(signals) == 1 and not signals[0].split
    return _lines(signals).legend(
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.HIDDEN if alone else common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(not alone)
        .calcs([])
    )


def _number(signals: Sequence[Signal]) -> stat.Panel:
    panel = (
        stat.Panel()
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return panel.decimals(1) if signals[0].unit != "count" else panel


def _state(_signals: Sequence[Signal]) -> statetimeline.Panel:
    words = {
        "0": models.ValueMappingResult(text="no", color="red", index=0),
        "1": models.ValueMappingResult(text="yes", color="green", index=1),
    }
    return (
        statetimeline.Panel()
        .mappings([models.ValueMap(options=words)])
        .color_scheme(dashboards.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .show_value(common.VisibilityMode.NEVER)
        .row_height(0.8)
        .span_nulls(SPAN_GAP_MS)
    )


_KINDS: dict[str, Callable[[Sequence[Signal]], Builder]] = {
    "lines": _lines,
    "small": _small,
    "number": _number,
    "state": _state,
}


def position(place: Place) -> models.GridPos:
    """Where it stands on Grafana's grid."""
    return models.GridPos(h=place.height, w=place.width, x=place.x, y=place.y)


def panel(spec: Panel, catalogue: Catalogue, number: int, at: Place) -> Builder:
    """The builder of one panel. Raises `BadInput` for a signal that the catalogue lacks."""
    if spec.kind == "alerts":
        return _alerts(spec).id(number).grid_pos(position(at))
    signals = [catalogue[name] for name in spec.signals]
    units = {signal.unit for signal in signals}
    if len(units) > 1:
        raise ValueError(f"panel {spec.title!r} mixes units: {sorted(units)}")
    builder = (
        _KINDS[spec.kind](signals)
        .id(number)
        .title(spec.title)
        .description(description(signals))
        .datasource(DATASOURCE)
        .interval("1s")
        .unit(UNITS[units.pop()])
        .no_value("not measured")
        .thresholds(thresholds(signals))
        .grid_pos(position(at))
    )
    if spec.to is not None:
        # The same minutes there as here.
        builder.links([dashboards.DashboardLink("More").url(f"/d/{spec.to}?${{__url_time_range}}")])
    for letter, signal in zip(string.ascii_uppercase, signals, strict=False):
        query = (
            prometheus.Dataquery()
            .ref_id(letter)
            .datasource(DATASOURCE)
            .expr(signal.name)
            .legend_format(legend(signal, alone=len(signals) == 1))
        )
        # A number is about now: a range would show the last one known, however old.
        builder.with_target(query.instant() if spec.kind == "number" else query.range())
    return builder


def _alerts(spec: Panel) -> text.Panel:
    """The rules of the pager as a table, from the file that Prometheus reads."""
    groups = YAML(typ="safe").load(ALERTS.read_text())["groups"]
    rows = ["| alert | severity | when | for | says |", "| --- | --- | --- | --- | --- |"]
    for rule in (rule for group in groups for rule in group["rules"]):
        when = " ".join(rule["expr"].split())
        says = rule["annotations"]["summary"].replace("{{ $labels.", "(").replace(" }}", ")")
        cells = (rule["alert"], rule["labels"]["severity"], f"`{when}`", rule["for"], says)
        rows.append(f"| {' | '.join(cells)} |")
    return (
        text.Panel()
        .title(spec.title)
        .description("Prometheus evaluates these every second; a page wakes somebody up.")
        .mode(text_models.TextMode.MARKDOWN)
        .content("\n".join(rows))
    )
