"""What every page has: a name, the ways to the others, light and dark."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from nicegui import app, ui

from lab import looks
from lab.doors import Doors
from lab.errors import LabError
from lab.progress import Report
from lab.room.desk import Desk
from lab.room.pager import pager
from lab.room.room import Room

BACK = {2: "2 min", 5: "5 min", 15: "15 min", 30: "30 min", 60: "1 h", 0: "night"}
"""How far back the charts go, in minutes; 0 is the whole night."""

Shown = TypeVar("Shown", bound=ui.element)

PAGES = {"Catalogue": "/", "Night": "/night", "Past": "/past"}


def frame(room: Room, here: str) -> None:
    """The bar on top, and what the pages need from their own files."""
    ui.page_title(f"{here} - 3AM Lab")
    ui.add_head_html('<link rel="stylesheet" href="/room/room.css">')
    for script in ("words", "room"):
        ui.add_head_html(f'<script src="/room/{script}.js"></script>')
    # Nothing is green; red is what is broken (lab/looks.py).
    ui.colors(primary="#0072B2", negative=looks.BROKEN, positive=looks.UP, warning="#B35C00")
    dark = ui.dark_mode().bind_value(app.storage.general, "dark")
    with ui.header().classes("items-center px-4 py-2 gap-4"):
        ui.label("3AM Lab").classes("text-lg font-bold")
        with ui.element("nav").classes("flex gap-4"):
            for name, path in PAGES.items():
                link = ui.link(name, path).classes("text-white no-underline")
                if name == here:
                    link.classes("font-bold").props('aria-current="page"')
        pager(room, here)
        ui.space()
        if here == "Night":
            ui.toggle(
                BACK,
                value=5,
                on_change=lambda e: ui.run_javascript(f"room.look_back({e.value})"),
            ).props(
                'dense no-caps unelevated color="blue-9" toggle-color="white" '
                'toggle-text-color="primary" aria-label="How far back"'
            )
        ui.html('<span id="room-blind" role="status"></span>', sanitize=False)
        ui.button(icon="contrast", on_click=dark.toggle).props(
            'flat round dense color=white aria-label="Light or dark"'
        )


def called(element: Shown, name: str) -> Shown:
    """What somebody hears who does not see the page. `props` would read it: a quote in it would
    end it, and what follows would be attributes, a script among them."""
    element.props["aria-label"] = name
    return element


def begun(desk: Desk, what: str, act: Callable[[Doors, Report], None]) -> bool:
    """Begin something that takes its time, or say why not now. Whether it has begun."""
    try:
        desk.do(what, act)
    except LabError as error:
        ui.notify(error.message, type="warning")
        return False
    return True


async def told(act: Callable[[], Any], done: str) -> bool:
    """Do something short, and say what came of it. Whether it worked."""
    try:
        await asyncio.to_thread(act)
    except LabError as error:
        ui.notify(
            error.message + (f" ({error.remedy})" if error.remedy else ""),
            type="warning",
            multi_line=True,
        )
        return False
    ui.notify(done, type="positive")
    return True
