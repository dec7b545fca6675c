"""One live night that answers every row of the matrix which needs the stack.

The order is what makes several runs sound in one incident: first nobody acts; then the tempting
fixes that leave the stack as it was; then, with the true diagnosis, the remedy; and last, on a
mended system, what takes something away: a missing replica or missing customers are then all that
is wrong, and nothing needs to be put back, as the stack is brought home afterwards anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab import faults, incident
from lab.autopilot import DECOY_WATCHED_S, act, true_diagnosis, wait_for_page
from lab.command import CommandFailed
from lab.doors import Doors
from lab.ending import Measured, resolve
from lab.errors import LabError
from lab.gather import STEP, gather, last_recovery
from lab.history import History, Outcome, Recovery
from lab.host.pressure import Pressure, Watch, watching
from lab.library import decoys_in
from lab.progress import Report
from lab.prometheus import PrometheusUnavailable
from lab.proof import promises
from lab.proof.giveaways import giveaways
from lab.proof.neighbour import Kind, beside
from lab.proof.phases import Phases
from lab.proof.rows import (
    AFTER,
    ANSWERS,
    ANYBODY,
    BEFORE,
    DECOY,
    NOBODY,
    REMEDY,
    START,
    Night,
    up_to,
)
from lab.records import Row as Incident
from lab.restore import restore
from lab.scenario import Decoy, Scenario
from lab.series import Span
from lab.steady import BEHIND_S, let_pass

ACTS = Path(__file__).with_name("acts")
SHOWN_FOR_S = 12.0
"""How long a broken system is watched after its last symptom has begun: rates look back 10 s at
most, so what is not calm shows by then."""

BROKEN_AGAIN_S = 60.0
"""How long a fault that a tempting fix has mended may take to hurt again."""

Told = Callable[[str, Measured], None]


@dataclass
class _Live:
    """The night that is being lived."""

    doors: Doors
    row: Incident
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


def live(
    doors: Doors,
    slug: str,
    seed: int,
    report: Report,
    on_measured: Told = lambda *_: None,
    *,
    tempted: bool = True,
    kind: Kind = "none",
) -> Night:
    """Live through a scenario and record every run. The stack is home afterwards.

    What goes wrong on the way is in the night, not raised; but for `BadInput` of a scenario that
    cannot be read. `on_measured` hears of each run as soon as it was measured. Without being
    `tempted` there is nobody but those who do nothing and those who do right: a short night.
    `kind` is what else goes on on this machine meanwhile.
    """
    with watching() as watch, beside(kind, lambda: _containers(doors)):
        return _live(doors, slug, seed, report, on_measured, watch, tempted=tempted, kind=kind)


def _live(
    doors: Doors,
    slug: str,
    seed: int,
    report: Report,
    on_measured: Told,
    watch: Watch,
    *,
    tempted: bool,
    kind: Kind,
) -> Night:
    scenario = doors.library.load(slug, seed)
    begun = doors.now()
    phases = Phases(begun)
    problem: str | None = None
    night: _Live | None = None
    try:
        row = incident.start(doors, slug, seed, report)
        phases.evening(row)
        true = incident.scenario_of(row)
        night = _Live(doors, row, true, report, on_measured, watch, begun, phases)
        night.note(START)
        _through(night, tempted=tempted)
    except LabError as error:
        problem = error.message
        if night is not None:
            night.passed("broken off")
            night.collect()
    if night is None:
        phases.until(doors.now(), "refused")
        return Night(
            scenario,
            problem=problem,
            seconds=phases.at - begun,
            beside=kind,
            busy={START: watch.between(begun, phases.at)},
            phases=phases.seconds,
        )
    try:
        restore(doors, report)
    except LabError as error:
        problem = problem or f"the stack could not be brought home: {error.message}"
    night.passed("home")
    if problem is not None:
        night.undone["the rest"] = problem
    return Night(
        night.scenario,
        night.runs,
        night.undone,
        seconds=phases.at - begun,
        beside=kind,
        busy=night.busy,
        phases=phases.seconds,
        giveaways=night.giveaways,
    )


def _containers(doors: Doors) -> list[str]:
    return [one.container_id for one in doors.stack.services() if one.state == "running"]


def _through(night: _Live, *, tempted: bool) -> None:
    _nobody(night, whole=tempted)
    if tempted:
        _tempt(night)
        night.passed("wrong fixes")
    _remedy(night)
    night.collect()
    if tempted:
        for decoy in _anybodys(AFTER):
            _hide(night, decoy)
        night.passed("wrong fixes")
        night.collect()


def _tempt(night: _Live) -> None:
    own = night.doors.library.decoys(night.scenario.slug)
    for decoy in own:
        _try(night, DECOY, decoy)
    names = {decoy.name for decoy in own}
    for decoy in (one for one in _anybodys(BEFORE) if one.name not in names):
        _try(night, ANYBODY, decoy)


def _anybodys(names: tuple[str, ...]) -> list[Decoy]:
    known = {decoy.name: decoy for decoy in decoys_in(ACTS)}
    return [known[name] for name in names]


def _nobody(night: _Live, *, whole: bool) -> None:
    """From the injection until all has shown, with nobody acting, and what a claim is worth then.

    `whole`: until the last deadline of any scenario, so that the night can be held against each.
    The claim is measured while the rest of the symptoms is still due: it changes nothing.
    """
    doors = night.doors
    begun = night.row.injected_at or doors.now()
    try:
        wait_for_page(doors, night.row, night.report)
    except LabError as error:
        night.report.say(error.message)
    night.passed("page")
    measured = resolve(doors, night.report, within_s=0)
    if whole:
        night.giveaways = tuple(giveaways(doors.stack, night.scenario, begun))
    _let_it_show(night, begun, whole=whole)
    night.record(NOBODY, measured)
    night.passed("deadlines")


def _let_it_show(night: _Live, begun: float, *, whole: bool) -> None:
    """Until every symptom has begun, and some seconds more for what must stay calm; where one does
    not begin, or the `whole` is wanted, to the last deadline."""
    doors, symptoms = night.doors, night.scenario.symptoms
    names = {symptom.signal for symptom in symptoms}
    library = doors.library
    everybodys = [way for slug in library.slugs() for way in library.ways(slug)] if whole else []
    last = max(one.last_deadline for one in (night.scenario, *everybodys)) + 2 * BEHIND_S
    with night.report.step("waiting for every symptom") as step:
        while (passed := doors.now() - begun) < last:
            step.at(passed, last)
            now = doors.now()
            try:
                found = doors.catalogue.read(doors.prometheus, begun, now, names=names, step=STEP)
            except PrometheusUnavailable:
                found = {}
            if not whole and promises.all_began(symptoms, found, Span(begun, now)):
                break
            doors.pause(1.0)
    if not whole:
        let_pass(doors, doors.now(), SHOWN_FOR_S, "watching what stays calm", night.report)


def _try(night: _Live, kind: str, decoy: Decoy) -> None:
    """Do a tempting thing, and measure what it was good for."""
    if _done(night, kind, decoy):
        measured = _measured(night)
        night.record(kind + decoy.name, measured)
        if measured.outcome is Outcome.PASS:
            _break_again(night)


def _hide(night: _Live, decoy: Decoy) -> None:
    """Take something away from a mended system: whatever else is whole, that decides."""
    if _done(night, ANYBODY, decoy):
        if decoy.name in ANSWERS:
            _until_it_hurts(night, SHOWN_FOR_S, f"waiting for what {decoy.name} does")
            # A claim is judged by what was there a moment ago.
            night.doors.pause(2 * BEHIND_S)
        night.record(ANYBODY + decoy.name, resolve(night.doors, night.report, within_s=0))


def _done(night: _Live, kind: str, decoy: Decoy) -> bool:
    try:
        act(night.doors, night.row, decoy.path, decoy.name, night.report)
    except CommandFailed as error:
        night.undone[kind + decoy.name] = error.message.splitlines()[0]
        return False
    return True


def _measured(night: _Live) -> Measured:
    """What a tempting fix was good for.

    While what broke is still broken, that alone decides, and nobody need wait for more. Where it is
    whole it gets as long as a learner does: a fix that works must not be taken for a decoy.
    """
    doors, scenario = night.doors, night.scenario
    to_mend = any(not (params.lasting or params.triggers) for params in scenario.faults)
    decided = to_mend and not scenario.accepted_fixes
    measured = resolve(doors, night.report, within_s=0 if decided else DECOY_WATCHED_S)
    recovery = last_recovery(doors, night.row)
    whole = to_mend and recovery and not any(one.active for one in recovery.faults)
    if whole and measured.outcome is Outcome.FAIL:
        return resolve(doors, night.report)
    return measured


def _remedy(night: _Live) -> None:
    doors, report = night.doors, night.report
    # What a diagnosis points at must have been recorded before it is pointed at.
    doors.pause(2 * BEHIND_S)
    incident.diagnose(doors, true_diagnosis(night.scenario), final=True)
    act(doors, night.row, doors.library.remedy(night.scenario.slug), "the remedy", report)
    night.passed("remedy")
    night.record(REMEDY, resolve(doors, report))
    night.passed("judged")


def _break_again(night: _Live) -> None:
    """Something else than the remedy has mended it: the remedy needs it broken."""
    doors = night.doors
    for fault in doors.journal.faults(night.row.id):
        if fault.injected_at and not faults.active(doors.stack, fault.name, fault.token):
            faults.inject(doors.stack, fault.name, fault.token)
    _until_it_hurts(night, BROKEN_AGAIN_S, "breaking it again, for the remedy")


def _until_it_hurts(night: _Live, within_s: float, title: str) -> None:
    """Until an objective is broken, for `within_s` seconds at most."""
    doors = night.doors
    with night.report.step(title) as step:
        begun = doors.now()
        while (passed := doors.now() - begun) < within_s:
            if incident.moments(doors, night.row).recovered_at is None:
                return
            step.at(passed, within_s)
            doors.pause(1.0)
