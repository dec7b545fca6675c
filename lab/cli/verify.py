"""Commands for whoever writes scenarios, and for judging or replaying what was recorded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import Json, command
from lab.cli.incident import verdict_code

if TYPE_CHECKING:
    from lab.diagnosis import Diagnosis
    from lab.grading.vocabulary import Vocabulary
    from lab.history import History, Told
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
    seed: Annotated[int, typer.Option("--seed", help="The first seed.")] = 1,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds of each.")] = 1,
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
    page: Annotated[
        Path | None, typer.Option("--markdown", help="Also write the proofs as a page.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Prove scenarios: live one night of each, and judge every run of the proof matrix."""
    from lab.proof.kept import confusion_in, proofs_in
    from lab.screen.console import console, emit

    if of_faults:
        return _verify_faults(slugs or [], as_json=as_json)
    if tabled:
        proofs = proofs_in(tabled)
        confused = [row for path in tabled if path.is_dir() for row in confusion_in(path)]
    else:
        proofs, confused = _live(slugs or [], range(seed, seed + seeds), out, quiet=as_json)
    if page is not None:
        from lab.proof.table import markdown

        page.write_text(markdown(proofs, confused), encoding="utf-8")
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
    return _proven([*(row for proof in proofs for row in proof.rows), *confused])


def _live(
    slugs: list[str], seeds: range, out: Path | None, *, quiet: bool
) -> tuple[list[Proof], list[Row]]:
    """Live through every night, tell of each as it ends, and hold all of them together."""
    from lab.doors import open_doors
    from lab.errors import BadInput
    from lab.progress import report_for_terminal
    from lab.proof import matrix
    from lab.proof.confusion import confusion
    from lab.proof.kept import keep, keep_confusion, nights_in
    from lab.proof.night import live
    from lab.proof.table import rows_table, summary
    from lab.screen.console import console
    from lab.units import duration

    report, screen = report_for_terminal(), console()
    proofs: list[Proof] = []
    with open_doors() as doors:
        folder = out or doors.home.dir / "proof"
        wanted = slugs or doors.library.slugs()
        for slug in wanted:
            # Now, and not after half an hour of other nights.
            doors.library.load(slug, seeds.start)
        row = doors.journal.open_one()
        if row is not None and row.phase == "live":
            raise BadInput(
                f"the incident {row.slug} is on",
                remedy="`lab end` finishes it, `lab restore` abandons it",
            )
        for slug in wanted:
            for seed in seeds:
                night = live(
                    doors, slug, seed, report, lambda run, one: report.say(f"{run}: {one.outcome}")
                )
                rows = matrix.rows(night, doors.vocabulary)
                proofs.append(keep(night, rows, folder))
                if not quiet:
                    screen.print(rows_table(rows))
                    took = duration(night.seconds)
                    screen.print(f"{slug}, seed {seed}: {summary(rows)}; {took}")
        confused = confusion(nights_in(folder), doors.vocabulary)
    keep_confusion(confused, folder)
    report.say(f"written to {folder}")
    return proofs, confused


def _verify_faults(names: list[str], *, as_json: bool) -> int:
    """Kill a process after each step of each fault, and bring the stack home each time."""
    from lab.doors import open_doors
    from lab.faultproof import prove
    from lab.progress import report_for_terminal
    from lab.screen.console import console, emit

    with open_doors() as doors:
        doors.stack.up(report_for_terminal())
        doors.forget_addresses()
        proof = prove(doors, report_for_terminal(), names or None)
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


@command("grade")
def grade_command(
    *,
    history: Annotated[
        Path, typer.Option("--history", help="A recorded incident: history.json.gz.")
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", help="Another diagnosis.yaml than the recorded; - is standard input."
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", help="When it is given, for windows such as -60s: a time, or -5m of the end."
        ),
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", help="Where `lab replay` serves this recording.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Judge a recorded incident again, without the stack."""
    from lab import archive
    from lab.grading.vocabulary import Vocabulary
    from lab.prometheus import Prometheus
    from lab.recorded import regrade
    from lab.screen.console import console, emit, verdict_view

    recorded = archive.load(history)
    vocabulary = Vocabulary.load()
    verdict = regrade(
        recorded,
        vocabulary,
        None if file is None else _diagnosis(file, vocabulary, recorded),
        told=_told(recorded),
        at=None if at is None else _moment(at, recorded),
        beyond=None if prometheus is None else Prometheus(prometheus),
    )
    if as_json:
        emit(verdict.as_dict())
    else:
        console().print(verdict_view(verdict))
    return verdict_code(verdict)


def _diagnosis(file: Path, vocabulary: Vocabulary, recorded: History) -> Diagnosis:
    from lab.diagnosis import parse_diagnosis
    from lab.documents import Document

    stdin = str(file) == "-"
    document = Document(sys.stdin.read(), "standard input") if stdin else Document.read(file)
    return parse_diagnosis(document, vocabulary, recorded.facts)


def _told(recorded: History) -> Told | None:
    """What was true by the scenario of that name, for a recording that does not say it."""
    from lab.errors import BadInput
    from lab.history import Told
    from lab.library import Library

    if recorded.told is not None:
        return None
    try:
        return Told(Library().load(recorded.scenario, recorded.seed).answer)
    except BadInput:
        return None


def _moment(text: str, recorded: History) -> float:
    from lab.diagnosis import moment
    from lab.errors import BadInput

    try:
        return moment(text, recorded.ended_at)
    except ValueError as error:
        raise BadInput(str(error)) from error


@command("replay")
def replay_command(
    file: Annotated[Path, typer.Argument(help="A recorded incident: history.json.gz.")],
    *,
    now: Annotated[
        bool, typer.Option("--now", help="As if it had just ended, for dashboards that look back.")
    ] = False,
    port: Annotated[
        int | None, typer.Option("--port", help="On 127.0.0.1; a free one without it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve a recorded incident by a Prometheus of its own, until Ctrl-C."""
    import time

    from lab import archive
    from lab.home import Home
    from lab.progress import report_for_terminal
    from lab.replay import alive, serve, shifted
    from lab.screen.console import clock, console, emit

    history, home = archive.load(file), Home.find()
    home.prepare()
    if now:
        # By whole seconds, so that points stay where Prometheus looks for them.
        history = shifted(history, round(time.time() - history.ended_at))
        file = home.dir / f"replayed-{history.incident}.json.gz"
        archive.save(history, file)
    start, end = history.baseline.start, history.ended_at
    with serve(home, history, report_for_terminal(), port=port) as prometheus:
        url = prometheus.url
        if as_json:
            emit({"url": url, "from": start, "until": end, "history": file})
        else:
            page = f"{url}/graph?g0.expr=client:latency_seconds:p95&g0.tab=0"
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(end)).replace(" ", "%20")
            out = console()
            out.print(f"{history.title}: {clock(start)} to {clock(end)} on this machine's clock")
            out.print(f"  Prometheus   {url}", soft_wrap=True)
            out.print(f"  begin with   {page}&g0.range_input={end - start:.0f}s&", end="")
            out.print(f"g0.end_input={moment}", soft_wrap=True)
            out.print("  the words    lab diagnose --words")
            out.print(f"  be judged    lab grade --history {file} --prometheus {url} ", end="")
            out.print("--file diagnosis.yaml", soft_wrap=True)
            out.print("Ctrl-C ends it and removes everything.")
        try:
            for _ in alive(prometheus):
                pass
        except KeyboardInterrupt:
            return
