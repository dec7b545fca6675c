"""Whether what was broken shows. A night that nobody could have noticed is none: it is called off,
at once, and nobody is charged with it."""

from __future__ import annotations

from lab import faults
from lab.awake import Awake
from lab.doors import Doors
from lab.errors import LabError
from lab.gather import STEP
from lab.incident import moments, scenario_of
from lab.injection import of_the_night
from lab.lock import exclusive
from lab.progress import QUIET
from lab.prometheus import PrometheusUnavailable
from lab.records import Row
from lab.restore import call_off
from lab.scenario import Scenario
from lab.series import Span
from lab.steady import BEHIND_S
from lab.symptoms import showing

LOOK_S = 2.0
"""Seconds between two looks: nobody waits for what is found, unless it is nothing."""


def watch(doors: Doors, number: int) -> None:
    """Until something shows of what was broken, or until all of it should have.

    Where nothing has, though what broke is broken and customers are there, the incident is called
    off as invalid.
    """
    row = doors.journal.incident(number)
    scenario = scenario_of(row)
    within_s = scenario.last_deadline + 2 * BEHIND_S
    awake = Awake(doors.now)
    begun = row.injected_at or doors.now()
    late = doors.now() - begun
    while awake.passed() + late < within_s:
        doors.pause(LOOK_S)
        if doors.journal.incident(number).phase != "live" or _shows(doors, row, scenario):
            return
    if not _should_show(doors, row, scenario):
        return
    with exclusive(f"incident-{doors.home.project}", QUIET):
        row = doors.journal.incident(number)
        # Somebody may have mended it, or ended it, while we waited for our turn.
        if row.phase == "live" and not _shows(doors, row, scenario):
            reason = (
                f"nothing came of what was broken: after {within_s:.0f} s customers and system "
                "were as before"
            )
            call_off(doors, row, reason, QUIET)


def _shows(doors: Doors, row: Row, scenario: Scenario) -> bool:
    """Whether a symptom has begun or the pager has rung, or nobody can tell."""
    now = doors.now()
    span = Span(row.injected_at or now, now)
    names = {symptom.signal for symptom in scenario.symptoms}
    try:
        if moments(doors, row).paged_at is not None:
            return True
        found = doors.catalogue.read(doors.prometheus, span.start, span.end, names=names, step=STEP)
    except PrometheusUnavailable:
        return True
    return bool(showing(scenario.symptoms, found, span))


def _should_show(doors: Doors, row: Row, scenario: Scenario) -> bool:
    """Whether what broke is still broken, and there is somebody to notice: who mends it, or sends
    the customers away, before anything shows is no reason to call it off."""
    try:
        if not doors.load.state().running:
            return False
        stays = [
            fault
            for fault, params in of_the_night(doors, row.id, scenario)
            if fault.role == "fault" and not params.lasting
        ]
        return not stays or any(faults.active(doors.stack, one.name, one.token) for one in stays)
    except LabError:
        return False
