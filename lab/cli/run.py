"""Commands that begin an incident: `run` lives through it here, `start` leaves it on."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import Json, command, no_larger
from lab.cli.incident import code_of, said_goodbye

if TYPE_CHECKING:
    from lab.doors import Doors
    from lab.ending import Measured
    from lab.errors import BadInput
    from lab.grading.verdict import Verdict
    from lab.progress import Report
    from lab.records import Row

Slug = Annotated[
    str | None,
    typer.Argument(help="A scenario's name; without it they are listed.", show_default=False),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        min=0,
        callback=no_larger,
        help="Makes its choices; without it they are random.",
    ),
]
Light = Annotated[
    bool, typer.Option("--light", help="Half the customers, the same night: for a busy machine.")
]


@command("run")
def run(
    slug: Annotated[
        str | None,
        typer.Argument(
            help="A scenario; without it, back to the one that is on.", show_default=False
        ),
    ] = None,
    *,
    seed: Seed = None,
    light: Light = False,
    autopilot: Annotated[
        bool, typer.Option("--autopilot", help="Play it with its own remedy and true diagnosis.")
    ] = False,
    decoys: Annotated[
        bool, typer.Option("--decoys", help="With --autopilot: try the wrong fixes first.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Be on call: start a scenario and live through it, here."""
    from lab.doors import open_doors
    from lab.progress import report_for_terminal
    from lab.room.beside import open_beside, where
    from lab.screen.console import console, is_terminal
    from lab.screen.oncall import announce, be_on_call, next_commands

    report = report_for_terminal()
    with open_doors() as doors:
        if slug is None and doors.journal.open_one() is None:
            raise which_one(doors, "no incident is on, and no scenario is named")
        if not autopilot:
            # While the stack comes up: nobody has to wait for it.
            open_beside(doors.home)
        row = _begin(doors, slug, seed, report, light=light)
        if autopilot:
            return _fly(doors, row, report, decoys=decoys, as_json=as_json)
        if as_json:
            _emit_started(doors, row)
            return 0
        out = console()
        announce(doors, row, out, room=where(doors.home, path="/night"))
        if not is_terminal():
            next_commands(out)
            return 0
        ended = be_on_call(doors, report)
        return 0 if ended is None else said_goodbye(doors, ended)


@command("start")
def start(
    slug: Slug = None, *, seed: Seed = None, light: Light = False, as_json: Json = False
) -> None:
    """Start a scenario and leave it on; the other commands play it."""
    from lab.doors import open_doors
    from lab.progress import report_for_terminal
    from lab.screen.console import console
    from lab.screen.oncall import announce, next_commands

    with open_doors() as doors:
        if slug is None:
            raise which_one(doors, "which scenario?")
        row = _begin(doors, slug, seed, report_for_terminal(), light=light)
        if as_json:
            _emit_started(doors, row)
            return
        out = console()
        announce(doors, row, out)
        next_commands(out)


@command("brief")
def brief_command(
    slug: Annotated[
        str | None,
        typer.Argument(help="A scenario; without it, the one that is on.", show_default=False),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Say again what you know, and where to look."""
    from lab import incident
    from lab.doors import open_doors
    from lab.room.beside import where
    from lab.screen.console import console, emit
    from lab.screen.oncall import show_brief, show_places

    with open_doors() as doors:
        if slug is not None:
            row, scenario = None, doors.library.load(slug, 0)
        else:
            row = incident.current(doors)
            scenario = incident.scenario_of(row)
        if as_json:
            text = doors.library.text(scenario, "brief")
            told = {"slug": scenario.slug, "title": scenario.title, "brief": text}
            places = doors.addresses(row) if row is not None else {}
            emit({**told, "incident": row and row.id, "addresses": places})
            return
        show_brief(doors, scenario, console())
        if row is not None:
            show_places(doors, row, console(), room=where(doors.home, within_s=0))


def which_one(doors: Doors, what: str) -> BadInput:
    """What is to be said where a scenario has to be named: which there are."""
    from lab.errors import BadInput

    lines = ["there are:"]
    slugs = doors.library.slugs()
    width = max(map(len, slugs), default=0)
    for slug in slugs:
        try:
            title = doors.library.load(slug, 0).title
        except BadInput:
            title = f"(cannot be read; `lab check {slug}` says why)"
        lines.append(f"  {slug:<{width}}  {title}")
    return BadInput(what, remedy="\n".join(lines))


def _begin(doors: Doors, slug: str | None, seed: int | None, report: Report, *, light: bool) -> Row:
    """The incident that is on when no scenario is named, else a new one."""
    from lab import incident

    if slug is None:
        return incident.current(doors)
    # Any number does, as long as it is told: the same seed gives the same incident.
    chosen = random.randrange(10_000) if seed is None else seed
    return incident.start(doors, slug, chosen, report, light=light)


def _emit_started(doors: Doors, row: Row) -> None:
    from lab.gather import name_of
    from lab.incident import scenario_of
    from lab.screen.console import emit
    from lab.scripts import environment

    emit(
        {
            "incident": row.id,
            "name": name_of(row),
            "slug": row.slug,
            "seed": row.seed,
            "light": scenario_of(row).light,
            "announced_at": row.announced_at,
            "addresses": doors.addresses(),
            # Not when it was injected: whoever reads this is on call, too.
            "environment": environment(doors),
        }
    )


def _fly(doors: Doors, row: Row, report: Report, *, decoys: bool, as_json: bool) -> int:
    from lab.autopilot import fly
    from lab.screen.console import console, emit, measured_view, verdict_view

    out = console()
    tried: dict[str, Measured] = {}

    def measured(what: str, result: Measured) -> None:
        tried[what] = result
        if not as_json:
            out.print(f"after {what}:")
            out.print(measured_view(result))

    def judged(verdict: Verdict) -> None:
        if not as_json:
            out.print(verdict_view(verdict))

    ended = fly(doors, row, report, decoys=decoys, on_measured=measured, on_verdict=judged)
    if not as_json:
        return said_goodbye(doors, ended)
    emit({**ended.verdict.as_dict(), "measured": tried, "not_home": ended.not_home})
    return code_of(ended)
