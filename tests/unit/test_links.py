"""Into Grafana and back: addresses that the lab gives, and takes."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from lab import incident
from lab.boards import links
from lab.diagnosis import Diagnosis
from lab.doors import Doors
from lab.errors import BadInput
from lab.panels import Panels, signal_at
from lab.progress import QUIET
from lab.recall import last_diagnosis
from lab.room.room import Room
from lab.screen.night import look_at
from lab.series import Span
from lab.signals import Catalogue
from tests.unit.world import World

CATALOGUE = Catalogue.load()
NAMES = [signal.name for signal in CATALOGUE]
BASE = "http://127.0.0.1:3000"
SINCE, NOW = 1_800_000_000.0, 1_800_000_300.0


def test_the_overview_is_shown_from_before_the_night(doors: Doors) -> None:
    """Without menus, from a minute before one was called until now; where there is Grafana."""
    incident.start(doors, "slow", 1, QUIET)
    assert look_at(doors).boards is None
    assert "Grafana" not in doors.addresses()
    doors.stack.env["COMPOSE_PROFILES"] = "grafana"
    row = incident.current(doors)
    address = look_at(doors).boards
    assert address is not None
    assert doors.addresses(row)["Grafana"] == address
    assert urlsplit(address).path.endswith("/d/night-overview")
    asked = parse_qs(urlsplit(address).query, keep_blank_values=True)
    assert asked["kiosk"] == [""]
    assert asked["to"] == ["now"]
    assert row.announced_at is not None
    assert float(asked["from"][0]) == pytest.approx((row.announced_at - 60) * 1000, abs=1)


def test_without_an_incident_it_is_the_last_minutes(doors: Doors) -> None:
    """A look at what is, and nothing to begin with."""
    doors.stack.env["COMPOSE_PROFILES"] = "grafana"
    assert doors.addresses()["Grafana"].endswith("?kiosk&from=now-15m&to=now")


@pytest.mark.parametrize("name", NAMES)
def test_each_signal_leads_to_its_panel_and_back(name: str) -> None:
    """What the lab links to can be pasted as evidence: it shows the signal, over those minutes."""
    address = links.panel(BASE, name, SINCE)
    assert address is not None
    panel = Panels().at(address, NOW)
    assert name in panel.expressions
    assert panel.window == Span(SINCE - 60, NOW)
    ended = links.panel(BASE, name, SINCE, SINCE + 100)
    assert ended is not None
    assert Panels().at(ended, NOW).window == Span(SINCE - 60, SINCE + 100)


def test_what_no_board_shows_has_no_address() -> None:
    """Nor is one made up."""
    assert links.panel(BASE, "no:such:signal", SINCE) is None


def test_an_address_is_taken_where_a_signal_is_asked_for(doors: Doors, world: World) -> None:
    """In the order of a diagnosis, too: a panel with one signal is that signal."""
    incident.start(doors, "slow", 1, QUIET)
    world.now += 60
    depth = links.panel(BASE, "queue:oldest_age_seconds", None)
    assert depth is not None
    said = Diagnosis("postgres-primary", "missing-index", chain=("client:errors:ratio", depth))
    incident.diagnose(doors, said, final=False)
    kept = last_diagnosis(doors, incident.current(doors))
    assert kept is not None
    assert kept.chain == ("client:errors:ratio", "queue:oldest_age_seconds")


def test_an_address_of_several_signals_is_no_signal(doors: Doors, world: World) -> None:
    """Which of them is meant is for whoever pastes it to say."""
    several = f"{BASE}/d/queue/x?viewPanel=panel-3"
    with pytest.raises(BadInput, match="queue:depth and queue:unacked, and one signal is asked"):
        signal_at(several, NOW, NAMES)
    incident.start(doors, "slow", 1, QUIET)
    world.now += 60
    said = Diagnosis("postgres-primary", "missing-index", chain=(several,))
    with pytest.raises(BadInput, match="one signal is asked for"):
        incident.diagnose(doors, said, final=False)


def test_the_room_leads_to_a_signals_panel(doors: Doors) -> None:
    """Over the incident's minutes; nowhere where there is no Grafana."""

    class Opened:
        def __enter__(self) -> Doors:
            return doors

        def __exit__(self, *_: object) -> None:
            return None

    room = Room(Opened)
    assert room.in_grafana("queue:depth") is None
    incident.start(doors, "slow", 1, QUIET)
    doors.stack.env["COMPOSE_PROFILES"] = "grafana"
    row = incident.current(doors)
    assert room.in_grafana("queue:depth") == links.panel(
        doors.stack.url("grafana"), "queue:depth", row.announced_at
    )
