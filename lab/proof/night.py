"""One live night that answers every row of the matrix which needs the stack.

The order is what makes several runs sound in one incident: first nobody acts; then the tempting
fixes that leave the stack as it was; then, with the true diagnosis, the remedy; and last, on a
mended system, what takes something away: a missing replica or missing customers are then all that
is wrong, and nothing needs to be put back, as the stack is brought home afterwards anyway.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lab import incident
from lab.autopilot import act, true_diagnosis, wait_for_page
from lab.doors import Doors
from lab.ending import resolve
from lab.errors import LabError
from lab.gather import STEP
from lab.host.pressure import Watch, watching
from lab.progress import Report
from lab.prometheus import PrometheusUnavailable
from lab.proof.giveaways import giveaways
from lab.proof.living import Living, Told
from lab.proof.neighbour import Kind, beside
from lab.proof.phases import Phases
from lab.proof.quiet import rang
from lab.proof.rows import (
    NOBODY,
    REMEDY,
    START,
    Night,
)
from lab.proof.temptations import hide, tempt
from lab.restore import restore
from lab.series import Span
from lab.steady import BEHIND_S, let_pass
from lab.symptoms import showing

SHOWN_FOR_S = 12.0
"""How long a broken system is watched after its last symptom has begun: rates look back 10 s at
most, so what is not calm shows by then."""


def live(
    doors: Doors,
    slug: str,
    seed: int,
    report: Report,
    on_measured: Told = lambda *_: None,
    *,
    tempted: bool = True,
    kind: Kind = "none",
    fix: str | None = None,
) -> Night:
    """Live through a scenario and record every run. The stack is home afterwards.

    What goes wrong on the way is in the night, not raised; but for `BadInput` of a scenario that
    cannot be read. `on_measured` hears of each run as soon as it was measured. Without being
    `tempted` there is nobody but those who do nothing and those who do right: a short night.
    `kind` is what else goes on on this machine meanwhile. `fix` is another right fix to mend it
    with, in the place of the remedy.
    """
    with watching() as watch, beside(kind, lambda: _containers(doors)):
        night = _live(
            doors, slug, seed, report, on_measured, watch, tempted=tempted, kind=kind, fix=fix
        )
        return replace(night, fix=fix)


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
    fix: str | None,
) -> Night:
    scenario = doors.library.load(slug, seed)
    mends = doors.library.remedy(slug, fix)
    begun = doors.now()
    phases = Phases(begun)
    problem: str | None = None
    night: Living | None = None
    try:
        row = incident.start(doors, slug, seed, report)
        phases.evening(row)
        true = incident.scenario_of(row)
        night = Living(doors, row, true, report, on_measured, watch, begun, phases)
        night.note(START)
        _through(night, mends, tempted=tempted)
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
        rang=night.rang,
    )


def _containers(doors: Doors) -> list[str]:
    return [one.container_id for one in doors.stack.services() if one.state == "running"]


def _through(night: Living, mends: Path, *, tempted: bool) -> None:
    _nobody(night, whole=tempted)
    if tempted:
        tempt(night)
        night.passed("wrong fixes")
    _remedy(night, mends)
    night.collect()
    if tempted:
        hide(night)
        night.passed("wrong fixes")
        night.collect()


def _nobody(night: Living, *, whole: bool) -> None:
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
    night.rang = rang(doors.prometheus, night.row.opened_at, begun)
    measured = resolve(doors, night.report, within_s=0)
    if whole:
        night.giveaways = tuple(giveaways(doors.stack, night.scenario, _calm_since(night, begun)))
    _let_it_show(night, begun, whole=whole)
    night.record(NOBODY, measured)
    night.passed("deadlines")


def _calm_since(night: Living, begun: float) -> float:
    """From when on everything is of this night: the one before may have said what it was."""
    return night.row.baseline_from or begun


def _let_it_show(night: Living, begun: float, *, whole: bool) -> None:
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
            if not whole and len(showing(symptoms, found, Span(begun, now))) == len(symptoms):
                break
            doors.pause(1.0)
    if not whole:
        let_pass(doors, doors.now(), SHOWN_FOR_S, "watching what stays calm", night.report)


def _remedy(night: Living, mends: Path) -> None:
    doors, report = night.doors, night.report
    # What a diagnosis points at must have been recorded before it is pointed at.
    doors.pause(2 * BEHIND_S)
    incident.diagnose(doors, true_diagnosis(night.scenario), final=True)
    act(doors, night.row, mends, "the remedy", report)
    night.passed("remedy")
    night.record(REMEDY, resolve(doors, report))
    night.passed("judged")
