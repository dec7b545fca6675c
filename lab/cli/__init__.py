"""The command `lab`: parse, call, print, exit code; nothing else.

Exit codes: 0 done or pass, 1 fail, 2 bad input, 3 unknown (could not be judged; also where the lab
itself stumbled), 4 the machine lacks something; 130 when it was interrupted.
"""

from __future__ import annotations

import functools
import io
import math
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, Annotated, ParamSpec, cast

import typer

from lab import __version__
from lab.cli.order import InOrder
from lab.errors import BadInput, Failed, LabError, MachineLacks
from lab.group import tell_all
from lab.progress import say_what_is_waited_for
from lab.unheard import STDERR
from lab.visible import visible

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

        with suppress(OSError):
            emit({"error": error.message, "remedy": error.remedy, "exit_code": error.exit_code})
    STDERR.write(visible(f"error: {error.message}\n"))
    if error.remedy:
        STDERR.write("".join(f"  {line}\n" for line in visible(error.remedy).splitlines()))


def tell_interrupted() -> None:
    """Where things stand after Ctrl-C."""
    STDERR.write("interrupted\n")
    tell_where_things_stand()


def tell_where_things_stand() -> None:
    """What is still on or broken after a command that did not come to its end, and what to do."""
    from lab.home import Home
    from lab.journal import Journal

    try:
        home = Home.find()
        if not home.db.exists():
            return
        with Journal(home.db) as journal:
            row = journal.open_one()
    except LabError:
        return
    if row is not None and row.phase == "live":
        STDERR.write(
            f"  the incident {row.slug} is still on: `lab run` goes back to it, `lab end` finishes "
            "it, `lab restore` abandons it and brings the stack home\n"
        )
    elif row is not None:
        STDERR.write(
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
    _open_streams()
    say_what_is_waited_for()
    try:
        code = _called(as_json="--json" in sys.argv)
    except SystemExit as left:
        code = int(left.code or 0)
    except BrokenPipeError:
        code = Failed.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
        tell_interrupted()
    except Exception as error:  # noqa: BLE001 - the last resort, see there
        from lab.cli.resort import unforeseen

        wrong = unforeseen(error)
        code = wrong.exit_code
        tell(wrong, as_json="--json" in sys.argv)
        tell_where_things_stand()
    raise SystemExit(_heard(code))


def _called(*, as_json: bool) -> int:
    """What was asked for on the command line, done; its exit code."""
    # They register themselves.
    from lab.cli import bench, incident, look, recorded, room, run, stack, verify  # noqa: F401

    try:
        if odd := [word for word in sys.argv[1:] if visible(word) != word]:
            raise BadInput(f"{odd[0]!r} has a character in it that nobody sees")
        return int(app(standalone_mode=not as_json) or 0)
    except LabError as error:
        tell(error, as_json=as_json)
        return error.exit_code
    except Exception as error:
        # A misspelt command: typer has a click of its own, whose errors are nowhere public.
        said = getattr(error, "format_message", None)
        if said is None:
            raise
        wrong = BadInput(said(), remedy="the same with --help says what there is")
        tell(wrong, as_json=True)
        return wrong.exit_code


def _open_streams() -> None:
    """Standard streams that can be used, whatever we were started with: one that is closed leads
    nowhere, and a sign that a terminal lacks is a question mark."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _nowhere(mode))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _nowhere(mode: str) -> IO[str]:
    return cast("IO[str]", Path(os.devnull).open(mode, encoding="utf-8"))


def _heard(code: int) -> int:
    """The exit code once all that was said has left: whoever stops reading early is no error of
    ours to be told of, a disk that is full is."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would try again, and have an exit code of its own.
        sys.stdout = _nowhere("w")
        if isinstance(error, BrokenPipeError):
            return code or Failed.exit_code
        lacks = MachineLacks(f"standard output cannot be written to: {error.strerror}")
        tell(lacks)
        return lacks.exit_code
    return code
