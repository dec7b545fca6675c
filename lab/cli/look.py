"""Commands for looking: what the services wrote."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli import Json, command

if TYPE_CHECKING:
    from lab.logs import Event

SLOW_S = 0.5
"""What customers were promised."""


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
        typer.Option("--since", help="From when: a time, or -5m. Two minutes; for a request, 30."),
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> int:
    """Show what the front door, the API and the worker wrote about requests."""
    from lab.diagnosis import moment
    from lab.errors import BadInput, Failed
    from lab.logs import events
    from lab.screen.console import console, emit
    from lab.screen.lines import events_table, hops_table
    from lab.stack import Stack

    now = time.time()
    text = since or ("-30m" if request else "-2m")
    try:
        begun = moment(text, now)
    except ValueError as error:
        raise BadInput(f"--since: {error}") from error
    stack = Stack()
    found = events(stack, since=begun, until=now, services=service or (), having=request or "")
    if request:
        found = [one for one in found if one.request_id == request]
        if not found:
            raise Failed(
                f"nobody wrote of a request {request!r} since {text}",
                remedy="the id is in the header X-Request-ID of every answer, and in every line; "
                "--since looks further back",
            )
    chosen = _chosen(found, slow=slow, errors=errors, lines=None if request else lines)
    if as_json:
        emit(chosen)
    elif request:
        console().print(hops_table(chosen))
    else:
        console().print(events_table(chosen))
    return 0


def _chosen(found: list[Event], *, slow: bool, errors: bool, lines: int | None) -> list[Event]:
    """Those that were asked for: the slowest, or the last."""
    from lab.logs import slower_than

    chosen = [one for one in found if one.failed] if errors else found
    if slow:
        chosen = slower_than(chosen, SLOW_S)
        return chosen[:lines]
    return chosen if lines is None else chosen[-lines:]
