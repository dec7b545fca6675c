"""What may be done about the incident: a button for each, as long as it applies."""

from __future__ import annotations

from nicegui import ui

from lab import incident
from lab.doors import Doors
from lab.ending import end, resolve
from lab.errors import Failed, LabError
from lab.history import Outcome
from lab.progress import Report
from lab.restore import restore
from lab.room.frame import begun, told
from lab.room.pager import rings
from lab.room.room import Room
from lab.screen.night import Night

ACKNOWLEDGE, HINT, RESOLVE, END, GIVE_UP, HOME = (
    *("Acknowledge", "Hint", "Resolve", "End", "Give up"),
    "Bring the stack home",
)


def applying(night: Night | None, *, busy: bool) -> dict[str, bool]:
    """The acts that make sense now; False: not before what is being done is done."""
    if night is None or night.incident is None:
        return {}
    if night.phase == "ended":
        return {} if busy else {HOME: True}
    if night.phase != "live":
        return {}
    found: dict[str, bool] = {}
    if rings(night) and night.acknowledged_at is None:
        found[ACKNOWLEDGE] = True
    if night.hints_left:
        found[HINT] = True
    found |= {RESOLVE: not busy, END: not busy}
    if night.measured is None or night.measured.detail != Outcome.PASS:
        found[GIVE_UP] = not busy
    return found


def acts(room: Room) -> None:
    """Build the buttons."""
    with ui.row().classes("gap-2 items-center"):
        buttons = {
            ACKNOWLEDGE: _button(ACKNOWLEDGE, "outline", lambda: _acknowledge(room)),
            HINT: _button(HINT, "outline", lambda: _hint(room)),
            RESOLVE: _button(RESOLVE, "", lambda: _resolve(room)),
            END: _button(END, "outline", lambda: _end(room)),
            GIVE_UP: _button(GIVE_UP, "flat", lambda: _end(room, give_up=True)),
            HOME: _button(HOME, "", lambda: _bring_home(room)),
        }
    shown: list[object] = [None]

    def look() -> None:
        night = room.night
        now = applying(night, busy=room.desk.busy is not None)
        left = night.hints_left if night else 0
        if (now, left) == shown[0]:
            return
        shown[0] = (now, left)
        for name, button in buttons.items():
            button.set_visibility(name in now)
            button.set_enabled(now.get(name, False))
        buttons[HINT].set_text(f"{HINT} ({left} left)")

    look()
    ui.timer(0.5, look)


def _button(name: str, looks: str, act: object) -> ui.button:
    return ui.button(name, on_click=act).props(f"no-caps dense {looks}")  # type: ignore[arg-type]


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
        _be_home(end(doors, report, give_up=give_up).not_home)

    begun(room.desk, "the verdict, and the way home", act)


def _bring_home(room: Room) -> None:
    """What an end that was interrupted, or that did not get the stack home, has left to do."""

    def act(doors: Doors, report: Report) -> None:
        row = doors.journal.open_one()
        if row is None or row.announced_at is None:
            restore(doors, report)
        else:
            _be_home(end(doors, report).not_home)

    begun(room.desk, "the way home", act)


def _be_home(problem: str | None) -> None:
    if problem is not None:
        raise Failed(
            f"the verdict is there, but the stack is not home: {problem}",
            remedy=f"{HOME} tries again; `lab doctor` looks at the machine",
        )


async def _sure(question: str) -> bool:
    with ui.dialog() as dialog, ui.card():
        ui.label(question)
        with ui.row():
            ui.button("Yes", on_click=lambda: dialog.submit(True)).props("no-caps")  # noqa: FBT003
            ui.button("No", on_click=lambda: dialog.submit(False)).props("no-caps flat")  # noqa: FBT003
    return bool(await dialog)
