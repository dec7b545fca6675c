"""The proof that no fault outlives the process that broke something.

Each fault, with each of its examples, goes the way of an incident (plan, journal, inject, witness,
heal, heal again) in a process of its own, which is killed by SIGKILL right after one step. Then
`lab restore`, another process that knows nothing but the journal, must bring the stack home and
prove it. That is done for each step.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from lab import faults
from lab.command import Exec, run
from lab.doors import Doors, open_doors
from lab.errors import BadInput, LabError, MachineLacks
from lab.files import replace_file
from lab.handed import read_text
from lab.injection import WITNESS_WITHIN_S, lock_name
from lab.lock import exclusive
from lab.progress import QUIET, Report
from lab.steady import HOME_RATE

if TYPE_CHECKING:
    from rich.table import Table

    from lab.faults import AnyFault

STEPS = ("planned", "injected", "witnessed", "healed", "healed again")

CONTROL = "noop"
"""Breaks nothing, so nothing may ever be seen of it."""

KEPT = "faults"
"""The folder, in that of all proofs, which has a file for each fault."""

CHILD_S = 180
RESTORE_S = 900
LOAD_S = 300


class Outcome(StrEnum):
    """What came of one row."""

    HOME = "home"
    SKIPPED = "skipped"
    """The machine lacks what the fault needs."""
    LEFT = "left behind"
    """The restore did not work, or the fault is still there after it."""
    MOOT = "proves nothing"
    """The process did not get to the step, or the system did not show what belongs to it."""


@dataclass(frozen=True, slots=True)
class ProofRow:
    """A fault with one of its examples, killed after one step. `detail` says what went wrong."""

    fault: str
    example: str
    step: str
    outcome: Outcome
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class FaultProof:
    """What became of each row."""

    rows: tuple[ProofRow, ...]

    def having(self, outcome: Outcome) -> list[ProofRow]:
        return [row for row in self.rows if row.outcome is outcome]

    @property
    def passed(self) -> bool:
        """Whether something was proven, and nothing failed."""
        failed = self.having(Outcome.LEFT) + self.having(Outcome.MOOT)
        return bool(self.having(Outcome.HOME)) and not failed

    @property
    def count(self) -> str:
        """In one line, for people."""
        proven = [row for row in self.rows if row.outcome is not Outcome.SKIPPED]
        names, steps = {row.fault for row in proven}, {row.step for row in proven}
        line = (
            f"{len(names)} faults killed after each of {len(steps)} steps, {len(proven)} times: "
            f"{len(self.having(Outcome.LEFT))} left behind"
        )
        if moot := self.having(Outcome.MOOT):
            line += f", {len(moot)} proved nothing"
        if skipped := self.having(Outcome.SKIPPED):
            line += f"; not to be had here: {', '.join(sorted({row.fault for row in skipped}))}"
        return line

    def table(self) -> Table:
        """Each row, for people."""
        from lab.screen.console import table

        made = table("fault", "example", "killed when", "outcome", "s", "", prose=("example", ""))
        for row in self.rows:
            cells = (row.fault, row.example, row.step, row.outcome, f"{row.seconds:.0f}")
            made.add_row(*cells, row.detail)
        return made


def prove(
    doors: Doors,
    report: Report,
    names: Collection[str] | None = None,
    steps: Collection[str] | None = None,
    *,
    first_example_only: bool = False,
    out: Path | None = None,
) -> FaultProof:
    """Kill a process after each of `steps` of each fault in `names` (all of them by default).

    What became of a fault is written to `out` as soon as it is known. The stack must be up, and no
    incident on. Raises `BadInput` for an unknown name or step.
    """
    known = faults.discover()
    for word, there in [(word, known) for word in names or ()] + [
        (word, STEPS) for word in steps or ()
    ]:
        if word not in there:
            raise BadInput(f"there is no {word!r}", remedy=f"there are: {', '.join(there)}")
    if doors.journal.open_one() is not None:
        raise BadInput("an incident is on", remedy="`lab end` finishes it, `lab restore` too")
    every: list[ProofRow] = []
    for name, fault in known.items():
        if names is not None and name not in names:
            continue
        rows: list[ProofRow] = []
        for number in range(1 if first_example_only else len(fault.examples)):
            for step in STEPS:
                if steps is None or step in steps:
                    with report.step(f"{name}: killed when {step}"):
                        rows.append(_kill_after(doors, name, fault, number, step))
                    if rows[-1].outcome is Outcome.SKIPPED:
                        break
        if out is not None:
            _keep(rows, out / KEPT / f"{name}.json")
        every += rows
    return FaultProof(tuple(every))


def _keep(rows: list[ProofRow], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(row) for row in rows], indent=1)
    replace_file(path, text + "\n")


def kept_in(folder: Path) -> FaultProof:
    """What became of each fault whose proof was written to this folder.

    Raises `BadInput` for a file that holds none.
    """
    every: list[ProofRow] = []
    for path in sorted((folder / KEPT).glob("*.json")):
        try:
            every += TypeAdapter(list[ProofRow]).validate_json(read_text(path))
        except ValueError as error:
            raise BadInput(f"{path}: not what became of a fault: {error}") from error
    return FaultProof(tuple(every))


def _kill_after(doors: Doors, name: str, fault: AnyFault, number: int, step: str) -> ProofRow:
    begun = time.monotonic()
    params = fault.examples[number].model_dump(exclude_defaults=True, exclude={"fault"})
    outcome, detail = _run_and_restore(doors, name, number, step)
    example = " ".join(f"{key}={value}" for key, value in params.items())
    return ProofRow(name, example, step, outcome, detail, round(time.monotonic() - begun, 1))


def _run_and_restore(doors: Doors, name: str, number: int, step: str) -> tuple[Outcome, str]:
    # Some faults only show while somebody comes.
    doors.load.stop()
    doors.load.start(rate=HOME_RATE, duration_s=LOAD_S, seed=0)
    child = _process(doors, "lab.faultproof", name, str(number), step, within=CHILD_S)
    if child.code == MachineLacks.exit_code:
        doors.load.stop()
        return Outcome.SKIPPED, child.stderr.strip()
    left = doors.journal.unhealed()
    wanted = step in ("injected", "witnessed") and name != CONTROL
    shown = [_waits_to_see(doors, one.name, one.token, wanted=wanted) for one in left]
    restored = _process(doors, "lab", "restore", within=RESTORE_S)
    doors.forget_addresses()
    if restored.code != 0:
        return Outcome.LEFT, restored.stderr.strip()
    if doors.journal.unhealed() or any(
        faults.active(doors.stack, one.name, one.token) for one in left
    ):
        return Outcome.LEFT, "the restore was content, and it is still there"
    if child.code != -signal.SIGKILL:
        return Outcome.MOOT, f"it ended before its time: {child.stderr.strip()}"
    if shown != [True]:
        return Outcome.MOOT, f"the witness {'did not see it' if wanted else 'saw it'} when {step}"
    return Outcome.HOME, ""


def _waits_to_see(doors: Doors, name: str, token: str, *, wanted: bool) -> bool:
    until = doors.now() + WITNESS_WITHIN_S
    while True:
        # A witness that cannot look has seen nothing.
        with suppress(LabError):
            if faults.active(doors.stack, name, token) is wanted:
                return True
        if doors.now() >= until:
            return False
        doors.pause(0.5)


def _process(doors: Doors, module: str, *args: str, within: float) -> Exec:
    home = doors.home
    argv = [sys.executable, "-m", module, *args]
    return run(argv, timeout=within, env=home.environment, cwd=home.root, check=False)


# -- the process that dies ----------------------------------------------------------------------


def _steps(doors: Doors, name: str, number: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """What an incident does with a fault, step by step: what is reached, and how."""
    params = faults.fault_named(name).examples[number]
    token = faults.plan(doors.stack, params)
    incident = doors.journal.begin("faultproof", 0, "{}", doors.now())
    yield "planned", lambda: doors.journal.plan(incident, name, token, doors.now())
    (planned,) = doors.journal.faults(incident)

    def inject() -> None:
        faults.inject(doors.stack, name, token)
        doors.journal.injected(planned, doors.now())

    yield "injected", inject
    yield "witnessed", partial(_waits_to_see, doors, name, token, wanted=name != CONTROL)
    for step in ("healed", "healed again"):
        yield step, partial(faults.heal, doors.stack, name, token)


def _die(doors: Doors, name: str, number: int, last: str) -> None:
    with exclusive(lock_name(doors), QUIET):
        for step, reach in _steps(doors, name, number):
            reach()
            if step == last:
                os.kill(os.getpid(), signal.SIGKILL)


def main(name: str, number: str, last: str) -> int:
    """`python -m lab.faultproof FAULT EXAMPLE STEP`: be killed right after that step."""
    with open_doors() as doors:
        try:
            _die(doors, name, int(number), last)
        except LabError as error:
            sys.stderr.write(error.message + (f" ({error.remedy})" if error.remedy else ""))
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
