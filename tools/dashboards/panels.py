"""A panel as Grafana wants it, from the signals that it shows."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, text, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import text as text_models

from lab import looks
from lab.boards.layout import Panel, Place
from lab.boards.pager import rules_table
from lab.signals import Catalogue, Signal
from tools.dashboards import look

DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="prometheus")

SPAN_GAP_MS = 3000
"""A line bridges two missed scrapes; a longer hole is shown as a hole."""

OFF = "rgba(128, 128, 128, 0.25)"

Builder = timeseries.Panel | stat.Panel | statetimeline.Panel | text.Panel


def panel(spec: Panel, catalogue: Catalogue, at: Place) -> Builder:
    """The builder of one panel that shows signals, or rules. Raises `BadInput` for a signal that
    the catalogue lacks, `ValueError` for signals of several units."""
    if spec.kind == "alerts":
        return _alerts(spec).id(spec.number).grid_pos(position(at))
    signals = [catalogue[name] for name in spec.signals]
    units = {look.unit(signal) for signal in signals}
    if len(units) > 1:
        raise ValueError(f"panel {spec.title!r} mixes units: {sorted(units)}")
    title = spec.title or looks.promised(signals[0])
    builder = (
        _KINDS[spec.kind](spec, signals)
        .id(spec.number)
        .title(title)
        .description(description(signals))
        .datasource(DATASOURCE)
        .interval("1s")
        .unit(units.pop())
        .no_value("not measured")
        .grid_pos(position(at))
    )
    prefixes = looks.prefixes(signals)
    for letter, signal, prefix in zip(string.ascii_uppercase, signals, prefixes, strict=False):
        query = (
            prometheus.Dataquery()
            .ref_id(letter)
            .datasource(DATASOURCE)
            .expr(signal.name)
            .legend_format(look.legend(prefix, signal, title))
        )
        # A number is about now: a range would show the last one known, however old.
        builder.with_target(query.instant() if spec.kind == "number" else query.range())
    return builder


def position(place: Place) -> models.GridPos:
    """Where it stands on Grafana's grid."""
    return models.GridPos(h=place.height, w=place.width, x=place.x, y=place.y)


def description(signals: Sequence[Signal]) -> str:
    """What each signal means, and where to look when it moves (Grafana renders Markdown)."""
    return "\n\n".join(
        f"`{signal.name}`: {signal.meaning}\n\n*When it moves:* {signal.look_next}"
        for signal in signals
    )


# -- curves ---------------------------------------------------------------------------------------


def _lines(_spec: Panel, signals: Sequence[Signal]) -> timeseries.Panel:
    crowd = looks.crowded(signals)
    alone = len(signals) == 1 and not signals[0].split
    bound = looks.bound(signals)
    built = (
        timeseries.Panel()
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)  # noqa: FBT003 - the SDK's signature
            # Narrow panels cut columns off from the right.
            .calcs(["max", "median", "lastNotNull"])
            .sort_by("Max")
            .sort_desc(True)  # noqa: FBT003
        )
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
            .hide_zeros(crowd)
        )
        .thresholds(look.line_at_bound(signals))
        .thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(
                # A line at zero lies under the curve.
                common.GraphThresholdsStyleMode.DASHED
                if bound and bound[1]
                else common.GraphThresholdsStyleMode.OFF
            )
        )
        .color_scheme(_fixed(looks.INKS[0] if alone else looks.REST))
        .line_width(2)
        .fill_opacity(12 if alone else 0)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(SPAN_GAP_MS)
        .axis_soft_min(0)
        .axis_soft_max(looks.top(signals))
    )
    if signals[0].unit == "count" and not crowd:
        built.decimals(0)
    if told := look.mappings(signals[0], words=False):
        built.mappings(told)
    for letter, properties in look.by_query(signals):
        built.override_by_query(letter, properties)
    for pattern, properties in look.by_name(signals):
        built.override_by_regexp(pattern, properties)
    if any("server" in one.split and len(one.split) > 1 for one in signals):
        # As lab/looks.py calls them: "feed · primary", and long statements by their beginning.
        for regex, name in (
            (r"^(.*) · postgres-(.*)$", "$1 · $2"),
            (r"^(.{22}).{3,}( · \w+)$", "$1…$2"),
        ):
            built.with_transformation(
                models.DataTransformerConfig(
                    id_val="renameByRegex", options={"regex": regex, "renamePattern": name}
                )
            )
    return built


