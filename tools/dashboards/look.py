"""What lab/looks.py says of a signal, as Grafana wants to be told: units, thresholds, overrides."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.models import dashboard as models

from lab import looks
from lab.signals import Signal
from lab.units import measure

RED = "red"
"""Grafana's own, which is another one on light than on dark."""

UNITS = {
    "s": "s",
    "bytes": "bytes",
    "ratio": "percentunit",
    "1/s": "count:/s",
    "s/s": "suffix:s/s",
    "rows/s": "count:rows/s",
    "cores": "short",
    "count": "short",
    "bool": "short",
}
"""Grafana's names of the catalogue's units; `count:` and `suffix:` make some of one's own."""

DASHES = {"fill": "dash", "dash": [6, 4]}

Mapping = models.ValueMap | models.RangeMap | models.RegexMap | models.SpecialValueMap
Override = tuple[str, list[models.DynamicConfigValue]]


def unit(signal: Signal) -> str:
    """Ages that are felt in seconds stay in seconds: 100 s, and never 1.67 mins."""
    if signal.unit == "s" and signal.tolerance.floor >= 1:
        return "suffix:s"
    return UNITS[signal.unit]


def steps(*pairs: tuple[float | None, str]) -> dashboards.ThresholdsConfig:
    """Thresholds: from each value on its colour; the first from minus infinity (None)."""
    return (
        dashboards.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(at, colour) for at, colour in pairs])
    )


def line_at_bound(signals: Sequence[Signal]) -> dashboards.ThresholdsConfig:
    """A red line at the bound of a curve, whichever side is bad."""
    bound = looks.bound(signals)
    if bound is None:
        return steps((None, "transparent"))
    op, limit = bound
    if op in ("<", "<="):
        return steps((None, "transparent"), (_above(limit), RED))
    return steps((None, RED), (limit, "transparent"))


def filled_where_broken(signal: Signal) -> dashboards.ThresholdsConfig:
    """A number is plain while its promise holds. Without data it takes the colour of the base,
    which must not be red."""
    bound = looks.bound([signal])
    if bound is None:
        return steps((None, looks.INKS[0]))
    op, limit = bound
    if op in ("<", "<="):
        return steps((None, "transparent"), (_above(limit), RED))
    return steps((None, "transparent"), (-1e9, RED), (limit, "transparent"))


def _above(limit: float) -> float:
    """A step begins at its value; where the bound is zero, zero itself must stay plain."""
    return limit or 1e-9


def legend(prefix: str, signal: Signal, title: str) -> str:
    """The name of its lines: what tells them apart, and nothing else."""
    labels = " · ".join(f"{{{{{label}}}}}" for label in looks.telling_first(signal.split))
    return f"{prefix} {labels}".strip() or title


def mappings(signal: Signal, *, words: bool) -> list[Mapping]:
    """What lies at the end of the last bucket; and the `words` that the catalogue has for values,
    which would stand at the ticks of an axis, too."""
    found: list[Mapping] = []
    if words and signal.words:
        told = {
            f"{value:g}": models.ValueMappingResult(text=text, index=place)
            for place, (value, text) in enumerate(signal.words.items())
        }
        found.append(models.ValueMap(options=told))
    if signal.ceiling is not None:
        end = models.ValueMappingResult(text=f"≥ {measure(signal.ceiling, signal.unit)}", index=9)
        beyond = models.DashboardRangeMapOptions(from_val=signal.ceiling, result=end)
        found.append(models.RangeMap(options=beyond))
    return found


def traces() -> str:
    """The address of the API's traces, in the minutes that one looks at."""
    asked = {
        "refId": "A",
        "datasource": {"type": "jaeger", "uid": "traces"},
        "queryType": "search",
        "service": "api",
        "limit": 20,
    }
    span = {"from": "FROM", "to": "TO"}
    panes = json.dumps({"api": {"datasource": "traces", "queries": [asked], "range": span}})
    # Grafana puts the times in; it would not find them encoded.
    minutes = quote(panes).replace("FROM", "${__from}").replace("TO", "${__to}")
    return f"/explore?schemaVersion=1&panes={minutes}"


def in_grafana(colour: str) -> str:
    """A colour of the lab's as Grafana has it."""
    return RED if colour == looks.BROKEN else colour


def painted(colour: str, *, dashes: bool = False) -> list[models.DynamicConfigValue]:
    """The properties of an override: one colour, and dashes where they are wanted."""
    found = [_property("color", {"mode": "fixed", "fixedColor": colour})]
    return [*found, *dashed()] if dashes else found


def dashed() -> list[models.DynamicConfigValue]:
    """The property of a dashed line."""
    return [_property("custom.lineStyle", DASHES)]


def hidden_time_axis() -> list[models.DynamicConfigValue]:
    """The property of a small curve: the crosshair tells the time."""
    return [_property("custom.axisPlacement", "hidden")]


def by_query(signals: Sequence[Signal]) -> Iterator[Override]:
    """Overrides by the letter of a query: several signals have a colour each; the whole beside its
    parts is grey and dashed."""
    if len(signals) < 2:
        return
    parts = any(one.split for one in signals)
    inks = zip(string.ascii_uppercase, signals, looks.inks(signals), strict=False)
    for letter, signal, ink in inks:
        if not signal.split:
            yield letter, painted(ink, dashes=parts)
        elif letter != "A":
            yield letter, dashed()


def by_name(signals: Sequence[Signal]) -> Iterator[Override]:
    """Overrides by the name of a line, as regular expressions."""
    for pattern, colour in looks.patterns(signals):
        yield f"/{pattern}/", painted(in_grafana(colour))
    labels = next((one.split for one in signals if one.split), ())
    if len(labels) > 1 and not looks.crowded(signals) and {"pool", "server"} & {*labels}:
        yield f"/{looks.SECOND}/", dashed()


def _property(name: str, value: Any) -> models.DynamicConfigValue:
    return models.DynamicConfigValue(id_val=name, value=value)
