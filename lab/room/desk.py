"""What is being done in the room, one thing at a time, for whoever looks: an incident has one desk,
however many pages are open."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from lab.diagnosis import Diagnosis, Evidence, EvidenceKind, is_address
from lab.doors import Doors
from lab.ending import Measured
from lab.errors import BadInput, LabError
from lab.progress import Report, Step
from lab.signals import Catalogue

Opener = Callable[[], AbstractContextManager[Doors]]
"""Opens the doors of the home that the room looks at."""

LINES = 12
"""As much as one reads of what has been going on."""


@dataclass
class Draft:
    """A diagnosis that is being put together. `chain` is in the order of breaking."""

    component: str | None = None
    cause: str | None = None
    evidence: list[Evidence] = field(default_factory=list)
    chain: list[str] = field(default_factory=list)
    note: str = ""

    def cite(self, text: str, window: tuple[str, str], catalogue: Catalogue) -> None:
        """A signal, a panel's address or PromQL, over a stretch of time."""
        kind: EvidenceKind = "promql"
        if text in catalogue:
            kind = "signal"
        elif is_address(text):
            kind = "panel"
        self.evidence.append(Evidence(kind, text, window))

    def forget(self) -> None:
        """Begin anew, for whoever has it open, too."""
        self.component, self.cause, self.note = None, None, ""
        self.evidence.clear()
        self.chain = []

    def whole(self) -> Diagnosis:
        """Raises `BadInput` while component or cause is missing."""
        if not self.component or not self.cause:
            raise BadInput("a diagnosis names a component and a cause")
        return Diagnosis(
            self.component, self.cause, tuple(self.evidence), tuple(self.chain), self.note
        )


class _Doing:
    """One step of what is being done."""

    def __init__(self, desk: Desk, title: str) -> None:
        self._desk = desk
        self._title = title

    def at(self, done: float, total: float, doing: str = "") -> None:
        self._desk.tell(self._title, done / total if total else None, doing)


class Desk:
    """Does long things in a thread of its own, and remembers how far they are."""

    def __init__(self, opened: Opener) -> None:
        self._opened = opened
        self.draft = Draft()
        self.busy: str | None = None
        self.doing = ""
        self.share: float | None = None
        self.lines: deque[str] = deque(maxlen=LINES)
        self.error: LabError | None = None
        self.measured: Measured | None = None
        self.version = 0
        self._draft_of: int | None = None
        self._guard = threading.Lock()

    # -- a Report, for what is done here ------------------------------------------------------

    def say(self, line: str) -> None:
        self.lines.append(line)
        self.version += 1

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        self.tell(title, None, "")
        yield _Doing(self, title)
        self.say(title)

    def tell(self, title: str, share: float | None, doing: str) -> None:
        self.doing = f"{title}: {doing}" if doing else title
        self.share = share
        self.version += 1

    def turn_to(self, incident: int | None) -> None:
        """What was put together for another incident says nothing about this one."""
        if incident is None or incident == self._draft_of:
            return
        if self._draft_of is not None:
            self.draft.forget()
        self._draft_of = incident

    # -- doing --------------------------------------------------------------------------------

    def do(self, what: str, act: Callable[[Doors, Report], None]) -> threading.Thread:
        """Begin something that takes its time. Raises `BadInput` while something else is done."""
        with self._guard:
            if self.busy is not None:
                raise BadInput(f"one thing at a time: {self.busy} is still going on")
            self.busy, self.error, self.share, self.doing = what, None, None, what
            self.lines.clear()
            self.version += 1
        thread = threading.Thread(target=self._run, args=(act,), daemon=True)
        thread.start()
        return thread

    def _run(self, act: Callable[[Doors, Report], None]) -> None:
        try:
            with self._opened() as doors:
                act(doors, self)
        except LabError as error:
            self.error = error
        finally:
            self.busy, self.doing, self.share = None, "", None
            self.version += 1
