"""A night that is being lived: what is noted of it on the way, and what is read of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.doors import Doors
from lab.ending import Measured
from lab.gather import gather
from lab.history import History, Recovery
from lab.host.pressure import Pressure, Watch
from lab.progress import Report
from lab.proof.phases import Phases
from lab.proof.rows import up_to
from lab.recall import last_recovery
from lab.records import Row
from lab.scenario import Scenario

Told = Callable[[str, Measured], None]


@dataclass
class Living:
    """The night that is being lived."""

    doors: Doors
    row: Row
    scenario: Scenario
    report: Report
    on_measured: Told
    watch: Watch
    since: float
    phases: Phases
    claims: list[tuple[str, float, Recovery | None]] = field(default_factory=list)
    runs: dict[str, History] = field(default_factory=dict)
    undone: dict[str, str] = field(default_factory=dict)
    busy: dict[str, Pressure] = field(default_factory=dict)
    giveaways: tuple[str, ...] | None = None
    rang: tuple[str, ...] | None = None

    def record(self, name: str, measured: Measured) -> None:
        """Note when a run ended and what was measured then; the rest Prometheus keeps."""
        self.on_measured(name, measured)
        recovery = last_recovery(self.doors, self.row)
        self.claims.append((name, self.doors.now(), recovery))
        self.note(name)

    def note(self, name: str) -> None:
        """Note what the machine was like since the last note."""
        now = self.doors.now()
        self.busy[name] = self.watch.between(self.since, now)
        self.since = now

    def passed(self, phase: str) -> None:
        """Note that a phase ends now."""
        self.phases.until(self.doors.now(), phase)

    def collect(self) -> None:
        """Read what was recorded, once for all runs since the last time."""
        doors = self.doors
        if not self.claims:
            return
        whole = gather(doors, self.row, self.scenario, doors.now(), self.report)
        for name, at, recovery in self.claims:
            self.runs[name] = up_to(whole, at, recovery)
        self.claims.clear()
        self.passed("read")
