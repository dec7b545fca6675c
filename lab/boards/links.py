"""Addresses in Grafana: a board, or the panel of a signal, over the minutes of an incident."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlencode

from lab.boards import discover

OVERVIEW = "night-overview"

BEFORE_S = 60.0
"""A night is shown from so long before it began: what was normal, and not the start-up."""


def overview(grafana: str, since: float | None, until: float | None = None) -> str:
    """The overview as one wants it on call: without menus, over the incident's minutes.

    `since` is when one was called (Unix seconds; None: there is no incident, the last minutes);
    `until` is when it ended, None while it goes on.
    """
    return f"{grafana}/d/{OVERVIEW}?kiosk&{_minutes(since, until)}"


def panel(grafana: str, signal: str, since: float | None, until: float | None = None) -> str | None:
    """The panel that shows a signal best, over the incident's minutes; None where no board does."""
    where = _panels().get(signal)
    if where is None:
        return None
    uid, number = where
    return f"{grafana}/d/{uid}?viewPanel=panel-{number}&{_minutes(since, until)}"


@cache
def _panels() -> dict[str, tuple[str, int]]:
    """Signal -> board and panel; of several the first on a board of its own layer."""
    found: dict[str, tuple[str, int]] = {}
    # A glance or a number is no place to look closely.
    for board in sorted(discover(), key=lambda one: one.uid == OVERVIEW):
        for one in board.panels:
            for signal in one.signals:
                found.setdefault(signal, (board.uid, one.number))
    return found


def _minutes(since: float | None, until: float | None) -> str:
    if since is None:
        return urlencode({"from": "now-15m", "to": "now"})
    end = "now" if until is None else f"{until * 1000:.0f}"
    return urlencode({"from": f"{(since - BEFORE_S) * 1000:.0f}", "to": end})
