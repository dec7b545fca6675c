"""What people try on a night that is being lived: the scenario's own wrong fixes, and anybody's."""

from __future__ import annotations

from pathlib import Path

from lab import faults, incident
from lab.attempts import Decoy, decoys_in
from lab.autopilot import DECOY_WATCHED_S, act
from lab.command import CommandFailed
from lab.ending import Measured, resolve
from lab.history import Outcome
from lab.proof.living import Living
from lab.proof.rows import AFTER, ANSWERS, ANYBODY, BEFORE, DECOY
from lab.recall import last_recovery
from lab.steady import BEHIND_S

ACTS = Path(__file__).with_name("acts")

SHOWS_WITHIN_S = 12.0
"""How long it may take until customers notice that they get something else: rates look back 10 s at
most."""

BROKEN_AGAIN_S = 60.0
"""How long a fault that a tempting fix has mended may take to hurt again."""


def tempt(night: Living) -> None:
    """Every wrong fix that leaves the stack as it was, each measured."""
    own = night.doors.library.decoys(night.scenario.slug)
    for decoy in own:
        _try(night, DECOY, decoy)
    names = {decoy.name for decoy in own}
    for decoy in (one for one in _anybodys(BEFORE) if one.name not in names):
        _try(night, ANYBODY, decoy)


def _anybodys(names: tuple[str, ...]) -> list[Decoy]:
    known = {decoy.name: decoy for decoy in decoys_in(ACTS)}
    return [known[name] for name in names]


def hide(night: Living) -> None:
    """Everything that takes something away from a mended system, one after the other."""
    for decoy in _anybodys(AFTER):
        _hide(night, decoy)


def _try(night: Living, kind: str, decoy: Decoy) -> None:
    """Do a tempting thing, and measure what it was good for."""
    if _done(night, kind, decoy):
        measured = _measured(night)
        night.record(kind + decoy.name, measured)
        if measured.outcome is Outcome.PASS:
            _break_again(night)


def _hide(night: Living, decoy: Decoy) -> None:
    """Take something away from a mended system: whatever else is whole, that decides."""
    if _done(night, ANYBODY, decoy):
        if decoy.name in ANSWERS:
            _until_it_hurts(night, SHOWS_WITHIN_S, f"waiting for what {decoy.name} does")
            # A claim is judged by what was there a moment ago.
            night.doors.pause(2 * BEHIND_S)
        night.record(ANYBODY + decoy.name, resolve(night.doors, night.report, within_s=0))


def _done(night: Living, kind: str, decoy: Decoy) -> bool:
    try:
        act(night.doors, night.row, decoy.path, decoy.name, night.report)
    except CommandFailed as error:
        night.undone[kind + decoy.name] = error.message.splitlines()[0]
        return False
    return True


def _measured(night: Living) -> Measured:
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


def _break_again(night: Living) -> None:
    """Something else than the remedy has mended it: the remedy needs it broken."""
    doors = night.doors
    for fault in doors.journal.faults(night.row.id):
        if fault.injected_at and not faults.active(doors.stack, fault.name, fault.token):
            faults.inject(doors.stack, fault.name, fault.token)
    _until_it_hurts(night, BROKEN_AGAIN_S, "breaking it again, for the remedy")


def _until_it_hurts(night: Living, within_s: float, title: str) -> None:
    """Until an objective is broken, for `within_s` seconds at most."""
    doors = night.doors
    with night.report.step(title) as step:
        begun = doors.now()
        while (passed := doors.now() - begun) < within_s:
            if incident.hurts(doors, night.row):
                return
            step.at(passed, within_s)
            doors.pause(1.0)
