"""Saying what is being done: bars on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING, Protocol

from lab.unheard import STDERR
from lab.visible import visible
from lab.waiting import listen

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

# Seconds between two lines about the same step, where there is no terminal.
LINE_EVERY = 15


class Step(Protocol):
    """One piece of work that takes its time."""

    def at(self, done: float, total: float, doing: str = "") -> None:
        """``done`` of ``total`` (any unit), and in a few words what is going on."""


class Report(Protocol):
    """Where the lab tells what it does while it does it."""

    def say(self, line: str) -> None:
        """One line that is worth keeping."""

    def step(self, title: str) -> AbstractContextManager[Step]:
        """A context manager around work that may take more than two seconds."""


class _NoStep:
    def at(self, done: float, total: float, doing: str = "") -> None:
        pass


class Quiet:
    """Says nothing: for programs and tests."""

    def say(self, line: str) -> None:
        pass

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:  # noqa: ARG002 - the protocol's signature
        yield _NoStep()


QUIET: Report = Quiet()


class Lines:
    """Plain lines on stderr: what a log file or a pipe wants. Whether anybody hears them makes no
    difference to what is told about. `steps` is how many are going on."""

    steps = 0

    def say(self, line: str) -> None:
        STDERR.write(visible(line) + "\n")
        STDERR.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        self.say(title)
        with _counted(self):
            yield _SlowStep(self)


class _SlowStep:
    """Says now and then how far a long step is, so that a log tells slow from stuck."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._said = time.monotonic()

    def at(self, done: float, total: float, doing: str = "") -> None:
        if time.monotonic() - self._said > LINE_EVERY:
            self._said = time.monotonic()
            self._lines.say(f"  {done:.0f} of {total:.0f} {doing}".rstrip())


class Bars:
    """Rich's progress bars on a terminal's stderr; they vanish when the work is done. `steps` is
    how many are going on."""

    steps = 0

    @cached_property
    def _console(self) -> Console:
        # One for lines and bars, so that a line goes above the bar and not through it.
        from lab.terminal import Screen

        return Screen(file=STDERR)

    def say(self, line: str) -> None:
        self._console.print(line)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        from lab.bars import Bar

        with Bar(self._console) as progress, _counted(self):
            yield _Bar(progress, progress.add_task(title, total=None, doing=""))


@contextmanager
def _counted(report: Lines | Bars) -> Iterator[None]:
    report.steps += 1
    try:
        yield
    finally:
        report.steps -= 1


class _Bar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def at(self, done: float, total: float, doing: str = "") -> None:
        self._progress.update(self._task, completed=done, total=total, doing=doing)


@cache
def report_for_terminal() -> Lines | Bars:
    """Bars where stderr is a terminal, lines where it is not; the same one for everybody, so that
    what one says does not go through another's bar."""
    return Bars() if sys.stderr.isatty() else Lines()


def say_what_is_waited_for() -> None:
    """Let whoever types commands hear for what they wait, as long as no step shows them that
    something is done."""

    def hear(line: str) -> None:
        report = report_for_terminal()
        if not report.steps:
            report.say(line)

    listen(hear)
