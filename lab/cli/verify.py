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
