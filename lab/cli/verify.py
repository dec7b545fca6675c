"""Commands for whoever writes scenarios: check what is written, prove what it promises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import Json, command, no_larger

if TYPE_CHECKING:
    from lab.proof.kept import Proof
    from lab.proof.rows import Row

Slugs = Annotated[
    list[str] | None, typer.Argument(help="Scenarios; without any, every one.", metavar="[SLUG]...")
]


@command("check")
def check_command(slugs: Slugs = None, *, as_json: Json = False) -> int:
    """Read scenarios and say all that is wrong with them, in a moment."""
    from lab.check import check_all
    from lab.library import Library
    from lab.screen.console import console, emit

    found = check_all(Library(), slugs or [])
    findings = [one for several in found.values() for one in several]
    if as_json:
        emit([{"file": one.file, "line": one.line, "text": one.text} for one in findings])
    else:
        out = console()
        for one in findings:
            out.print(_from_here(one.file), one.line, one.text, sep=":", soft_wrap=True)
        well = [slug for slug, several in found.items() if not several]
        if well:
            out.print(f"nothing to complain about: {', '.join(well)}")
    return 2 if findings else 0


def _from_here(path: Path) -> str:
    """As an editor's terminal can follow it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@command("verify")
def verify_command(
    slugs: Slugs = None,
    *,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, callback=no_larger, help="The first seed.")
    ] = 1,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds",
            min=1,
            max=1000,
            help="How many seeds of each; in the first, every wrong fix is tried.",
        ),
    ] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where histories and results are kept.")
    ] = None,
    of_faults: Annotated[
        bool, typer.Option("--faults", help="Prove the faults instead: break, see, mend, see.")
    ] = False,
    tabled: Annotated[
        list[Path] | None,
        typer.Option("--table", help="Live nothing: show the proofs in these files or folders."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="With --table: judge those nights by the lab as it is now."),
    ] = False,
    page: Annotated[
        Path | None, typer.Option("--markdown", help="Also write the proofs as a page.")
    ] = None,
    disturbed: Annotated[
        str,
        typer.Option(
            "--disturbed",
            metavar="KIND",
            help="What else goes on meanwhile: none, core, bursts, disk, suspended.",
        ),
    ] = "none",
    untempted: Annotated[
        bool, typer.Option("--untempted", help="No wrong fixes: short nights.")
    ] = False,
    fix: Annotated[
        str | None,
        typer.Option(
            "--fix", metavar="NAME", help="Mend with this one of its fixes/, not with remedy.sh."
        ),
    ] = None,
    side_by_side: Annotated[
        int,
        typer.Option(
            "--side-by-side",
            metavar="N",
            min=1,
            max=16,
            help="Live N nights at a time, in N stacks.",
        ),
    ] = 1,
    of_stacks: Annotated[
        int, typer.Option("--of-stacks", min=1, hidden=True, help="Of so many, this is one.")
    ] = 1,
    contributing: Annotated[
        bool,
        typer.Option("--contribute", help="Write the nights in short, to be sent along."),
    ] = False,
    into: Annotated[
        Path | None,
        typer.Option("--into", help="Contribute to this folder, not to scenarios/."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Prove scenarios: live one night of each, and judge every run of the proof matrix."""
    from lab.faultproof import FaultProof, kept_in
    from lab.proof.kept import proofs_in
    from lab.proof.neighbour import kind_of
    from lab.proof.sidebyside import worst
    from lab.screen.console import console, emit

    if of_faults:
        return _verify_faults(slugs or [], out, as_json=as_json)
    crashes = FaultProof(())
    code = 0
    if tabled:
        folders = [path for path in tabled if path.is_dir()]
        if again:
            _judge_again(folders)
        proofs = proofs_in(tabled)
        confused = _taken_for_another(folders)
        crashes = FaultProof(tuple(row for path in folders for row in kept_in(path).rows))
    else:
        from lab.cli import nights

        wanted = nights.Wanted(
            slugs=tuple(slugs or []),
            seeds=range(seed, seed + seeds),
            folder=nights.folder(out),
            kind=kind_of(disturbed),
            untempted=untempted,
            stacks=max(side_by_side, of_stacks),
            fix=fix,
        )
        if side_by_side > 1:
            proofs, code = nights.live_side_by_side(wanted)
        else:
            proofs = nights.live_here(wanted, quiet=as_json)
        # Beside another process that keeps its nights there, too, that one does it for both.
        confused = _taken_for_another([wanted.folder]) if proofs and of_stacks == 1 else []
    if contributing or into is not None:
        _contribute(proofs, into)
    if page is not None:
        from lab.proof import contributed
        from lab.proof.table import markdown

        text = markdown(proofs, confused, crashes, contributed.every())
        page.write_text(text, encoding="utf-8")
    if as_json:
        emit({"proofs": proofs, "confusion": confused})
    else:
        from lab.proof.table import rows_table, summary

        screen = console()
        for proof in proofs if tabled else []:
            screen.print(f"\n{proof.slug}, seed {proof.seed}: {proof.title}")
            screen.print(rows_table(proof.rows))
        if confused:
            screen.print("\none scenario taken for another:")
            screen.print(rows_table(confused))
        every = [row for proof in proofs for row in proof.rows]
        screen.print(f"\n{summary([*every, *confused])}")
    return worst([code, _proven([*(row for proof in proofs for row in proof.rows), *confused])])


def _judge_again(folders: list[Path]) -> None:
    from lab.doors import open_doors
    from lab.progress import report_for_terminal
    from lab.proof.again import judge_again

    with open_doors() as doors:
        for folder in folders:
            judge_again(folder, doors.library, doors.vocabulary, report_for_terminal())


def _contribute(proofs: list[Proof], into: Path | None) -> None:
    """Write what the nights come to, for a pull request, and say where."""
    from lab.progress import report_for_terminal
    from lab.proof.contributed import contribute
    from lab.scenario import SCENARIOS

    report = report_for_terminal()
    for path in contribute(proofs, into or SCENARIOS):
        report.say(f"to be sent along: {_from_here(path)}")
    unnamed = [proof.name for proof in proofs if proof.machine is None]
    if unnamed:
        report.say(f"left out, as nobody knows on what machine: {', '.join(unnamed)}")


def _taken_for_another(folders: list[Path]) -> list[Row]:
    """Every night that was recorded there, against every other scenario."""
    from lab.grading.vocabulary import Vocabulary
    from lab.progress import report_for_terminal
    from lab.proof.confusion import confusion
    from lab.proof.kept import nights_in
    from lab.proof.rows import NOBODY

    report = report_for_terminal()
    nights = [night for path in folders for night in nights_in(path, report, only=[NOBODY])]
    return confusion(nights, Vocabulary.load())


def _verify_faults(names: list[str], out: Path | None, *, as_json: bool) -> int:
    """Kill a process after each step of each fault, and bring the stack home each time."""
    from lab.doors import open_doors
    from lab.faultproof import prove
    from lab.progress import report_for_terminal
    from lab.screen.console import console, emit

    with open_doors() as doors:
        doors.stack.up(report_for_terminal())
        doors.forget_addresses()
        folder = out or doors.home.dir / "proof"
        proof = prove(doors, report_for_terminal(), names or None, out=folder)
    if as_json:
        emit(proof)
    else:
        console().print(proof.table())
        console().print(proof.count, soft_wrap=True)
    return int(not proof.passed)


def _proven(rows: list[Row]) -> int:
    """0 when every row is as promised, 3 when some could only not be judged, 1 otherwise."""
    results = {row.result for row in rows}
    if results & {"false pass", "false fail"}:
        return 1
    return 3 if "invalid" in results else 0
