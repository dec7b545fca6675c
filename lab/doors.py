"""Everything an incident needs from outside, each behind its one door."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lab.boards import links
from lab.errors import MachineLacks
from lab.handed import read_bytes
from lab.home import NEEDED_FREE_BYTES, Home
from lab.journal import Journal
from lab.stack import Stack

if TYPE_CHECKING:
    from lab.grading.vocabulary import Vocabulary
    from lab.library import Library
    from lab.load import Load
    from lab.prometheus import Prometheus
    from lab.records import Row
    from lab.signals import Catalogue


MOST_BYTES = 2**30
"""Of a journal that is copied: more nights than anybody lives."""

HEALING_TAKES_BYTES = 16 * 2**20
"""What is noted, logged and kept on the way home is less than this."""

LOOKED_AT = {
    "Darkroom": "nginx",
    "Prometheus": "prometheus",
    "Grafana": "grafana",
    "Jaeger": "jaeger",
}
"""What a person looks at in a browser, and the service that it is."""


class Doors:
    """The doors of one lab home. They open when they are first used.

    `now` and `pause` are the clock: Unix seconds, and waiting for a number of them. `unkept` says
    why what is done is not kept beyond this process; None where it is.
    """

    def __init__(self, home: Home, stack: Stack, journal: Journal) -> None:
        self.home = home
        self.stack = stack
        self.journal = journal
        self.unkept: str | None = None
        self.now = time.time
        self.pause = time.sleep

    @cached_property
    def prometheus(self) -> Prometheus:
        from lab.prometheus import Prometheus

        return Prometheus(lambda: self.stack.url("prometheus"))

    @cached_property
    def load(self) -> Load:
        from lab.load import Load

        return Load(lambda: self.stack.url("load"))

    @cached_property
    def catalogue(self) -> Catalogue:
        from lab.signals import Catalogue

        return Catalogue.load()

    @cached_property
    def vocabulary(self) -> Vocabulary:
        from lab.grading.vocabulary import Vocabulary

        return Vocabulary.load()

    @cached_property
    def library(self) -> Library:
        from lab.library import Library

        return Library()

    def addresses(self, row: Row | None = None) -> dict[str, str]:
        """Where a person looks: what it is, and its URL, of what runs. Grafana opens with the
        overview, from before the incident `row` began; without one, with the last minutes."""
        where = self._where()
        found = {name: where[service] for name, service in LOOKED_AT.items() if service in where}
        if "Grafana" in found:
            found["Grafana"] = links.overview(found["Grafana"], row.announced_at if row else None)
        return found

    @property
    def grafana(self) -> str | None:
        """Where Grafana answers; None where it is not part of this stack, or does not run."""
        return self._where().get("grafana")

    def _where(self) -> dict[str, str]:
        try:
            return self.stack.addresses()
        except MachineLacks:
            return {}

    def forget_addresses(self) -> None:
        """Open the doors anew: ports may have changed when the stack came up."""
        for name in ("prometheus", "load"):
            self.__dict__.pop(name, None)


@contextmanager
def open_doors(home: Home | None = None, *, for_healing: bool = False) -> Iterator[Doors]:
    """The doors of that home, or of the one that the environment names.

    Raises `MachineLacks` when the home cannot be written to. `for_healing` lets one in all the same
    where there is a journal to heal from: a full disk, or one that cannot be written to, is no
    reason to leave things broken. Then what is done is noted in a copy, which is gone afterwards,
    and `Doors.unkept` says why.
    """
    home = home or Home.find()
    something_to_heal = for_healing and home.db.exists()
    with ExitStack() as until_end:
        unkept: str | None = None
        try:
            home.prepare(HEALING_TAKES_BYTES if something_to_heal else NEEDED_FREE_BYTES)
            journal = until_end.enter_context(Journal(home.db))
        except MachineLacks as error:
            if not something_to_heal:
                if home.db.exists():
                    also = "`lab restore` brings the stack home all the same"
                    error.remedy = f"{error.remedy}\n{also}"
                raise
            unkept = error.message
            journal = until_end.enter_context(_copied(home))
        doors = Doors(home, Stack(home, for_healing=for_healing), journal)
        doors.unkept = unkept
        yield doors


@contextmanager
def _copied(home: Home) -> Iterator[Journal]:
    """The journal as it is, to be read and written for as long as this lasts."""
    with ExitStack() as until_end:
        try:
            folder = Path(until_end.enter_context(TemporaryDirectory(dir=_memory())))
            for part in home.db.parent.glob(f"{home.db.name}*"):
                (folder / part.name).write_bytes(read_bytes(part, MOST_BYTES))
        except OSError as error:
            raise MachineLacks(
                f"the journal {home.db} can be neither written nor copied: {error}",
                remedy="free some space, in the home or where temporary files are (TMPDIR)",
            ) from error
        yield until_end.enter_context(Journal(folder / home.db.name, home.dir))


def _memory() -> str | None:
    """Where a file takes no disk, where there is such a place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
