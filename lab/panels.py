"""What a pasted Grafana address shows: which expressions, over which time.

Reads the dashboards that the lab provisions, so it works without Grafana. Understands the address
of a panel (`/d/UID/...?viewPanel=3&from=...&to=...`; without a UID one of the home dashboard), of
Explore (`/explore?panes=...`) and of Prometheus' own page (`/graph?g0.expr=...`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lab.diagnosis import moment
from lab.errors import BadInput
from lab.series import Span

DASHBOARDS = Path(__file__).resolve().parents[1] / "infra" / "grafana" / "dashboards"
HOME = "night-overview"
"""The dashboard that Grafana opens with."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The PromQL of a panel; `window` is None when the address does not say from when to when."""

    expressions: tuple[str, ...]
    window: Span | None


class Panels:
    """The panels of the dashboards in one folder."""

    def __init__(self, folder: Path = DASHBOARDS) -> None:
        self.folder = folder

    def at(self, url: str, now: float) -> Panel:
        """What that address shows when it is opened at Unix time `now`.

        Raises `BadInput` when it is not the address of a panel that the lab knows.
        """
        parts = urlsplit(url.strip())
        asked = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if parts.path.rstrip("/").endswith("/explore"):
            return _explored(asked, now)
        if "g0.expr" in asked:
            return _graphed(asked, now)
        if "/goto/" in parts.path:
            raise BadInput(
                "a shortened address cannot be read without Grafana",
                remedy="open it, and copy what the browser shows then",
            )
        named = re.search(r"/d(?:-solo)?/([^/]+)", parts.path)
        uid = named[1] if named else HOME if parts.path in ("", "/") and asked else None
        if uid is None:
            raise BadInput(
                f"{url!r} is not the address of a panel",
                remedy="in Grafana: the panel's menu, View, then copy the browser's address",
            )
        dashboard = self._dashboard(uid)
        number = re.search(r"\d+", asked.get("viewPanel") or asked.get("panelId") or "")
        if number is None:
            raise BadInput(
                "the address shows a whole dashboard, not one panel",
                remedy="in Grafana: the panel's menu, View, then copy the browser's address",
            )
        for panel in _panels(dashboard):
            if panel.get("id") == int(number[0]):
                return Panel(_expressions(panel), _window(asked.get("from"), asked.get("to"), now))
        raise BadInput(f"the dashboard {uid!r} has no panel {number[0]}")

    def _dashboard(self, uid: str) -> Mapping[str, Any]:
        known: list[str] = []
        for path in sorted(self.folder.glob("*.json")):
            dashboard: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if dashboard.get("uid") == uid:
                return dashboard
            known.append(str(dashboard.get("uid")))
        raise BadInput(
            f"the lab has no dashboard {uid!r}",
            remedy=f"it has: {', '.join(known) or 'none'}; or give the PromQL itself",
        )


# Grafana's own JSON below: a dashboard is a tree of whatever its plugins like.


def _panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in dashboard.get("panels", []):
        yield panel
        yield from _panels(panel)


def _expressions(holder: Mapping[str, Any]) -> tuple[str, ...]:
    found = [
        target["expr"]
        for target in holder.get("targets", holder.get("queries", []))
        if target.get("expr")
    ]
    if not found:
        raise BadInput("that panel shows no measurement")
    return tuple(found)


def _explored(asked: Mapping[str, str], now: float) -> Panel:
    try:
        panes = json.loads(asked.get("panes") or "{}")
        pane = next(iter(panes.values()))
        between = pane.get("range", {})
        return Panel(_expressions(pane), _window(between.get("from"), between.get("to"), now))
    except (ValueError, StopIteration, AttributeError, TypeError, KeyError) as error:
        raise BadInput("that Explore address holds no query") from error


def _graphed(asked: Mapping[str, str], now: float) -> Panel:
    """Prometheus' own page: an expression, how far back it looks, and up to when."""
    end = asked.get("g0.end_input", "now").replace(" ", "T")
    back = asked.get("g0.range_input", "1h")
    try:
        until = moment(end, now)
        window = Span(until - (now - moment(f"-{back}", now)), until)
    except ValueError as error:
        raise BadInput(f"the address's time range is not understood: {error}") from error
    return Panel((asked["g0.expr"],), window)


def _window(start: str | None, end: str | None, now: float) -> Span | None:
    if not start or not end:
        return None
    try:
        span = Span(_time(start, now), _time(end, now))
    except ValueError as error:
        raise BadInput(f"the address's time range is not understood: {error}") from error
    # A live panel's window ends at the moment it was looked at.
    return Span(span.start, min(span.end, now))


def _time(text: str, now: float) -> float:
    """Grafana writes milliseconds where others write seconds."""
    if re.fullmatch(r"\d{12,}", text):
        return int(text) / 1000
    return moment(text.replace("Z", "+00:00") if text.endswith("Z") else text, now)
