"""What a pasted Grafana address shows: which expressions, over which time.

Reads the dashboards that the lab provisions, so it works without Grafana. Understands the address
of a panel (`/d/UID/...?viewPanel=3&from=...&to=...`; without a UID one of the home dashboard), of
Explore (`/explore?panes=...`) and of Prometheus' own page (`/graph?g0.expr=...`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lab.boards.links import OVERVIEW
from lab.diagnosis import moment
from lab.errors import BadInput
from lab.series import Span

DASHBOARDS = Path(__file__).resolve().parents[1] / "infra" / "grafana" / "dashboards"
HOME = OVERVIEW
"""The dashboard that Grafana opens with."""

ONE_PANEL = ("viewPanel", "editPanel", "inspect", "panelId")
"""How an address says that it is about one panel: looking at it, editing it, its data, embedded."""


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
        try:
            parts = urlsplit(url.strip())
        except ValueError as error:
            raise BadInput(f"{url!r} is no address: {error}") from error
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
        shown = next((asked[key] for key in ONE_PANEL if asked.get(key)), "")
        number = re.search(r"(?:^|\$|-)(\d{1,9})(?:-clone-\d+)?$", shown)
        if number is None:
            raise BadInput(
                "the address shows a whole dashboard, not one panel",
                remedy="in Grafana: the panel's menu, View, then copy the browser's address",
            )
        for panel in _panels(dashboard):
            if panel.get("id") == int(number[1]):
                return Panel(_expressions(panel), _window(asked.get("from"), asked.get("to"), now))
        raise BadInput(f"the dashboard {uid!r} has no panel {number[1]}")

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


def signal_at(url: str, now: float, signals: Collection[str]) -> str:
    """The one signal that a pasted address shows, where a signal is asked for and not evidence.

    Raises `BadInput` for another address, and where it shows something else or several.
    """
    expressions = Panels().at(url, now).expressions
    found = [one for one in expressions if one in signals]
    if len(found) != 1 or len(expressions) != 1:
        raise BadInput(
            f"the address shows {' and '.join(expressions)}, and one signal is asked for",
            remedy="name the one that is meant",
        )
    return found[0]


# Grafana's own JSON below: a dashboard is a tree of whatever its plugins like.


def _panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in dashboard.get("panels", []):
        yield panel
        yield from _panels(panel)


def _expressions(panel: Mapping[str, Any]) -> tuple[str, ...]:
    found = _shown(panel.get("targets", []))
    if not found:
        raise BadInput("that panel shows no measurement")
    return found


def _shown(queries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The PromQL of those that are not switched off: what the person saw."""
    return tuple(str(one["expr"]) for one in queries if one.get("expr") and not one.get("hide"))


def _explored(asked: Mapping[str, str], now: float) -> Panel:
    try:
        panes = list(json.loads(asked.get("panes") or "{}").values())
        asking = [(_shown(pane["queries"]), pane.get("range") or {}) for pane in panes]
        asking = [(shown, between) for shown, between in asking if shown]
        windows = {_window(one.get("from"), one.get("to"), now) for _, one in asking}
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise BadInput("that Explore address holds no query") from error
    if not asking:
        raise BadInput("that Explore address holds no query")
    return Panel(tuple(one for shown, _ in asking for one in shown), _only(windows))


def _graphed(asked: Mapping[str, str], now: float) -> Panel:
    """Prometheus' own page: expressions, each with how far back it looks, and up to when."""
    numbers = [key.partition(".")[0] for key in asked if re.fullmatch(r"g\d+\.expr", key)]
    windows: set[Span | None] = set()
    for number in numbers:
        end = asked.get(f"{number}.end_input", "now").replace(" ", "T")
        back = asked.get(f"{number}.range_input", "1h")
        try:
            until = moment(end, now)
            windows.add(Span(max(0.0, until - (now - moment(f"-{back}", now))), until))
        except ValueError as error:
            raise BadInput(f"the address's time range is not understood: {error}") from error
    return Panel(tuple(asked[f"{number}.expr"] for number in numbers), _only(windows))


def _only(windows: set[Span | None]) -> Span | None:
    if len(windows) > 1:
        raise BadInput(
            "the address shows several queries, each over a time of its own",
            remedy="close all but one, and copy the address again",
        )
    return next(iter(windows), None)


def _window(start: str | None, end: str | None, now: float) -> Span | None:
    if not start or not end:
        return None
    try:
        span = Span(moment(start, now), moment(end, now, ends=True))
    except ValueError as error:
        raise BadInput(f"the address's time range is not understood: {error}") from error
    # A live panel's window ends at the moment it was looked at.
    return Span(span.start, min(span.end, now))
