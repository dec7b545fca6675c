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


def verdict_panel(room: Room) -> None:
    """The last incident's, as soon as it has ended."""
    place = ui.column().classes("w-full gap-1")
    shown: list[object] = [object()]

    async def look() -> None:
        night = room.night
        state = (night.incident if night else None, night.phase if night else None, room.desk.busy)
        if state == shown[0]:
            return
        shown[0] = state
        place.clear()
        with place:
            try:
                verdict = await room.ask(_last)
            except LabError as error:
                # Asked for while the incident comes to its end: its history is being read.
                said = "The verdict is being made." if room.desk.busy else error.message
                ui.label(said).classes("text-sm")
                return
            show_verdict(*verdict)

    ui.timer(1.0, look)


def _last(doors: Doors) -> tuple[int, Verdict]:
    row = chosen(doors, None)
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
