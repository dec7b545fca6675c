"""Breaking things in the order that loses nothing: plan, keep the token, inject, ask the witness.

What a scenario wants later than at once is done by a process of its own, which the incident does
not depend on: whenever it dies, everything it could have broken is in the journal already.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from lab import faults
from lab.doors import Doors
from lab.errors import LabError, Unknown
from lab.faults import FaultParams
from lab.files import appending
from lab.lock import exclusive
from lab.progress import QUIET, Report
from lab.records import PlannedFault, Role
from lab.scenario import Scenario

WITNESS_WITHIN_S = 15.0
"""How long a fault may take until its witness confirms it."""


FAILED: Final = "failed"
"""The journal's word for a fault that was to come later and did not come as it should have."""


def lock_name(doors: Doors) -> str:
    """The lock under which faults are injected and healed: never both at once."""
    return f"faults-{doors.home.project}"


def set_stage(doors: Doors, number: int, scenario: Scenario) -> None:
    """Bring the stack, up and idle, into the state in which this night begins.

    Kept in the journal before what is to break, so that it is undone after it.
    """
    for fault in _plan(doors, number, scenario.stage, "stage"):
        faults.inject(doors.stack, fault.name, fault.token)
        doors.journal.injected(fault, doors.now())


def break_it(doors: Doors, number: int, scenario: Scenario, report: Report) -> None:
    """Plan all faults, keep their tokens, inject those that are due, and ask each one's witness.

    Raises `Unknown` when a witness does not confirm what was done, `LabError` when it can't be.
    """
    for params in scenario.faults:
        _plan(doors, number, [params], _role(params))
    _plan(doors, number, scenario.herrings, "herring")
    night = of_the_night(doors, number, scenario)
    at_once = [fault for fault, params in night if params.after_s == 0]
    for fault in at_once:
        _inject(doors, fault)
    _wait_for_witnesses(doors, [fault for fault in at_once if fault.role != "herring"], report)
    _spawn(doors, number)


def _role(params: FaultParams) -> Role:
    return "trigger" if params.triggers else "fault"


def of_the_night(
    doors: Doors, number: int, scenario: Scenario
) -> list[tuple[PlannedFault, FaultParams]]:
    """What breaks in an incident, herrings last: each as it was planned, and as the scenario has
    it. Without the stage, and without what happened once more."""
    planned = doors.journal.faults(number)
    wanted: list[tuple[Role, FaultParams]] = [
        *((_role(params), params) for params in scenario.faults),
        *(("herring", params) for params in scenario.herrings),
    ]
    found: list[tuple[PlannedFault, FaultParams]] = []
    for role, params in wanted:
        fault = next((one for one in planned if (one.role, one.name) == (role, params.fault)), None)
        if fault is not None:
            planned.remove(fault)
            found.append((fault, params))
    return found


def _plan(
    doors: Doors, number: int, wanted: Sequence[FaultParams], role: Role
) -> list[PlannedFault]:
    """Keep the tokens of faults that are to come."""
    before = len(doors.journal.faults(number))
    for params in wanted:
        token = faults.plan(doors.stack, params)
        doors.journal.plan(number, params.fault, token, doors.now(), role)
    return doors.journal.faults(number)[before:]


def _inject(doors: Doors, fault: PlannedFault) -> None:
    at = doors.now()
    faults.inject(doors.stack, fault.name, fault.token)
    doors.journal.injected(fault, at)
    doors.journal.stamp(fault.incident, "injected_at", at)


def happen_again(doors: Doors, number: int, scenario: Scenario) -> float:
    """Let what only set something off happen once more. Returns when.

    Raises `LabError` when it can't be. It is in the journal as the first time was.
    """
    with exclusive(lock_name(doors), QUIET):
        triggers = [one for one in scenario.faults if one.triggers]
        planned = _plan(doors, number, triggers, "trigger")
        at = doors.now()
        for fault in planned:
            _inject(doors, fault)
    return at


def _wait_for_witnesses(doors: Doors, due: Sequence[PlannedFault], report: Report) -> None:
    # Neither its name nor its number is said: the learner is reading along.
    with report.step("the night goes on"):
        until = doors.now() + WITNESS_WITHIN_S
        while not all(faults.active(doors.stack, one.name, one.token) for one in due):
            if doors.now() >= until:
                raise Unknown(
                    "the run is invalid: the system does not show what was done to it",
                    remedy="nobody is charged with it; start it again, and if it happens again "
                    "look at `lab doctor`",
                )
            doors.pause(0.5)


def _spawn(doors: Doors, number: int) -> None:
    """A process that outlives this one, breaks what is due later, and sees whether it all shows. It
    ends by itself, with the incident at the latest."""
    home = doors.home
    with appending(home.logs / "later.log") as log:
        subprocess.Popen(
            [sys.executable, "-m", "lab.later", str(number)],
            env=home.environment,
            cwd=home.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def carry_on(doors: Doors, number: int, scenario: Scenario) -> None:
    """Inject what is still to come, each when it is due, as long as the incident is on.

    What cannot be, or of which its witness sees nothing, is noted as `FAILED`: then nobody can say
    whether it was mended, and nobody is charged with it.
    """
    later = [
        (fault, params)
        for fault, params in of_the_night(doors, number, scenario)
        if fault.injected_at is None
    ]
    for fault, params in sorted(later, key=lambda one: one[1].after_s):
        begun = doors.journal.incident(number).injected_at or doors.now()
        while (left := begun + params.after_s - doors.now()) > 0:
            if _over(doors, number):
                return
            doors.pause(min(1.0, left))
        with exclusive(lock_name(doors), QUIET):
            # Whoever ends an incident says so before healing, and heals under this lock.
            if _over(doors, number):
                return
            try:
                _inject(doors, fault)
            except LabError as error:
                _note_failure(doors, fault, error)
                continue
        if fault.role != "herring" and not _shows(doors, fault):
            _note_failure(doors, fault, Unknown("it was done, and the system does not show it"))


def _shows(doors: Doors, fault: PlannedFault) -> bool:
    """Whether its witness confirms it in time, or cannot look: by then the night may be bad enough
    for that."""
    until = doors.now() + WITNESS_WITHIN_S
    while True:
        try:
            shown = faults.active(doors.stack, fault.name, fault.token)
        except LabError:
            shown = True
        if shown or doors.now() >= until:
            return shown
        doors.pause(0.5)


def _note_failure(doors: Doors, fault: PlannedFault, error: LabError) -> None:
    doors.journal.note(fault.incident, doors.now(), FAILED, f"{fault.name}: {error.message}")


def failed(doors: Doors, fault: PlannedFault) -> bool:
    """Whether that fault was to come later and did not come as it should have."""
    told = doors.journal.events(fault.incident)
    return any(one.kind == FAILED and one.detail.startswith(f"{fault.name}: ") for one in told)


def _over(doors: Doors, number: int) -> bool:
    return doors.journal.incident(number).phase in ("ended", "closed")
