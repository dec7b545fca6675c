"""The page of the night: what rings, the charts along the chain, and everything one does."""

from __future__ import annotations

from nicegui import ui

from lab import incident
from lab.doors import Doors
from lab.ending import end, resolve
from lab.errors import LabError
from lab.progress import Report
from lab.room.board import show_boards
from lab.room.diagnosing import diagnosis_form
from lab.room.frame import begun, frame, told
from lab.room.looking import looking
from lab.room.operating import operating
from lab.room.room import Room
from lab.room.verdict import show_checks, verdict_panel
from lab.screen.console import clock
from lab.screen.night import Night, toll


def night_page(room: Room, shown: str) -> None:
    """Build the page, with the board that is called so."""
    frame("Night")
    with ui.element("main").classes("room-night w-full px-3"):
        with ui.element("section").classes("room-boards").props('aria-label="Charts"'):
            show_boards(room, shown)
        with ui.element("section").classes("room-tools").props('aria-label="The incident"'):
            _tools(room)


def _tools(room: Room) -> None:
    with ui.tabs().props("dense no-caps align=left") as tabs:
        for name in ("Incident", "Look", "Operate", "Diagnose", "Verdict"):
            ui.tab(name)
    with ui.tab_panels(tabs, value="Incident").classes("w-full bg-transparent"):
        with ui.tab_panel("Incident").classes("px-1"):
            _incident(room)
        with ui.tab_panel("Look").classes("px-1"):
            looking(room)
        with ui.tab_panel("Operate").classes("px-1"):
            operating(room)
        with ui.tab_panel("Diagnose").classes("px-1"):
            diagnosis_form(room)
        with ui.tab_panel("Verdict").classes("px-1"):
            verdict_panel(room)


# -- the incident -----------------------------------------------------------------------------


def _incident(room: Room) -> None:
    @ui.refreshable
    def now() -> None:
        _page(room.night, room.problem)
        _progress(room)

    now()
    seen: list[object] = [None]
    rang: list[int | None] = [None]

    def look() -> None:
        night = room.night
        state = (room.desk.version, night and night.at, room.problem)
        if state != seen[0]:
            seen[0] = state
            now.refresh()
        if night is not None and night.incident != rang[0] and _rings(night):
            # Whoever looks at another tab sees it there, too.
            rang[0] = night.incident
            ui.run_javascript("document.title = '\u25cf PAGE - 3AM Lab'")

    ui.timer(1.0, look)
    with ui.row().classes("gap-2 items-center"):
        ui.button("Acknowledge", on_click=lambda: _acknowledge(room)).props("no-caps dense outline")
        ui.button("Hint", on_click=lambda: _hint(room)).props("no-caps dense outline")
        ui.button("Resolve", on_click=lambda: _resolve(room)).props("no-caps dense")
        ui.button("End", on_click=lambda: _end(room)).props("no-caps dense outline")
        ui.button("Give up", on_click=lambda: _end(room, give_up=True)).props("no-caps dense flat")
    hints = ui.column().classes("w-full gap-1")
    brief = ui.expansion("What you know and may use").classes("w-full").props("dense")
    _texts(room, hints, brief)


def _texts(room: Room, hints: ui.column, brief: ui.expansion) -> None:
    """Brief, addresses and hints, again whenever the incident or the number of hints changes."""
    shown: list[tuple[int | None, int]] = [(None, 0)]

    async def look() -> None:
        night = room.night
        state = (night.incident if night else None, night.hints if night else 0)
        if state == shown[0]:
            return
        shown[0] = state
        brief.clear()
        hints.clear()
        if state[0] is None:
            return
        try:
            text, taken, addresses = await room.ask(_brief_and_hints)
        except LabError:
            return
        with brief:
            ui.markdown(text)
            for name, url in addresses.items():
                ui.link(name, url, new_tab=True)
        with hints:
            for number, hint in enumerate(taken, 1):
                ui.label(f"Hint {number}: {hint}").classes("text-sm")

    ui.timer(1.0, look)


def _brief_and_hints(doors: Doors) -> tuple[str, list[str], dict[str, str]]:
    row = incident.current(doors)
    scenario = incident.scenario_of(row)
    taken = len(doors.journal.hints(row.id))
    return (
        doors.library.text(scenario, "brief"),
        [scenario.fill(hint.text) for hint in scenario.hints[:taken]],
        doors.addresses(row),
    )


