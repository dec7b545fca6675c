"""Bringing the stack home from whatever was done to it, and proving it. From the journal alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from lab import faults, manifest, statements
from lab.doors import Doors
from lab.errors import Failed, LabError
from lab.faults._redis import CACHE, cli
from lab.injection import lock_name
from lab.load import LoadUnavailable
from lab.lock import exclusive
from lab.manifest import Change
from lab.progress import Report
from lab.records import PlannedFault, Row
from lab.steady import prove_home


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `healed` are the faults that the journal did not know as healed,
    `put_back` what else was not as it is at home; `closed` is the incident that it ended, if one
    was open; `unkept` says why none of that could be written down, if it could not."""

    healed: tuple[str, ...]
    put_back: tuple[Change, ...]
    closed: int | None
    seconds_to_heal: float
    seconds_to_prove: float
    unkept: str | None = None


@dataclass(frozen=True, slots=True)
class Homecoming:
    """How the stack came home: the faults that were healed, by name, what else was put back, and
    the seconds that mending and proving took."""

    healed: tuple[str, ...]
    put_back: tuple[Change, ...]
    mended_s: float
    proved_s: float


def restore(doors: Doors, report: Report) -> Restored:
    """Heal everything in the journal, bring every service back, prove the steady state.

    Idempotent, and safe in any state: an incident that is on is abandoned; what was answered and
    measured so far stays on record. Raises `Failed` when the stack could not be brought home,
    `Unknown` when it was but could not be measured, and `BadInput` when it is another checkout's.
    """
    with exclusive(f"incident-{doors.home.project}", report):
        doors.stack.refuse_others()
        row = doors.journal.open_one()
        if row is not None and row.announced_at is not None:
            from lab.ending import abandon

            abandon(doors, row, report)
        if row is not None and row.announced_at is None:
            # Before healing: whatever was still to be injected must find it over.
            doors.journal.stamp(row.id, "invalid", row.invalid or "it was never announced")
        home = come_home(doors, report)
        if row is not None:
            doors.journal.stamp(row.id, "closed_at", doors.now())
    return Restored(
        home.healed,
        home.put_back,
        row.id if row else None,
        home.mended_s,
        home.proved_s,
        doors.unkept,
    )


def call_off(doors: Doors, row: Row, reason: str, report: Report) -> None:
    """An incident that never came to be: undo what was done for it, and close it as invalid."""
    doors.journal.stamp(row.id, "invalid", reason)
    come_home(doors, report)
    doors.journal.stamp(row.id, "closed_at", doors.now())


def come_home(doors: Doors, report: Report) -> Homecoming:
    """Send the customers away, heal every fault, put back what somebody has changed, start every
    service, prove the steady state.

    Raises `Failed` and `Unknown` as `restore` does.
    """
    begun = doors.now()
    # Not there, or not well: the stack's own start is what mends it.
    with suppress(LoadUnavailable):
        doors.load.stop()
    unhealed = doors.journal.unhealed()
    faults_left = [fault for fault in unhealed if faults.readable(fault.name, fault.token)]
    with report.step("healing"), exclusive(lock_name(doors), report):
        # Building an index again on an eighth of a core takes minutes.
        for fault in faults_left:
            if faults.hinders(fault.name):
                _healed(doors, fault)
        # What hangs may be the very thing that is broken, so: heal, start, and heal what is left.
        failed = [fault for fault in faults_left if not _healed(doors, fault)]

    def heal_the_rest() -> None:
        # With it whatever was planned before: what is healed late puts back what it found.
        for fault in faults_left[faults_left.index(failed[0]) :] if failed else ():
            faults.heal(doors.stack, fault.name, fault.token)

    changed = bring_up(doors, report, when_up=heal_the_rest)
    _ask_witnesses(doors, faults_left)
    mended = doors.now()
    prove_home(doors, report)
    # A command that was still on its way when its process was killed may have landed since.
    _ask_witnesses(doors, faults_left)
    for fault in unhealed:
        if fault not in faults_left:
            report.say(
                f"{fault.name}: what another version has kept of it cannot be read; the stack was "
                "put back as it is known at home, and its steady state is proven"
            )
            doors.journal.healed(fault, doors.now())
    # What statements took in it is not what they usually take.
    with suppress(LabError):
        statements.forget(doors.stack)
    # What this night had read would be the next one's head start.
    cli(doors.stack, CACHE, "FLUSHALL")
    return Homecoming(
        healed=tuple(fault.name for fault in faults_left),
        put_back=tuple(changed),
        mended_s=mended - begun,
        proved_s=doors.now() - mended,
    )


def bring_up(
    doors: Doors,
    report: Report,
    *,
    start: Callable[[Report], object] | None = None,
    when_up: Callable[[], None] = lambda: None,
) -> list[Change]:
    """Every service up and as it is at home, whatever somebody has made of it. Returns what was
    put back.

    `start` is what starts the services, by default the stack's `up`; `when_up` is done as soon as
    they run, before what is in them is looked at.
    """
    stack = doors.stack
    # Before anything is started, which would mend some of it unseen. Where no engine runs yet, the
    # start begins one.
    changed: list[Change] = []
    unseen = False
    try:
        changed += manifest.put_back(stack, needs_services=False)
    except LabError:
        unseen = True
    (start or stack.up)(report)
    doors.forget_addresses()
    when_up()
    with report.step("looking for what was changed by hand"):
        inside = manifest.put_back(stack, needs_services=False) if unseen else []
        inside += manifest.put_back(stack, needs_services=True)
    if inside:
        stack.up(report)
        doors.forget_addresses()
    # On a disk that cannot be written to what is known of home stays as it is.
    with suppress(OSError):
        manifest.keep(stack)
    return changed + inside


def _healed(doors: Doors, fault: PlannedFault) -> bool:
    try:
        faults.heal(doors.stack, fault.name, fault.token)
    except LabError:
        return False
    return True


def _ask_witnesses(doors: Doors, healed: list[PlannedFault]) -> None:
    """Keep of each fault whether it is healed. Raises `Failed` with those that are not."""
    left: list[str] = []
    for fault in healed:
        if faults.active(doors.stack, fault.name, fault.token):
            left.append(fault.name)
            doors.journal.back_again(fault)
        else:
            doors.journal.healed(fault, doors.now())
    if left:
        raise Failed(
            f"healed, but the system still shows: {', '.join(left)}",
            remedy="`lab restore` once more; `lab reset` gives back the database as it was seeded",
        )
