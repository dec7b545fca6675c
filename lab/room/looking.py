"""The tools for looking: PromQL, one request's way, logs, and where the databases' time goes."""

from __future__ import annotations

import time

from nicegui import ui

from lab.diagnosis import is_address
from lab.doors import Doors
from lab.errors import LabError
from lab.logs import Event, chosen, events
from lab.panels import Panels
from lab.plans import planned
from lab.room.entering import completed
from lab.room.room import Room
from lab.room.tracing import tracing
from lab.screen.console import clock
from lab.series import Sample
from lab.statements import Statement, busiest
from lab.units import duration, measure

ROWS = 15
LOGS_S = 120.0

PLANS_S = 10.0
"""Seconds for the plans of all statements that are shown."""


def looking(room: Room) -> None:
    """Build them."""
    _promql(room)
    ui.separator()
    tracing(room)
    ui.separator()
    _logs(room)
    ui.separator()
    _statements(room)


def _promql(room: Room) -> None:
    names = [signal.name for signal in room.catalogue]

    async def ask() -> None:
        expr = str(asked.value or "").strip()
        if not expr:
            return
        if (name := completed(expr, names)) is not None:
            asked.value = expr = name
        try:
            found = await _query(room, expr)
        except LabError as error:
            answer.clear()
            with answer:
                ui.label(error.message).classes("text-negative text-sm")
            return
        answer.clear()
        with answer:
            for one in found[:ROWS]:
                labels = " ".join(
                    f"{key}={value}" for key, value in one.labels.items() if key != "__name__"
                )
                unit = room.catalogue[expr].unit if expr in room.catalogue else "count"
                ui.label(f"{measure(one.value, unit):>12}  {labels}").classes("room-mono")
            if not found:
                ui.label("nothing is measured there now").classes("text-sm")
            elif len(found) > ROWS:
                ui.label(f"and {len(found) - ROWS} more").classes("text-sm")

    def cite() -> None:
        expr = str(asked.value or "").strip()
        if expr:
            room.desk.draft.cite(expr, ("-60s", "now"), room.catalogue)
            ui.notify(f"cited: {expr}")

    with ui.row().classes("w-full items-end no-wrap gap-2"):
        asked = (
            ui.input("PromQL, a signal, or a panel's address", autocomplete=names)
            .classes("grow")
            .props("dense")
            .on("keydown.enter", ask)
        )
        ui.button("Ask", on_click=ask).props("no-caps dense")
        ui.button("Cite", on_click=cite).props("no-caps dense outline")
    answer = ui.column().classes("w-full gap-0")


async def _query(room: Room, text: str) -> list[Sample]:
    """What that PromQL gives now, or what the panel shows whose address it is; the most first."""

    def ask(doors: Doors) -> list[Sample]:
        expressions = Panels().at(text, doors.now()).expressions if is_address(text) else (text,)
        return [one for expr in expressions for one in doors.prometheus.query(expr)]

    return sorted(await room.ask(ask), key=lambda one: -one.value)


def _logs(room: Room) -> None:
    async def ask() -> None:
        request = str(wanted.value or "").strip()
        kind = str(which.value)
        try:
            found = await _events(room, request, kind)
        except LabError as error:
            ui.notify(error.message, type="warning")
            return
        answer.clear()
        with answer:
            for one in found:
                _line(one, wanted)
            if not found:
                ui.label("nobody has written of such a thing").classes("text-sm")

    with ui.row().classes("w-full items-end no-wrap gap-2"):
        which = ui.select(
            {"errors": "Errors", "slow": "Slow", "all": "Latest"}, value="errors"
        ).props('dense aria-label="Which lines"')
        wanted = ui.input("request id").classes("grow").props("dense").on("keydown.enter", ask)
        ui.button("Logs", on_click=ask).props("no-caps dense")
    answer = ui.column().classes("w-full gap-0")


async def _events(room: Room, request: str, kind: str) -> list[Event]:
    now = time.time()
    back = 1800.0 if request else LOGS_S
    found = await room.ask(
        lambda doors: events(doors.stack, since=now - back, until=now, request=request)
    )
    if request:
        return found
    return chosen(found, slow=kind == "slow", errors=kind == "errors", lines=ROWS)


def _line(one: Event, wanted: ui.input) -> None:
    took = "" if one.seconds is None else duration(one.seconds)
    text = f"{clock(one.began)} {one.service:<7} {one.outcome:<4} {took:>7} {one.what} {one.detail}"
    label = ui.label(text).classes("room-mono")
    if one.request_id:
        label.classes("cursor-pointer").props("tabindex=0").tooltip("its whole way")
        label.on("click", lambda: wanted.set_value(one.request_id))


def _statements(room: Room) -> None:
    async def ask() -> None:
        button.disable()
        try:
            found = await room.ask(_busiest)
        except LabError as error:
            ui.notify(error.message, type="warning")
            return
        finally:
            button.enable()
        answer.clear()
        with answer:
            for one in found:
                _statement(one)

    button = ui.button("Where does the databases' time go?", on_click=ask).props(
        "no-caps dense outline"
    )
    answer = ui.column().classes("w-full gap-0")


def _busiest(doors: Doors) -> list[Statement]:
    found = busiest(doors, over_s=2, most=6)
    return list(planned(doors.stack, found, within_s=PLANS_S))


def _statement(one: Statement) -> None:
    title = f"{one.server} {one.name}: {measure(one.share, 'ratio')} of one second"
    if one.calls:
        title += f", {measure(one.calls, '1/s')}, {duration(one.mean_s)} each"
    if one.running:
        title += f", {one.running} running for {duration(one.longest_s)}"
    if one.scans:
        title += f", reads all of {', '.join(one.scans)}"
    with ui.expansion(title).props("dense dense-toggle").classes("w-full text-sm"):
        ui.label("\n".join(one.plan) or "no plan can be told").classes("room-mono")
