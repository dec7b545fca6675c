"""Commands about recorded incidents: judge one again, or look at it again. No stack is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import Json, command
from lab.cli.incident import Number, verdict_code

if TYPE_CHECKING:
    from lab.diagnosis import Diagnosis
    from lab.grading.vocabulary import Vocabulary
    from lab.history import History, Told


@command("grade")
def grade_command(
    *,
    history: Annotated[
        Path | None, typer.Option("--history", help="A recorded incident: history.json.gz.")
    ] = None,
    number: Number = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", help="Another diagnosis.yaml than the recorded; - is standard input."
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="WHEN",
            help="When it is given, for windows such as -60s: 22:09:34, or -5m of the end.",
        ),
    ] = None,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", help="Where `lab replay` serves this recording.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Judge a recorded incident again, without the stack."""
    from lab.grading.vocabulary import Vocabulary
    from lab.prometheus import Prometheus
    from lab.recorded import regrade
    from lab.screen.console import console, emit, verdict_view

    _, recorded = _recording(history, number)
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


def _recording(file: Path | None, number: int | None) -> tuple[Path, History]:
    """That file, or what was kept of an incident of this home: of the last one, where none is
    named. Raises `BadInput` where both are, and where there is none."""
    from lab import archive
    from lab.doors import open_doors
    from lab.ending import chosen, history_of
    from lab.errors import BadInput

    if file is not None:
        if number is not None:
            raise BadInput("a recording is named by its file or by --incident, not by both")
        return file, archive.load(file)
    with open_doors(for_healing=True) as doors:
        row = chosen(doors, number)
        history = history_of(row)
    return Path(row.history or ""), history


def _diagnosis(file: Path, vocabulary: Vocabulary, recorded: History) -> Diagnosis:
    from lab.diagnosis import parse_diagnosis
    from lab.documents import Document
    from lab.panels import signal_at

    return parse_diagnosis(
        Document.handed_over(file),
        vocabulary,
        recorded.facts,
        lambda url: signal_at(url, recorded.ended_at, recorded.facts),
    )


def _told(recorded: History) -> Told | None:
    """What was true by the scenario of that name, for a recording that does not say it."""
    from lab.errors import BadInput
    from lab.history import Told
    from lab.library import Library

    if recorded.told is not None:
        return None
    try:
        scenario = Library().load(recorded.scenario, recorded.seed, light=recorded.light)
        return Told(scenario.answer)
    except BadInput:
        return None


def _moment(text: str, recorded: History) -> float:
    from lab.diagnosis import moment
    from lab.errors import BadInput
    from lab.screen.console import clock

    begun, ended = recorded.baseline.start, recorded.ended_at
    try:
        at = moment(text, ended)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"--at: {error}") from error
    if not begun <= at <= ended:
        raise BadInput(
            f"--at: {text} is not of that night",
            remedy=f"it was recorded from {clock(begun)} to {clock(ended)} on this machine's clock",
        )
    return at


@command("replay")
def replay_command(
    file: Annotated[
        Path | None,
        typer.Argument(help="A recorded incident: history.json.gz.", show_default=False),
    ] = None,
    *,
    number: Number = None,
    now: Annotated[
        bool, typer.Option("--now", help="As if it had just ended, for dashboards that look back.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="On 127.0.0.1; a free one without it."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve a recorded incident by its own Prometheus, until Ctrl-C."""
    import time

    from lab import archive
    from lab.home import Home
    from lab.progress import report_for_terminal
    from lab.replay import alive, serve, shifted
    from lab.screen.console import clock, console, emit

    file, history = _recording(file, number)
    home = Home.find()
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


@command("past")
def past_command(
    *,
    lines: Annotated[
        int,
        typer.Option("--lines", "-n", metavar="N", min=1, max=1000, help="Of the last so many."),
    ] = 20,
    as_json: Json = False,
) -> None:
    """List the nights lived here, with their numbers for --incident."""
    from lab.doors import open_doors
    from lab.past import lived
    from lab.progress import report_for_terminal
    from lab.screen.console import console, emit
    from lab.screen.past import past_table

    with open_doors(for_healing=True) as doors, report_for_terminal().step("judging them again"):
        found = lived(doors, most=lines)
    if as_json:
        emit([one.as_dict() for one in found])
    elif found:
        console().print(past_table(found))
    else:
        console().print("no night was lived here yet: `lab run 3am`")