def _small(spec: Panel, signals: Sequence[Signal]) -> timeseries.Panel:
    """A glance: no table and no time axis; a click leads to the board that tells more."""
    built = (
        _lines(spec, signals)
        .legend(_no_legend())
        .line_width(1)
        .axis_width(48)
        .override_by_field_type("time", look.hidden_time_axis())
    )
    if looks.crowded(signals):
        # The shape matters; the tooltip names.
        built.overrides([]).override_by_field_type("time", look.hidden_time_axis())
        built.color_scheme(_fixed(looks.INKS[0]))
    if spec.to is not None:
        # The same minutes there as here.
        to = dashboards.DashboardLink(f"Open {spec.to}").url(f"/d/{spec.to}?${{__url_time_range}}")
        built.data_links([to])
    return built


def _no_legend() -> common_builders.VizLegendOptions:
    return (
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(False)  # noqa: FBT003
        .calcs([])
    )


def _fixed(colour: str) -> dashboards.FieldColor:
    return dashboards.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(colour)


# -- numbers and states ---------------------------------------------------------------------------


def _number(_spec: Panel, signals: Sequence[Signal]) -> stat.Panel:
    (signal,) = signals
    built = (
        stat.Panel()
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(
            common.BigValueColorMode.BACKGROUND_SOLID
            if signal.steady
            else common.BigValueColorMode.NONE
        )
        .reduce_options(common_builders.ReduceDataOptions().calcs(["last"]))
        .thresholds(look.filled_where_broken(signal))
        .decimals(0 if signal.unit == "count" else 1)
    )
    return built.mappings(told) if (told := look.mappings(signal, words=True)) else built


def _state(_spec: Panel, _signals: Sequence[Signal]) -> statetimeline.Panel:
    return timeline(("no", look.RED), ("yes", looks.UP)).thresholds(
        # Where states are merged Grafana names and colours them by their step (#41075, #71804).
        look.steps((None, look.RED), (1, looks.UP))
    )


def _flags(_spec: Panel, _signals: Sequence[Signal]) -> statetimeline.Panel:
    """Merged, or transparent, they would be black bars that say "< 1e-9"."""
    return (
        timeline(("off", OFF), ("on", looks.INKS[0]))
        .merge_values(False)  # noqa: FBT003
        .show_value(common.VisibilityMode.AUTO)
        .thresholds(look.steps((None, looks.INKS[0])))
    )


def timeline(*words: tuple[str, str]) -> statetimeline.Panel:
    """States over time; `words` are what 0, 1 and so on mean, with their colours."""
    told = {
        str(value): models.ValueMappingResult(text=word, color=colour, index=value)
        for value, (word, colour) in enumerate(words)
    }
    built = (
        statetimeline.Panel()
        .color_scheme(dashboards.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .legend(_no_legend())
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.SINGLE)
            .sort(common.SortOrder.NONE)
        )
        .align_value(common.TimelineValueAlignment.LEFT)
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(True)  # noqa: FBT003
        # Its pager is drawn even for one page.
        .disable_pagination()
        .row_height(0.75)
        .fill_opacity(80)
        .line_width(0)
        .span_nulls(SPAN_GAP_MS)
    )
    return built.mappings([models.ValueMap(options=told)]) if told else built


_KINDS: dict[str, Callable[[Panel, Sequence[Signal]], Builder]] = {
    "lines": _lines,
    "small": _small,
    "number": _number,
    "state": _state,
    "flags": _flags,
}


def _alerts(spec: Panel) -> text.Panel:
    return (
        text.Panel()
        .title(spec.title)
        .description("Prometheus evaluates these every second; a page wakes somebody up.")
        .mode(text_models.TextMode.MARKDOWN)
        .content(rules_table())
    )
