"""The pager, which is heard on every page of the room, and whatever else is going on meanwhile."""

from __future__ import annotations

from nicegui import ui

from lab.room.room import Room
from lab.screen.console import clock
from lab.screen.night import Night

NIGHT = "/night"

NOBODY, QUIET, RINGS = "", "quiet", "rings"


def rings(night: Night) -> bool:
    """Whether somebody was called."""
    return night.phase == "live" and night.seen is not None and night.seen.paged_at is not None


def standing(night: Night | None) -> tuple[str, str]:
    """What is going on, in a few words, and how loud: `NOBODY`, `QUIET` or `RINGS`."""
    if night is None or night.incident is None:
        return "", NOBODY
    if night.phase == "preparing":
        return f"{night.slug} is being prepared", QUIET
    if night.phase != "live":
        return f"{night.slug} is over, the stack is on its way home", QUIET
    if night.seen is None or night.seen.paged_at is None:
        return f"{night.slug} is on, the pager is quiet", QUIET
    if night.acknowledged_at is not None:
        return f"{night.slug} is on, acknowledged {clock(night.acknowledged_at)}", QUIET
    return f"PAGE {clock(night.seen.paged_at)} {night.page}", RINGS


def pager(room: Room, here: str) -> None:
    """What is going on, in the bar of the page called `here`, and in its title while it rings."""
    link = ui.link("", NIGHT).classes("room-pager").props('role="status"')
    link.set_visibility(False)
    heard: list[object] = [None]

    def look() -> None:
        # Whoever has a page open wants to be called, whichever it is.
        room.feed.here()
        state = standing(room.night)
        if state == heard[0]:
            return
        heard[0] = state
        said, loud = state
        link.set_text(said)
        # The page of the night says it at length.
        link.set_visibility(bool(said) and here != "Night")
        link.classes(add="rings" if loud == RINGS else "", remove="" if loud == RINGS else "rings")
        mark = "\u25cf PAGE" if loud == RINGS else here
        ui.run_javascript(f"document.title = '{mark} - 3AM Lab'")

    ui.timer(1.0, look)
