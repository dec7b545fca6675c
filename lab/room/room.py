"""The room behind its pages: the home it looks at, what it reads, and what is done in it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from lab.boards import links
from lab.doors import Doors
from lab.errors import LabError
from lab.gather import so_far
from lab.history import Event
from lab.incident import scenario_of
from lab.moments import Moments
from lab.records import Row
from lab.room.desk import Desk, Opener
from lab.room.feed import Feed
from lab.screen.night import Night, look_at
from lab.series import Span
from lab.signals import Catalogue

if TYPE_CHECKING:
    from lab.past import Lived

T = TypeVar("T")

LOOK_S = 2.0
"""How often the incident itself is looked at; the charts are read every second."""

LEAVE_S = 600.0
"""A room that was opened beside something else is closed when nobody has looked for so long."""


def calm_of(row: Row | None) -> Span | None:
    """The stretch of an incident in which all was well; None before there was one."""
    if row is None or row.baseline_from is None or row.baseline_until is None:
        return None
    return Span(row.baseline_from, row.baseline_until)


def begun_of(row: Row | None) -> float | None:
    """Since when a whole night is looked at; None where nobody was called."""
    if row is None or row.announced_at is None:
        return None
    return row.baseline_from or row.opened_at


def story_of(doors: Doors, row: Row | None, night: Night) -> tuple[Event, ...]:
    """What can be told of the incident so far; nothing before somebody was called."""
    if row is None or row.announced_at is None:
        return ()
    seen = night.seen or Moments(None, None, None, None)
    return so_far(doors, row, scenario_of(row), seen)


class Room:
    """One for all pages. `watch` reads in a thread of its own for as long as somebody looks."""

    def __init__(self, opened: Opener) -> None:
        """`opened` opens the doors: each thread that does something has its own."""
        self._opened = opened
        self.catalogue = Catalogue.load()
        self.feed = Feed()
        self.desk = Desk(opened)
        self.night: Night | None = None
        self.problem: str | None = None
        self.story: tuple[Event, ...] = ()
        self.past: dict[int, Lived] = {}

    def watch(self) -> threading.Thread:
        """Begin to read, for as long as this process lives."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        return thread

    def _watch(self) -> None:
        looked = 0.0
        while True:
            try:
                with self._opened() as doors:
                    while True:
                        begun = time.monotonic()
                        if self.feed.watched:
                            self.feed.read(doors)
                            if begun - looked >= LOOK_S:
                                night = look_at(doors)
                                row = doors.journal.open_one()
                                self.story = story_of(doors, row, night)
                                self.desk.turn_to(night.incident)
                                self.night, self.problem = night, None
                                self.feed.calm(doors, calm_of(row))
                                self.feed.night(begun_of(row or doors.journal.latest()))
                                looked = begun
                        time.sleep(max(0.1, 1 - (time.monotonic() - begun)))
            except LabError as error:
                # Not up yet, or on its way down: look again with other doors.
                self.night, self.problem = None, error.message
                time.sleep(2)

    def in_grafana(self, signal: str) -> str | None:
        """The panel of a signal over the minutes of the open incident; None where there is no
        Grafana, or no such panel."""

        def look(doors: Doors) -> str | None:
            row = doors.journal.open_one()
            since = row.announced_at if row else None
            return doors.grafana and links.panel(doors.grafana, signal, since)

        return self.act(look)

    @property
    def free(self) -> bool:
        """Whether a night may be begun: none is on, as far as is known, and nothing is being
        done."""
        return self.desk.busy is None and (self.night is None or self.night.phase != "live")

    @property
    def forsaken(self) -> bool:
        """Whether nobody has looked for a while, and no incident is on."""
        if self.feed.unwatched_s < LEAVE_S or self.desk.busy is not None:
            return False
        try:
            return self.act(lambda doors: doors.journal.open_one()) is None
        except LabError:
            return True

    def act(self, what: Callable[[Doors], T]) -> T:
        """Do something short with doors of its own. Raises what it raises."""
        with self._opened() as doors:
            return what(doors)

    async def ask(self, what: Callable[[Doors], T]) -> T:
        """The same, while the page goes on."""
        return await asyncio.to_thread(self.act, what)
