"""The verdict as a page shows it: points with their arithmetic, checks, the answer, the story."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from lab.doors import Doors
from lab.ending import chosen, verdict_of
from lab.errors import LabError
from lab.grading.verdict import Verdict
from lab.history import Check
from lab.report import SIGNS
from lab.room.room import Room
from lab.screen.console import ago

BEING_MADE = "The night is over. Its history is being read: the verdict is being made."
NONE_YET = "No night was lived here yet; a verdict comes with the end of one."
STILL_ON = "The night is on. The verdict comes with its end, and the last diagnosis counts."

Told = tuple[int, Verdict]
"""An incident's number, and the verdict on it."""


def verdict_panel(room: Room) -> None:
    """The last incident's, as soon as it has ended; until then, what goes on."""
    place = ui.column().classes("w-full gap-1")
    seen: list[object] = [None]
    shown: list[str | Told | None] = [None]

    async def look() -> None:
        night = room.night
        state = (night.incident if night else None, night.phase if night else None, room.desk.busy)
        if state == seen[0]:
            return
        try:
            found = await room.ask(last_told)
            # Nothing else says that a history is there.
            seen[0] = state if found != BEING_MADE else None
        except LabError as error:
            seen[0] = None
            # While the stack comes home much is not there for a moment.
            going_on = room.desk.busy is not None or (night is not None and night.phase == "ended")
            found = BEING_MADE if going_on else error.message
        if found == shown[0]:
            return
        shown[0] = found
        place.clear()
        with place:
            if isinstance(found, str):
                ui.label(found).classes("text-sm")
            else:
                show_verdict(*found)

    ui.timer(1.0, look)


def last_told(doors: Doors) -> str | Told:
    """The verdict on the last incident, or why there is none yet."""
    if not doors.journal.incidents(1):
        return NONE_YET
    row = chosen(doors, None)
    if row.phase == "live":
        return STILL_ON
    if row.phase == "ended" and row.history is None and row.invalid is None:
        return BEING_MADE
    return row.id, verdict_of(doors, row)


def show_checks(checks: Sequence[Check]) -> None:
    """What a recovery was measured by."""
    for check in checks:
        ui.label(f"{SIGNS[check.outcome]} {check.name}: {check.reason}").classes("text-xs")


def show_verdict(number: int, verdict: Verdict) -> None:
    """All of it."""
    colour = {"pass": "text-positive", "fail": "text-negative"}
    ui.label(f"{verdict.points} of {verdict.possible} points").classes("text-2xl font-bold")
    if verdict.light:
        ui.label("a light night: half the customers").classes("text-sm")
    for word, outcome, why in (
        ("diagnosed", verdict.diagnosed, verdict.diagnosed_why),
        ("mitigated", verdict.mitigated, verdict.mitigated_why),
    ):
        ui.label(f"{word}: {outcome}. {why}").classes(colour.get(outcome, ""))
    with ui.grid(columns="auto auto 1fr").classes("w-full gap-x-3 gap-y-0 text-sm"):
        for part in verdict.parts:
            ui.label(part.name)
            ui.label(f"{part.earned} of {part.judged}")
            ui.label("\n".join(part.lines)).classes("whitespace-pre-wrap")
    ui.label("\n".join(verdict.arithmetic)).classes("room-mono")
    with ui.expansion("Checks of the recovery").props("dense").classes("w-full"):
        show_checks(verdict.checks)
    times = verdict.times
    ui.label(
        f"from the first breach: acknowledged after {ago(times.acknowledged_s)}, diagnosed after "
        f"{ago(times.diagnosed_s)}, mitigated after {ago(times.mitigated_s)}"
    ).classes("text-sm")
    ui.label(verdict.burnt.reason).classes("text-sm")
    answer = verdict.answer
    ui.label(
        f"The answer: {answer.answer.component}, {answer.answer.cause} ({answer.object})"
    ).classes("font-bold")
    if verdict.put_back:
        with (
            ui.expansion("What you changed, and what was put back").props("dense").classes("w-full")
        ):
            for change in verdict.put_back:
                ui.label(change).classes("text-xs")
    ui.link("The whole story", f"/report/{number}", new_tab=True)
