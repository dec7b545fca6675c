"""The command `lab`: parse, call, print, exit code; nothing else.

Exit codes: 0 done or pass, 1 fail, 2 bad input, 3 unknown (could not be judged), 4 the machine
lacks something; 130 when it was interrupted.
"""

from __future__ import annotations

import functools
import io
import math
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Annotated, ParamSpec

import typer

from lab import __version__
from lab.cli.order import InOrder
from lab.errors import BadInput, LabError
from lab.group import tell_all
from lab.progress import say_what_is_waited_for

INTERRUPTED = 130

P = ParamSpec("P")

app = typer.Typer(
    cls=InOrder,
    help="Live a production incident on a real stack, and have your diagnosis measured.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

LARGEST = 2**31 - 1
"""Of numbers that go into a database, a request or the customers' dice."""


def no_larger(number: int | None) -> int | None:
    """For options that are numbers, whatever their least is."""
    if number is not None and number > LARGEST:
        raise typer.BadParameter(f"{number} is larger than {LARGEST}")
    return number


def finite(seconds: float | None) -> float | None:
    """For options in seconds: "not a number" is between any two bounds."""
    if seconds is not None and not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is no number of seconds")
    return seconds


def command(name: str) -> Callable[[Callable[P, int | None]], None]:
    """A command whose function returns its exit code, None being 0."""

    def register(function: Callable[P, int | None]) -> None:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                code = function(*args, **kwargs) or 0
            except LabError as error:
                code = error.exit_code
                tell(error, as_json=bool(kwargs.get("as_json")))
            except KeyboardInterrupt:
                code = INTERRUPTED
                tell_interrupted()
            raise typer.Exit(code)

        app.command(name)(guarded)

    return register


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"3AM Lab {__version__}\n")
        raise typer.Exit


@app.callback()
def everything(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which this is."),
    ] = False,
) -> None:
    """Live a production incident on a real stack, and have your diagnosis measured."""


def tell(error: LabError, *, as_json: bool = False) -> None:
    """An error and its remedy: for people, and where a program reads, as its one document, too."""
    if as_json:
        from lab.screen.console import emit

        emit({"error": error.message, "remedy": error.remedy, "exit_code": error.exit_code})
    sys.stderr.write(f"error: {error.message}\n")
    if error.remedy:
        sys.stderr.write("".join(f"  {line}\n" for line in error.remedy.splitlines()))


def tell_interrupted() -> None:
    """Where things stand after Ctrl-C."""
    from lab.home import Home
    from lab.journal import Journal

    sys.stderr.write("interrupted\n")
    try:
        home = Home.find()
        if not home.db.exists():
            return
        with Journal(home.db) as journal:
            row = journal.open_one()
    except LabError:
        return
    if row is not None and row.phase == "live":
        sys.stderr.write(
            f"  the incident {row.slug} is still on: `lab run` goes back to it, `lab end` finishes "
            "it, `lab restore` abandons it and brings the stack home\n"
        )
    elif row is not None:
        sys.stderr.write(
            "  the stack is not as it should be; nothing is lost: `lab restore` brings it home\n"
        )


def take_interrupts() -> None:
    """Let Ctrl-C, a polite word to end and the end of the terminal come to the same: what runs is
    ended, and this process hears of it as `KeyboardInterrupt`."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        tell_all()
        signal.default_int_handler(number, frame)

    for number in (signal.SIGINT, signal.SIGHUP):
        # A script's background ignores Ctrl-C, and nohup the end of the terminal.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupted)
    # Whoever says it to us alone means us, also in a script's background.
    signal.signal(signal.SIGTERM, interrupted)


def main() -> None:
    """The entry point."""
    take_interrupts()
    # A terminal that lacks a sign gets a question mark for it, and the rest of what is said.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    say_what_is_waited_for()
    # They register themselves.
    from lab.cli import bench, incident, look, recorded, room, run, stack, verify  # noqa: F401

    if "--json" not in sys.argv:
        app()
    try:
        code = app(standalone_mode=False)
    except Exception as error:
        # A misspelt command: typer has a click of its own, whose errors are nowhere public.
        said = getattr(error, "format_message", None)
        if said is None:
            raise
        wrong = BadInput(said(), remedy="the same with --help says what there is")
        tell(wrong, as_json=True)
        code = wrong.exit_code
    raise SystemExit(code)
