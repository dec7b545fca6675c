"""The charts of a page: one board, the way to the others, and a stretch of a chart as evidence."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from nicegui import events, ui

from lab.boards.layout import Panel
from lab.boards.pager import rules_table
from lab.room.charts import board, boards, for_script, options, title
from lab.room.frame import called
from lab.room.room import Room
from lab.screen.console import clock


def show_boards(room: Room, shown: str) -> None:
    """The charts of one board, and the way to the others."""

    @ui.refreshable
    def charts(uid: str) -> None:
        one = board(uid)
        with ui.element("nav").classes("room-ways").props('aria-label="Boards"'):
            for other in boards():
                button = ui.button(other.short, on_click=lambda other=other: show(other.uid))
                button.props("no-caps dense flat size=sm")
                if other is one:
                    button.props('aria-current="true"').classes("font-bold")
        drawn: list[tuple[int, Panel]] = []
        with ui.element("div").classes("room-charts"):
            for each in one.rows:
                if each.title is not None:
                    ui.label(each.title).classes("room-head")
                drawn += [(_chart(room, panel), panel) for panel in each.panels]
        told = json.dumps(for_script([one for one in drawn if one[0]], room.catalogue))
        ui.timer(0.2, lambda: ui.run_javascript(f"room.show({told}, {uid!r})"), once=True)

    def show(uid: str) -> None:
        ui.navigate.history.replace(f"/night?board={uid}")
        charts.refresh(uid)

    charts(board(shown).uid)


def _chart(room: Room, panel: Panel) -> int:
    """Draw one; the id of its element, 0 where it shows nothing that is measured."""
    name = title(panel, room.catalogue)
    width = f"grid-column: span {panel.width // 2}"
    if panel.kind == "alerts":
        ui.markdown(rules_table()).classes("text-xs").style("grid-column: span 12")
        return 0
    if panel.kind == "number":
        with called(ui.element("div").classes("room-number").style(width), name) as one:
            ui.label(name).classes("text-xs")
            ui.label("").classes("room-value")
        return one.id
    # A glance is as wide as three beside one another; there is no room here for six.
    width = "grid-column: span 4" if panel.kind == "small" else width
    linked = room.night is not None and room.night.boards is not None
    made = called(ui.echart(options(panel, room.catalogue, linked=linked)).style(width), name)
    if panel.kind == "state":
        made.style(f"min-height: {max(130, 24 * panel.height)}px")
    made.on(
        "chart:brushEnd",
        lambda event: _cite(room, panel, event),
        js_handler="(e) => emit(e.areas.length ? e.areas[0].coordRange : null)",
    )
    return made.id


async def _cite(room: Room, chart: Panel, event: events.GenericEventArguments) -> None:
    """A stretch of a chart becomes evidence."""
    if not event.args or not chart.signals:
        return
    start, until = (datetime.fromtimestamp(ms / 1000, tz=UTC) for ms in event.args)
    if (until - start).total_seconds() < 1:
        return
    window = (start.isoformat(timespec="seconds"), until.isoformat(timespec="seconds"))

    def add(name: str) -> None:
        room.desk.draft.cite(name, window, room.catalogue)
        ui.notify(f"cited: {name}, {clock(start.timestamp())} to {clock(until.timestamp())}")
        ui.run_javascript(f"room.unselect({event.sender.id})")

    if len(chart.signals) == 1:
        add(chart.signals[0])
        return
    with ui.dialog() as dialog, ui.card():
        ui.label("Which of them shows it?")
        for name in chart.signals:
            ui.button(name, on_click=lambda name=name: dialog.submit(name)).props("no-caps flat")
    chosen = await dialog
    if chosen is not None:
        add(chosen)
