"""Commands about an incident. Each works from any terminal, against the same journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import Json, command, finite, no_larger
from lab.errors import BadInput

if TYPE_CHECKING:
    from lab.doors import Doors
    from lab.ending import Ended
    from lab.grading.verdict import Verdict
    from lab.history import Outcome

Number = Annotated[
    int | None,
    typer.Option(
        "--incident",
        metavar="N",
        min=1,
        callback=no_larger,
        help="Its number, from `lab past`; without it, the last one.",
    ),
]


@command("ack")
def ack(*, as_json: Json = False) -> None:
    """Say that you have seen the page."""
    from lab import incident
    from lab.doors import open_doors
    from lab.screen.console import clock, console, emit

    with open_doors() as doors:
        at = incident.acknowledge(doors)
    if as_json:
        emit({"acknowledged_at": at})
    else:
        console().print(f"acknowledged at {clock(at)}")


@command("hint")
def hint(
    *,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Take it at its price, without asking.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take the next hint: says its price, and asks. It costs if you solve it; nothing once it is
    mended."""
    from rich.text import Text

    from lab import incident
    from lab.doors import open_doors
    from lab.screen.asking import ask_whether_to_take, price_of_hint
    from lab.screen.console import console, emit, is_terminal, readable

    with open_doors() as doors:
        price = None if yes else incident.next_price(doors)
        if price is not None:
            if as_json or not is_terminal():
                raise BadInput(
                    f"{price_of_hint(price)}; nobody is here to be asked",
                    remedy="`lab hint --yes` takes it",
                )
            if not ask_whether_to_take(price, console()):
                return
        taken = incident.take_hint(doors)
    if as_json:
        told = {"number": taken.number, "price": taken.price, "text": taken.text}
        emit({**told, "left": taken.left})
    else:
        text = f"hint {taken.number} ({taken.price} points): {taken.text}"
        console().print(readable(Text(text)))
        console().print(f"{taken.left} left")


@command("diagnose")
def diagnose(
    *,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A diagnosis.yaml; - is standard input.")
    ] = None,
    final: Annotated[
        bool, typer.Option("--final", help="This is my last word: no more revisions.")
    ] = False,
    words: Annotated[
        bool, typer.Option("--words", help="List the words of a diagnosis, and do nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Commit to what broke: component, cause, evidence, order. Asks, or reads a file."""
    from lab import incident
    from lab.doors import open_doors
    from lab.grading.vocabulary import Vocabulary
    from lab.screen.asking import ask_for_diagnosis, ask_whether_final, read_file
    from lab.screen.console import console, emit, is_terminal, words_view

    if words:
        vocabulary = Vocabulary.load()
        if as_json:
            emit({"components": vocabulary.components, "causes": vocabulary.causes})
        else:
            console().print(words_view(vocabulary))
        return
    with open_doors() as doors:
        row = incident.current(doors)
        if file is not None:
            diagnosis = read_file(doors, file)
        elif is_terminal():
            diagnosis = ask_for_diagnosis(doors, row, console())
            final = final or ask_whether_final(console())
        else:
            raise BadInput(
                "nobody is here to be asked", remedy="lab diagnose --file diagnosis.yaml"
            )
        before = len(doors.journal.answers(row.id))
        number = incident.diagnose(doors, diagnosis, final=final)
    if as_json:
        emit({"number": number, "revisions": number - 1, "final": final, "diagnosis": diagnosis})
        return
    out = console()
    what = "is on record already, word for word" if number <= before else "is recorded"
    out.print(f"diagnosis {number} {what}: {diagnosis.component}, {diagnosis.cause}")
    if not final:
        out.print("It may be revised; each revision costs 5 points. No score before it is final.")


@command("resolve")
def resolve_command(
    *,
    wait: Annotated[
        float | None,
        typer.Option(
            "--wait",
            metavar="S",
            min=0,
            max=3600,
            callback=finite,
            help="Wait up to so many seconds for the objectives to hold, before it judges.",
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Say that it is fixed; the lab measures whether it is."""
    from lab.doors import open_doors
    from lab.ending import resolve
    from lab.progress import report_for_terminal
    from lab.screen.console import console, emit, measured_view

    with open_doors() as doors:
        measured = resolve(doors, report_for_terminal(), within_s=wait)
    if as_json:
        emit(measured)
    else:
        console().print(measured_view(measured))
    return exit_code(measured.outcome)


@command("end")
def end_command(
    *,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Stop here; the answer is shown.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Finish: verdict and answer, and the stack is brought home."""
    from lab.doors import open_doors
    from lab.ending import end
    from lab.progress import report_for_terminal
    from lab.screen.console import console, emit, verdict_view

    def show(verdict: Verdict) -> None:
        if not as_json:
            console().print(verdict_view(verdict))

    with open_doors() as doors:
        ended = end(doors, report_for_terminal(), give_up=give_up, on_verdict=show)
        if not as_json:
            return said_goodbye(doors, ended)
        emit(
            {
                **ended.verdict.as_dict(),
                "history": ended.history,
                "put_back": [str(change) for change in ended.put_back],
                "not_home": ended.not_home,
            }
        )
    return code_of(ended)


@command("verdict")
def verdict_command(*, number: Number = None, as_json: Json = False) -> int:
    """Show a verdict again, computed from its history."""
    from lab.doors import open_doors
    from lab.ending import chosen, verdict_of
    from lab.screen.console import console, emit, verdict_view

    with open_doors(for_healing=True) as doors:
        verdict = verdict_of(doors, chosen(doors, number))
    if as_json:
        emit(verdict.as_dict())
    else:
        console().print(verdict_view(verdict))
    return verdict_code(verdict)


@command("report")
def report_command(
    *,
    number: Number = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="A directory, or the page itself (x.html); beside its history else."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the story of an incident: one HTML page, and Markdown."""
    from lab.doors import open_doors
    from lab.ending import chosen
    from lab.progress import report_for_terminal
    from lab.screen.console import console, emit
    from lab.screen.telling import tell_story

    writing = report_for_terminal().step("writing the story")
    with open_doors(for_healing=True) as doors, writing:
        paths = tell_story(doors, chosen(doors, number), out)
    if as_json:
        emit({"html": paths.html, "markdown": paths.markdown})
    else:
        console().print(f"{paths.html}\n{paths.markdown}", soft_wrap=True)


def verdict_code(verdict: Verdict) -> int:
    """0 when both parts passed, 1 when one failed, 3 when one could not be judged."""
    from lab.history import Outcome

    return exit_code(Outcome.all([verdict.diagnosed, verdict.mitigated]))


def exit_code(outcome: Outcome) -> int:
    return {"pass": 0, "fail": 1, "unknown": 3}[outcome]


def said_goodbye(doors: Doors, ended: Ended) -> int:
    """What is left to read and to do after an end."""
    from lab.incident import scenario_of
    from lab.screen.console import console, put_back_view

    out = console()
    scenario = scenario_of(ended.row)
    debrief = doors.library.folder / scenario.slug / "debrief.md"
    out.print("\n`lab report` writes the whole story; what happened and why, in general:")
    out.print(f"  {debrief}{'' if debrief.exists() else ' (gone)'}", soft_wrap=True)
    for part in put_back_view([str(change) for change in ended.put_back]):
        out.print(part)
    if ended.not_home is None:
        out.print("The stack is healed, and its steady state is proven.")
    else:
        out.print(f"The stack could not be brought home: {ended.not_home}")
        out.print("  `lab restore` tries again")
    return code_of(ended)


def code_of(ended: Ended) -> int:
    return verdict_code(ended.verdict) if ended.not_home is None else 1
