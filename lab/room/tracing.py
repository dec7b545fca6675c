"""One request, followed, in the room: `lab trace`, with the same words."""

from __future__ import annotations

from nicegui import ui

from lab.doors import Doors
from lab.errors import BadInput, LabError
from lab.room.room import Room
from lab.screen.waterfall import where_it_went
from lab.tracing.spans import in_order
from lab.tracing.trace import Trace, follow
from lab.units import duration

READ, UPLOAD = "/api/feed", "/api/photos"


def tracing(room: Room) -> None:
    """Build it: what to ask for, and where its time went."""

    async def ask(*, upload: bool) -> None:
        url = UPLOAD if upload else str(path.value or READ).strip()
        for one in buttons:
            one.disable()
        try:
            trace = await room.ask(lambda doors: followed(doors, url, upload=upload))
        except LabError as error:
            ui.notify(error.message, type="warning")
            return
        finally:
            for one in buttons:
                one.enable()
        answer.clear()
        with answer:
            _waterfall(trace)

    async def read() -> None:
        await ask(upload=False)

    async def upload() -> None:
        await ask(upload=True)

    with ui.row().classes("w-full items-end no-wrap gap-2"):
        path = (
            ui.input("Path", value=READ)
            .classes("grow")
            .props("dense")
            .on("keydown.enter", read)
            .tooltip("Where one request's time goes, step by step")
        )
        buttons = [
            ui.button("Trace", on_click=read).props("no-caps dense"),
            ui.button("Trace an upload", on_click=upload).props("no-caps dense outline"),
        ]
    answer = ui.column().classes("w-full gap-0").props('aria-label="Waterfall"')


def followed(doors: Doors, path: str, *, upload: bool) -> Trace:
    """What became of a request for that path. Raises `BadInput` for the address of something else:
    what listens on this machine beside the stack is nobody's business in the room."""
    if "://" in path or path.startswith("//"):
        raise BadInput(
            f"{path!r} is not a path of the front door", remedy="a path, such as /api/feed"
        )
    return follow(doors.stack, path, upload=upload)


def _waterfall(trace: Trace) -> None:
    first = min(one.began for one in trace.spans)
    whole = max(max(one.ended for one in trace.spans) - first, 1e-6)
    for depth, one in in_order(trace.spans):
        begins = 100 * max(one.began - first, 0.0) / whole
        wide = min(100 * one.seconds / whole, 100 - begins)
        step = ui.element("div").classes("room-step").tooltip(f"{one.name} {one.detail}")
        with step:
            ui.label(one.service).classes("room-dim")
            ui.label(one.name).style(f"padding-left: {0.6 * depth:.1f}em")
            with ui.element("div"):
                bar = ui.element("div").classes("room-bar")
                bar.style(f"margin-left: {begins:.2f}%; width: {wide:.2f}%")
            ui.label(duration(one.seconds)).classes("text-right")
            ui.label(one.detail).classes("text-negative" if one.failed else "room-dim")
    for note in trace.notes:
        ui.label(note).classes("text-sm")
    ui.label(where_it_went(trace)).classes("text-sm font-bold")
