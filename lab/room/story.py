"""What has happened so far, on one clock, as the report will tell it."""

from __future__ import annotations

from nicegui import ui

from lab.chronicle import LEARNERS, SAID
from lab.history import Event
from lab.room.room import Room
from lab.screen.console import clock


def story(room: Room) -> None:
    """Build it; the last comes first."""
    with (
        ui.expansion("What has happened so far", value=True)
        .classes("w-full")
        .props("dense") as place
    ):
        lines = ui.column().classes("w-full gap-0")
    shown: list[object] = [None]

    def look() -> None:
        if room.story == shown[0]:
            return
        shown[0] = room.story
        place.set_visibility(bool(room.story))
        lines.clear()
        with lines:
            for event in reversed(room.story):
                _line(event)

    look()
    ui.timer(1.0, look)


def _line(event: Event) -> None:
    said = f"{clock(event.at)}  {SAID[event.kind]}"
    label = ui.label(f"{said}: {event.detail}" if event.detail else said).classes("room-mono")
    if event.kind not in LEARNERS:
        label.classes("room-dim")