def _rings(night: Night) -> bool:
    return night.phase == "live" and night.seen is not None and night.seen.paged_at is not None


def _page(night: Night | None, problem: str | None) -> None:
    """What rings, and since when."""
    if night is None:
        ui.label(problem or "looking...").classes("room-page quiet")
        return
    if night.incident is None or night.phase != "live":
        ill = [one.name for one in night.services if not one.ok]
        word = {
            "preparing": "The night is being prepared.",
            "ended": "The night is over; the stack is on its way home.",
        }.get(str(night.phase), "No incident is on. The catalogue has some.")
        ui.label(word).classes("room-page quiet")
        if ill and night.phase is None:
            ui.label(f"not well: {', '.join(ill)}").classes("text-sm")
        return
    seen = night.seen
    if seen is None or not _rings(night):
        ui.label("You are on call. The pager is quiet.").classes("room-page quiet")
    else:
        kind = "acknowledged" if night.acknowledged_at else ""
        with ui.element("div").classes(f"room-page {kind} w-full").props("role=alert"):
            ui.label(f"PAGE {clock(seen.paged_at)}").classes("font-bold")
            ui.label(night.page)
    facts = toll(night)
    if night.diagnoses:
        facts.append("diagnosis is final" if night.final else f"{night.diagnoses} diagnoses")
    ui.label(" · ".join(facts)).classes("text-sm")
    with ui.row().classes("gap-2"):
        for one in night.objectives:
            mark = {True: "✓ kept", False: "✗ BROKEN", None: "? no data"}[one.kept]
            # Quiet when well: what is kept is as plain as what nobody knows.
            colour = "negative" if one.kept is False else "grey"
            ui.badge(f"{one.called}  {mark}", color=colour).props("outline")


def _progress(room: Room) -> None:
    """How far is what somebody has asked for, and what came of it."""
    desk = room.desk
    if desk.busy is not None:
        ui.label(desk.doing).classes("text-sm")
        ui.linear_progress(desk.share or 0, show_value=False).props(
            "" if desk.share is not None else "indeterminate"
        )
    if desk.error is not None:
        ui.label(f"{desk.error.message}").classes("text-negative whitespace-pre-wrap text-sm")
        if desk.error.remedy:
            ui.label(desk.error.remedy).classes("text-sm")
    if desk.measured is not None:
        word = {"pass": "It holds: mitigated.", "fail": "Not mitigated yet."}
        ui.label(word.get(desk.measured.outcome, "Could not be measured.")).classes("font-bold")
        show_checks(desk.measured.checks)


# -- acts ---------------------------------------------------------------------------------------


async def _acknowledge(room: Room) -> None:
    await told(lambda: room.act(incident.acknowledge), "acknowledged")


async def _hint(room: Room) -> None:
    try:
        price = await room.ask(incident.next_price)
    except LabError as error:
        ui.notify(error.message, type="warning")
        return
    if price is None:
        ui.notify("there are no more hints")
        return
    if await _sure(f"The next hint costs {price} points. Take it?"):
        await told(lambda: room.act(incident.take_hint), "a hint")


def _resolve(room: Room) -> None:
    def act(doors: Doors, report: Report) -> None:
        room.desk.measured = None
        room.desk.measured = resolve(doors, report)

    begun(room.desk, "measuring whether it holds", act)


async def _end(room: Room, *, give_up: bool = False) -> None:
    question = (
        "Give up? The answer is shown, and nothing more is measured."
        if give_up
        else "End the incident? The last diagnosis counts."
    )
    if not await _sure(question):
        return

    def act(doors: Doors, report: Report) -> None:
        end(doors, report, give_up=give_up)

    begun(room.desk, "the verdict, and the way home", act)


async def _sure(question: str) -> bool:
    with ui.dialog() as dialog, ui.card():
        ui.label(question)
        with ui.row():
            ui.button("Yes", on_click=lambda: dialog.submit(True)).props("no-caps")  # noqa: FBT003
            ui.button("No", on_click=lambda: dialog.submit(False)).props("no-caps flat")  # noqa: FBT003
    return bool(await dialog)
