"""The page of the catalogue: what there is to live through, found, and begun."""

from __future__ import annotations

import random
from dataclasses import dataclass
from urllib.parse import urlencode

from nicegui import ui

from lab import incident
from lab.doors import Doors
from lab.history import Outcome
from lab.past import Lived
from lab.progress import Report
from lab.room.frame import begun, called, frame
from lab.room.past import solved
from lab.room.room import Room
from lab.scenario import Scenario


@dataclass
class Wanted:
    """What is looked for; it stands in the page's address."""

    text: str = ""
    family: str = ""
    difficulty: int = 0
    tag: str = ""

    def fits(self, one: Scenario) -> bool:
        told = " ".join([one.slug, one.title, one.family, *one.tags]).lower()
        return (
            all(word in told for word in self.text.lower().split())
            and self.family in ("", one.family)
            and self.difficulty in (0, one.difficulty)
            and (not self.tag or self.tag in one.tags)
        )

    def address(self) -> str:
        asked = {key: value for key, value in vars(self).items() if value}
        return f"/?{urlencode(asked)}" if asked else "/"


@dataclass
class Chosen:
    """What makes a night's choices; None draws it."""

    seed: float | None = None

    def number(self) -> int:
        return random.randrange(10_000) if self.seed is None else int(self.seed)


async def catalogue_page(room: Room, wanted: Wanted) -> None:
    """Build the page."""
    frame(room, "Catalogue")
    every, done = await room.ask(lambda doors: _everything(doors, room.past))
    chosen = Chosen()

    @ui.refreshable
    def cards() -> None:
        fitting = [one for one in every if wanted.fits(one)]
        with ui.row().classes("w-full gap-4 items-stretch"):
            for one in fitting:
                _card(room, one, chosen, done, {each.slug: each for each in every})
        if not fitting:
            ui.label("No night is like that.")

    def changed() -> None:
        ui.navigate.history.replace(wanted.address())
        cards.refresh()

    families = sorted({one.family for one in every})
    tags = sorted({tag for one in every for tag in one.tags})
    with ui.column().classes("w-full px-4 gap-3"):
        with ui.row().classes("items-end gap-3"):
            ui.input("Search", on_change=changed).bind_value(wanted, "text").props(
                "dense clearable"
            )
            ui.select(
                {"": "every family"} | {one: one for one in families}, on_change=changed
            ).props('dense aria-label="Family"').bind_value(wanted, "family")
            ui.select(
                {0: "any difficulty"} | {n: "★" * n for n in range(1, 6)}, on_change=changed
            ).props('dense aria-label="Difficulty"').bind_value(wanted, "difficulty")
            ui.select({"": "every tag"} | {one: one for one in tags}, on_change=changed).props(
                'dense aria-label="Tag"'
            ).bind_value(wanted, "tag")
            ui.number("Seed", min=0, precision=0).props("dense").classes("w-24").bind_value(
                chosen, "seed"
            ).tooltip("The same seed gives the same night; without one it is drawn.")
        cards()


def _everything(doors: Doors, past: dict[int, Lived]) -> tuple[list[Scenario], dict[str, Outcome]]:
    every = [doors.library.load(slug, 0) for slug in doors.library.slugs()]
    every.sort(key=lambda one: (one.difficulty, one.slug))
    return every, solved(doors, past)


def _card(
    room: Room,
    one: Scenario,
    chosen: Chosen,
    done: dict[str, Outcome],
    known: dict[str, Scenario],
) -> None:
    with called(ui.card().classes("w-80 gap-1"), one.slug):
        ui.label(one.title).classes("font-bold")
        ui.label(f"{one.slug} · {'★' * one.difficulty} · {one.minutes} min").classes("text-sm")
        with ui.row().classes("gap-1"):
            for tag in dict.fromkeys((one.family, *one.tags)):
                ui.badge(tag).props("outline")
        if one.builds_on:
            before = ", ".join(
                f"{slug} {'✓' if done.get(slug) is Outcome.PASS else '(not yet)'}"
                for slug in one.builds_on
            )
            ui.label(f"builds on {before}").classes("text-sm")
        after = [slug for slug, other in known.items() if one.slug in other.builds_on]
        if after:
            ui.label(f"unlocks {', '.join(after)}").classes("text-sm")
        word = {Outcome.PASS: "✓ solved", Outcome.FAIL: "tried, not solved yet"}
        if one.slug in done:
            ui.label(word.get(done[one.slug], "tried")).classes("text-sm")
        ui.space()
        call = ui.button("Be on call", on_click=lambda: _begin(room, one.slug, chosen.number()))
        call.props("no-caps").bind_enabled_from(room, "free")


def _begin(room: Room, slug: str, seed: int) -> None:
    def act(doors: Doors, report: Report) -> None:
        incident.start(doors, slug, seed, report)

    if begun(room.desk, f"{slug} is being prepared", act):
        ui.navigate.to("/night")
