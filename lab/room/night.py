"""The page of the night: what rings, the charts along the chain, and everything one does."""

from __future__ import annotations

from nicegui import ui

from lab import incident
from lab.doors import Doors
from lab.errors import LabError
from lab.history import Outcome
from lab.room.acts import acts
from lab.room.board import show_boards
from lab.room.diagnosing import diagnosis_form
from lab.room.frame import frame
from lab.room.looking import looking
from lab.room.operating import operating
from lab.room.pager import rings
from lab.room.room import Room
from lab.room.story import story
from lab.room.verdict import show_checks, verdict_panel
from lab.screen.console import clock
from lab.screen.night import Night, toll


def night_page(room: Room, shown: str) -> None:
    """Build the page, with the board that is called so."""
    frame(room, "Night")
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
        _page(room.night, room.problem, room.desk.busy)
        _progress(room)

    now()
    seen: list[object] = [None]

    def look() -> None:
        night = room.night
        state = (room.desk.version, night and night.at, room.problem)
        if state != seen[0]:
            seen[0] = state
            now.refresh()

    ui.timer(1.0, look)
    acts(room)
    hints = ui.column().classes("w-full gap-1")
    brief = ui.expansion("What you know and may use").classes("w-full").props("dense")
    _texts(room, hints, brief)
    story(room)


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


def _page(night: Night | None, problem: str | None, busy: str | None) -> None:
    """What rings, and since when; before there is an incident, what is being done for one."""
    if night is None:
        ui.label(problem or "looking...").classes("room-page quiet")
        return
    if night.incident is None or night.phase != "live":
        ill = [one.name for one in night.services if not one.ok]
        word = {
            "preparing": "The night is being prepared.",
            "ended": "The night is over; the stack is on its way home.",
        }.get(str(night.phase), busy or "No incident is on. The catalogue has some.")
        ui.label(word).classes("room-page quiet")
        if ill and night.phase is None:
            ui.label(f"not well: {', '.join(ill)}").classes("text-sm")
        return
    seen = night.seen
    if seen is None or not rings(night):
        ui.label("You are on call. The pager is quiet.").classes("room-page quiet")
    else:
        kind = "acknowledged" if night.acknowledged_at else ""
        with ui.element("div").classes(f"room-page {kind} w-full").props("role=alert"):
            ui.label(f"PAGE {clock(seen.paged_at)}").classes("font-bold")
            ui.label(night.page)
            if night.acknowledged_at:
                ui.label(f"acknowledged {clock(night.acknowledged_at)}").classes("text-sm")
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
    if desk.busy is None and room.night is not None:
        _measured(room, room.night)


def _measured(room: Room, night: Night) -> None:
    """What the last claim came to, whoever made it, and whether it still says anything."""
    last = night.measured
    if last is None or night.phase != "live":
        return
    kept = [one.kept for one in night.objectives]
    said = {"pass": "It holds: mitigated.", "fail": "Not mitigated yet."}
    word = said.get(last.detail, "Could not be measured.")
    still = True
    if last.detail == Outcome.FAIL and kept and all(kept):
        word = "It was not mitigated then; the objectives are kept now. Resolve measures anew."
        still = False
    if last.detail == Outcome.PASS and False in kept:
        word = "It held then, and is broken again."
        still = False
    ui.label(f"{word} (measured {clock(last.at)})").classes("font-bold")
    measured = room.desk.measured
    if still and measured is not None and measured.at == last.at:
        show_checks(measured.checks)
