"""Commands about the stack: bring it up, look at it, bring it home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import Json, command
from lab.errors import BadInput

if TYPE_CHECKING:
    from lab.doors import Doors


@command("up")
def up(
    *,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Build the images anew, with Debian's packages of today."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the stack up and prove that it is healthy.

    Sets up whatever is missing on the way: engine, images, ports, passwords.
    """
    from lab import manifest
    from lab.doors import open_doors
    from lab.progress import report_for_terminal
    from lab.screen.console import console, emit, services_table
    from lab.steady import prove_up

    report = report_for_terminal()
    with open_doors() as doors:
        begun = doors.now()
        if refresh:
            _refuse_while_on(doors, "replacing its images")
            doors.stack.refresh(report)
        services = doors.stack.up(report)
        doors.forget_addresses()
        prove_up(doors, report)
        if doors.journal.open_one() is None:
            manifest.keep(doors.stack)
        seconds = doors.now() - begun
        addresses = doors.addresses()
        if as_json:
            emit({"services": services, "addresses": addresses, "seconds": round(seconds, 1)})
            return
        out = console()
        out.print(services_table(services))
        out.print(f"healthy after {seconds:.0f} s")
        for name, url in addresses.items():
            out.print(f"  {name:<12}{url}")


@command("down")
def down(
    *,
    volumes: Annotated[bool, typer.Option("--volumes", help="Throw its data away, too.")] = False,
) -> None:
    """Take the stack down; its data stays."""
    from lab.doors import open_doors
    from lab.progress import report_for_terminal
    from lab.room.beside import close

    # Whoever needs space on the disk may have to begin with this.
    with open_doors(for_healing=True) as doors:
        _refuse_while_on(doors, "taking the stack down")
        doors.stack.refuse_others()
        close(doors.home)
        with report_for_terminal().step("taking the stack down"):
            doors.stack.down(volumes=volumes)


@command("reset")
def reset() -> None:
    """Give back the pristine database, caches, media and settings, in seconds."""
    from lab.doors import open_doors
    from lab.progress import report_for_terminal
    from lab.restore import bring_up
    from lab.screen.console import console
    from lab.steady import prove_up

    report = report_for_terminal()
    with open_doors() as doors:
        _refuse_while_on(doors, "throwing its data away")
        begun = doors.now()
        for change in bring_up(doors, report, start=doors.stack.reset):
            report.say(f"put back: {change}")
        prove_up(doors, report)
        console().print(f"pristine and healthy after {doors.now() - begun:.0f} s")


@command("status")
def status(
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep looking.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="For a probe: exit code 1 while an objective is broken, 3 when that could not be "
            "measured.",
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Say how the stack and the incident are. The exit code says whether that could be looked at;
    with --check whether the objectives are kept."""
    from lab.doors import open_doors
    from lab.screen.console import console, emit
    from lab.screen.night import look_at, night_view
    from lab.screen.watching import keep_showing

    with open_doors(for_healing=True) as doors:
        if watch and not as_json:
            keep_showing(lambda: night_view(look_at(doors)))
        night = look_at(doors)
    if as_json:
        emit(night.as_dict())
    elif not watch:
        console().print(night_view(night))
    return night.exit_code if check else 0


@command("doctor")
def doctor(*, as_json: Json = False) -> int:
    """Say what this machine has, what it lacks, and how to get it."""
    from lab.home import Home
    from lab.host.doctor import examine, exit_code
    from lab.screen.console import console, emit, findings_table

    findings = examine(Home.find())
    if as_json:
        emit([finding.as_dict() for finding in findings])
    else:
        console().print(findings_table(findings))
    return exit_code(findings)


@command("scenarios")
def scenarios(
    *,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of scenario.yaml.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the incidents that can be had."""
    from lab.library import Library
    from lab.scenario import scenario_schema
    from lab.screen.console import console, emit, table

    if schema:
        emit(scenario_schema())
        return
    library = Library()
    found = [library.load(slug, seed=0) for slug in library.slugs()]
    if as_json:
        told = {"slug", "title", "family", "difficulty", "minutes", "tags", "builds_on", "unlocks"}
        emit([one.model_dump(include=told) for one in found])
        return
    shown = table("scenario", "what you see", "difficulty", "minutes", prose=("what you see",))
    for one in found:
        # The family would give the cause away.
        shown.add_row(one.slug, one.title, "*" * one.difficulty, str(one.minutes))
    console().print(shown)


@command("signals")
def signals(
    *,
    component: Annotated[
        str | None, typer.Option("--component", "-c", help="Only this one, every series of it.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep looking.")] = False,
    moved: Annotated[bool, typer.Option("--moved", help="Only what left its baseline.")] = False,
    as_json: Json = False,
) -> None:
    """Show every signal: now, when calm, over the last minute."""
    from lab.doors import open_doors
    from lab.screen.board import Line, read_board
    from lab.screen.console import board_table, console, emit
    from lab.screen.watching import keep_showing

    with open_doors() as doors:
        row = doors.journal.open_one()

        def lines() -> list[Line]:
            found = read_board(doors, row, component, each_series=component is not None)
            return [line for line in found if line.moved or line.broken] if moved else found

        if as_json:
            emit([line.as_dict() for line in lines()])
        elif watch:
            keep_showing(lambda: board_table(lines(), with_baseline=row is not None))
        else:
            console().print(board_table(lines(), with_baseline=row is not None))


@command("audit")
def audit_command(
    *,
    run_id: Annotated[
        str | None, typer.Option("--run-id", help="Only the customers of this run.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Compare what customers were promised with what the stack has."""
    from lab.audit import audit
    from lab.doors import open_doors
    from lab.screen.console import console, emit

    with open_doors() as doors:
        result = audit(doors.stack, doors.load.ledger(run_id))
    if as_json:
        emit(result.to_dict())
    else:
        out = console()
        out.print(
            f"{result.checked} acknowledged writes: {len(result.lost)} lost, "
            f"{len(result.doubled)} done twice, {len(result.unfinished)} on their way"
        )
        for finding in (*result.lost, *result.doubled):
            out.print(f"  {finding.what}")
    return 0 if result.ok else 1


@command("restore")
def restore_command(*, as_json: Json = False) -> None:
    """Heal everything, bring it home, and prove it.

    Safe in any state, as often as you like. An incident that is on is abandoned.
    """
    from lab.doors import open_doors
    from lab.progress import report_for_terminal
    from lab.restore import restore
    from lab.screen.console import console, emit

    with open_doors(for_healing=True) as doors:
        done = restore(doors, report_for_terminal())
    if as_json:
        emit(done)
        return
    out = console()
    if done.healed:
        out.print(f"healed: {', '.join(done.healed)}")
    for change in done.put_back:
        out.print(f"put back: {change}", soft_wrap=True)
    if done.closed is not None:
        out.print(f"incident {done.closed} is closed")
    out.print(
        f"the stack is home: mended in {done.seconds_to_heal:.0f} s, "
        f"its steady state proven in {done.seconds_to_prove:.0f} s"
    )
    if done.unkept is not None:
        out.print(f"but that could not be written down: {done.unkept}", soft_wrap=True)
        out.print("  free some space, then `lab restore` once more, which closes what is open")


def _refuse_while_on(doors: Doors, what: str) -> None:
    row = doors.journal.open_one()
    if row is not None:
        raise BadInput(
            f"the incident {row.slug} is on; {what} would spoil it",
            remedy="`lab end` finishes it, `lab restore` abandons it",
        )
