"""The nights that `lab verify` lives: here one after the other, or side by side in processes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lab.doors import Doors, open_doors
from lab.errors import BadInput
from lab.home import Home
from lab.progress import report_for_terminal
from lab.proof import matrix, phases, sidebyside
from lab.proof.kept import PROOF, Proof, keep, proofs_in
from lab.proof.neighbour import Kind, beside
from lab.proof.night import live
from lab.proof.rows import night_name
from lab.proof.sidebyside import Errand, Lane
from lab.proof.table import rows_table, summary
from lab.screen.console import console
from lab.settings import PORTS
from lab.units import duration


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which nights: scenarios (without any, every one) times seeds, and where they are kept.

    `kind` is what else goes on meanwhile, `stacks` how many nights are lived at a time. They have
    one neighbour then, whom `live_side_by_side` lets in. `fix` is another right fix to mend them
    with.
    """

    slugs: tuple[str, ...]
    seeds: range
    folder: Path
    kind: Kind
    untempted: bool
    stacks: int
    fix: str | None = None

    def errands(self, doors: Doors) -> list[Errand]:
        """Night by night. Raises `BadInput` for a scenario that cannot be read: now, and not after
        half an hour of other nights."""
        slugs = self.slugs or doors.library.slugs()
        for slug in slugs:
            doors.library.load(slug, self.seeds.start)
            doors.library.remedy(slug, self.fix)
        return sidebyside.errands(slugs, self.seeds, untempted=self.untempted)


def folder(out: Path | None) -> Path:
    """Where nights are kept: there, or in this stack's home."""
    return (out or Home.find().dir / "proof").absolute()


def live_here(wanted: Wanted, *, quiet: bool) -> list[Proof]:
    """Live through every night, and tell of each as it ends.

    Raises `BadInput` while an incident is on, and for a scenario that cannot be read.
    """
    report, screen = report_for_terminal(), console()
    proofs: list[Proof] = []
    own: Kind = wanted.kind if wanted.stacks == 1 else "none"
    with open_doors() as doors:
        errands = wanted.errands(doors)
        _refuse_while_on(doors)
        for errand in errands:
            night = live(
                doors,
                errand.slug,
                errand.seed,
                report,
                lambda run, one: report.say(f"{run}: {one.outcome}"),
                tempted=errand.tempted,
                kind=own,
                fix=wanted.fix,
            )
            night = replace(night, stacks=wanted.stacks, beside=wanted.kind)
            rows = matrix.rows(night, doors.vocabulary)
            proofs.append(keep(night, rows, wanted.folder))
            if not quiet:
                screen.print(rows_table(rows))
                took = duration(night.seconds)
                screen.print(f"{errand.slug}, seed {errand.seed}: {summary(rows)}; {took}")
                screen.print(f"seconds: {phases.told(night.phases)}", soft_wrap=True)
    report.say(f"written to {wanted.folder}")
    return proofs


def live_side_by_side(wanted: Wanted) -> tuple[list[Proof], int]:
    """Live through every night, several at a time. Returns the proofs, and the worst exit code.

    Raises `BadInput` as `live_here` does, of every stack, and where the machine is to be asleep.
    """
    if wanted.kind == "suspended":
        raise BadInput(
            "a machine falls asleep with all of its stacks",
            remedy="leave out --side-by-side: live this night alone",
        )
    report = report_for_terminal()
    homes = _homes(wanted.stacks)
    with open_doors(homes[0]) as doors:
        errands = wanted.errands(doors)
    for home in homes:
        with open_doors(home) as doors:
            _refuse_while_on(doors)
    begun = datetime.now(tz=UTC).isoformat(timespec="seconds")
    try:
        # One after the other: two that choose their ports at the same moment choose the same.
        for home in homes:
            code = sidebyside.run([Lane(home.project, [_lab("up")], _environment(home))], report)
            if code:
                return [], code
        dealt = sidebyside.dealt(errands, wanted.stacks)
        lanes = [
            Lane(home.project, [_command(one, wanted) for one in several], _environment(home))
            for home, several in zip(homes, dealt, strict=True)
        ]
        with beside(wanted.kind, nights=max(map(len, dealt))):
            code = sidebyside.run(lanes, report)
    finally:
        for home in homes[1:]:
            report.say(
                f"LAB_PROJECT={home.project} before a command means that stack: "
                f"`LAB_PROJECT={home.project} lab down` takes it down"
            )
    return _since(begun, errands, wanted), code


def _homes(stacks: int) -> list[Home]:
    own = Home.find()
    others = (replace(own, project=f"{own.project}-{turn}") for turn in range(2, stacks + 1))
    return [own, *others]


def _environment(home: Home) -> dict[str, str]:
    """Ports that somebody chose are one stack's; another finds its own."""
    told = home.environment
    mine = home.project == Home.find().project
    return told if mine else {name: told[name] for name in told if name not in PORTS}


def _command(errand: Errand, wanted: Wanted) -> list[str]:
    untempted = [] if errand.tempted else ["--untempted"]
    where = ["--out", str(wanted.folder), "--of-stacks", str(wanted.stacks)]
    disturbed = [] if wanted.kind == "none" else ["--disturbed", wanted.kind]
    how = [*disturbed, *untempted, *(["--fix", wanted.fix] if wanted.fix else [])]
    return _lab("verify", errand.slug, "--seed", str(errand.seed), *where, *how)


def _lab(*words: str) -> list[str]:
    return [sys.executable, "-m", "lab", *words]


def _since(begun: str, errands: list[Errand], wanted: Wanted) -> list[Proof]:
    """The proofs of these nights; not what an earlier time has left of the same name."""
    names = [
        night_name(one.slug, one.seed, wanted.kind, wanted.stacks, wanted.fix) for one in errands
    ]
    paths = [wanted.folder / name / PROOF for name in names]
    found = [proof for path in paths if path.exists() for proof in proofs_in([path])]
    return [proof for proof in found if proof.at >= begun]


def _refuse_while_on(doors: Doors) -> None:
    row = doors.journal.open_one()
    if row is not None and row.phase == "live":
        raise BadInput(
            f"the incident {row.slug} is on",
            remedy="`lab end` finishes it, `lab restore` abandons it",
        )
