"""The form of a diagnosis: component, cause, evidence, order."""

from __future__ import annotations

from nicegui import ui

from lab import incident
from lab.diagnosis import moment
from lab.grading.vocabulary import Vocabulary
from lab.room.entering import completed, takes_first
from lab.room.frame import called, told
from lab.room.room import Room
from lab.screen.console import clock
from lab.screen.night import Night

WINDOWS = {"-60s": "the last minute", "-180s": "the last three minutes", "-600s": "the last ten"}


def diagnosis_form(room: Room) -> None:
    """Build it. What is put together is the desk's, and survives a reload of the page."""
    words = Vocabulary.load()
    draft = room.desk.draft
    names = [signal.name for signal in room.catalogue]
    components = {one.name: f"{one.name}: {one.meaning}" for one in words.components.values()}
    causes = {one.name: f"{one.name}: {one.meaning}" for one in words.causes.values()}
    for label, options, what in (
        ("What is at fault?", components, "component"),
        ("What is wrong with it?", causes, "cause"),
    ):
        field = takes_first(ui.select(options, label=label, with_input=True))
        field.bind_value(draft, what).classes("w-full").props("dense")
    ui.label("Evidence: drag over a chart, or name a signal. What shows nothing costs points.")
    _evidence(room, names)
    order = ui.select(
        names,
        label="In which order did it break? Earliest first.",
        multiple=True,
        # A panel's address is taken, too.
        new_value_mode="add-unique",
    )
    takes_first(order).bind_value(draft, "chain").classes("w-full").props("dense use-chips")
    ui.input("Note").bind_value(draft, "note").classes("w-full").props("dense")
    final = ui.checkbox("This is my last word")

    async def commit() -> None:
        def act() -> None:
            room.act(lambda doors: incident.diagnose(doors, draft.whole(), final=final.value))

        await told(act, "the diagnosis is recorded; a revision costs 5 points")

    button = ui.button("Commit", on_click=commit).props("no-caps")
    why_not = ui.label().classes("text-sm")

    def look() -> None:
        reason = refusal(room.night)
        if reason != why_not.text:
            button.set_enabled(not reason)
            why_not.set_text(reason)

    look()
    ui.timer(1.0, look)


def refusal(night: Night | None) -> str:
    """Why no diagnosis can be given now; empty where one can."""
    if night is None or night.phase != "live":
        return "A diagnosis is given while a night is on."
    return "The diagnosis is final." if night.final else ""


def _clock(text: str) -> str:
    """An absolute time as the charts show it; `now` and `-60s` stay as they are."""
    return clock(moment(text, 0)) if "T" in text else text


def _evidence(room: Room, names: list[str]) -> None:
    draft = room.desk.draft

    @ui.refreshable
    def cited() -> None:
        for number, one in enumerate(draft.evidence):
            with ui.row().classes("w-full items-center gap-1 no-wrap"):
                window = " to ".join(map(_clock, one.window)) if one.window else "the last minute"
                ui.label(one.text).classes("room-mono grow")
                ui.label(window).classes("text-xs")
                left_out = ui.button(icon="close", on_click=lambda number=number: drop(number))
                called(left_out.props("flat dense round size=sm"), f"Leave out {one.text}")

    def drop(number: int) -> None:
        del draft.evidence[number]
        cited.refresh()

    def add() -> None:
        if not text.value:
            return
        if (name := completed(str(text.value), names)) is not None:
            text.value = name
            return
        draft.cite(str(text.value).strip(), (str(window.value), "now"), room.catalogue)
        text.value = ""
        cited.refresh()

    cited()
    with ui.row().classes("w-full items-end no-wrap gap-2"):
        text = (
            ui.input("signal, PromQL, or a panel's address", autocomplete=names)
            .classes("grow")
            .props("dense")
            .on("keydown.enter", add)
        )
        window = ui.select(WINDOWS, value="-60s").props('dense aria-label="Window"')
        ui.button("Cite", on_click=add).props("no-caps dense outline")
    seen = [len(draft.evidence)]

    def look() -> None:
        if len(draft.evidence) != seen[0]:
            seen[0] = len(draft.evidence)
            cited.refresh()

    ui.timer(1.0, look)
