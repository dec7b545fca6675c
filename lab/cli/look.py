"""Commands for looking: what the services wrote, what the databases do."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from lab.cli import Json, command, finite, no_larger

PLANS_S = 15.0
"""Seconds for all plans. A database that drowns plans slowly, and whoever asks has a night to
mend."""


@command("logs")
def logs_command(
    *,
    request: Annotated[
        str | None, typer.Option("--request", "-r", help="One request's way through everything.")
    ] = None,
    slow: Annotated[
        bool, typer.Option("--slow", help="What took longer than half a second, slowest first.")
    ] = False,
    errors: Annotated[bool, typer.Option("--errors", help="What went wrong.")] = False,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", "-s", help="Of these only: nginx, api, api-2, worker."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="From when: 22:09:34, or -5m. Else two minutes; for a request, 30.",
        ),
    ] = None,
    lines: Annotated[
        int,
        typer.Option(
            "--lines", "-n", metavar="N", min=1, callback=no_larger, help="At most so many."
        ),
    ] = 20,
    as_json: Json = False,
) -> int:
    """Show what the front door, the API and the worker wrote about requests."""
    from lab.errors import Failed
    from lab.logs import chosen, events
    from lab.screen.console import console, emit
    from lab.screen.lines import events_table, hops_table
    from lab.stack import Stack

    now = time.time()
    text = since or ("-30m" if request else "-2m")
    begun = _moment(text, now)
    stack = Stack()
    found = events(stack, since=begun, until=now, services=service or (), request=request or "")
    if request and not found:
        raise Failed(
            f"nobody wrote of a request {request!r} since {text}",
            remedy="the id is in the header X-Request-ID of every answer, and in every line; "
            "--since looks further back",
        )
    told = chosen(found, slow=slow, errors=errors, lines=None if request else lines)
    if as_json:
        emit(told)
    elif request:
        console().print(hops_table(told))
    else:
        console().print(events_table(told))
    return 0


@command("slow")
def slow_command(
    *,
    over: Annotated[
        float,
        typer.Option(
            "--over",
            metavar="S",
            min=0.5,
            max=60,
            callback=finite,
            help="Look for so many seconds.",
        ),
    ] = 3.0,
    since: Annotated[
        str, typer.Option("--since", metavar="WHEN", help="The log from when: 22:09:34, or -5m.")
    ] = "-5m",
    lines: Annotated[
        int,
        typer.Option(
            "--lines", "-n", metavar="N", min=1, callback=no_larger, help="At most so many."
        ),
    ] = 10,
    as_json: Json = False,
) -> int:
    """Show where the databases' time goes, with plans, and what they have logged as slow.

    What runs now comes at once, the rest as it is known; a server that does not answer is not
    waited for.
    """
    from concurrent.futures import ThreadPoolExecutor
    from functools import partial

    from lab.doors import open_doors
    from lab.errors import Unknown
    from lab.plans import planned
    from lab.progress import report_for_terminal
    from lab.screen.console import console, emit
    from lab.screen.statements import plan_view, running_view, slow_view, statements_view, to_plan
    from lab.slow import by_statement, slow_log
    from lab.statements import busiest, glance

    begun, report = _moment(since, time.time()), report_for_terminal()
    with open_doors() as doors, ThreadPoolExecutor(1) as pool:
        if as_json:
            busy = busiest(doors, over_s=over, most=lines)
            told = list(planned(doors.stack, busy, within_s=PLANS_S))
            logged = slow_log(doors.stack, since=begun, until=doors.now())
            emit({"statements": told, "slow": by_statement(logged)[:lines]})
            return 0
        out, code = console(), 0
        say = partial(out.print, soft_wrap=True)
        with report.step("asking the databases what runs now"):
            now = glance(doors.stack)
        for part in running_view(now):
            say(part)
        # Five minutes of a drowning server's log take a while to be read.
        log = pool.submit(slow_log, doors.stack, since=begun, until=doors.now())
        try:
            with report.step(f"looking for {over:g} s"):
                busy = busiest(doors, over_s=over, most=lines, before=now, report=report)
            for part in statements_view(busy, over):
                say(part)
            for one in planned(doors.stack, to_plan(busy), within_s=PLANS_S):
                for part in plan_view(one):
                    say(part)
        except Unknown as error:
            # Their logs are another matter, and may tell why.
            out.print(error.message, style="red", markup=False)
            code = error.exit_code
        out.print(f"\nlogged as slow since {since}:", style="dim", markup=False)
        for part in slow_view(by_statement(log.result())[:lines], f"since {since}"):
            say(part)
    return code


@command("trace")
def trace_command(
    url: Annotated[
        str | None,
        typer.Argument(help="A path of the front door, or an address here.  [default: /api/feed]"),
    ] = None,
    *,
    user: Annotated[
        int, typer.Option("--user", "-u", metavar="N", min=1, callback=no_larger, help="Who asks.")
    ] = 1,
    upload: Annotated[
        bool, typer.Option("--upload", help="Send a picture, and follow it to the worker.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Make one request and draw where its time goes: wire, front door, API, cache, databases."""
    from lab.screen.console import console, emit
    from lab.screen.waterfall import waterfall, where_it_went
    from lab.stack import Stack
    from lab.tracing.trace import follow

    screen = console()
    trace = follow(
        Stack(),
        url or ("/api/photos" if upload else "/api/feed"),
        user=user,
        upload=upload,
        on_wait=lambda text: None if as_json else screen.print(text, style="dim"),
    )
    if as_json:
        emit(trace)
        return 0
    screen.print(waterfall(trace))
    for note in trace.notes:
        screen.print(note, style="yellow")
    screen.print(f"\n{where_it_went(trace)}")
    screen.print(f"every line of it: lab logs --request {trace.id}", style="dim")
    return 0


def _moment(text: str, now: float) -> float:
    from lab.diagnosis import moment
    from lab.errors import BadInput

    try:
        begun = moment(text, now)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"--since: {error}") from error
    if not begun <= now:
        raise BadInput(f"--since: {text} is yet to come")
    # The engine counts from 1970.
    return max(0.0, begun)
