"""Saying what is being done: bars on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


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
    """Plain lines on stderr: what a log file or a pipe wants."""

    def say(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        self.say(title)
        yield _NoStep()


class Bars:
    """Rich's progress bars on a terminal's stderr; they vanish when the work is done."""

    def say(self, line: str) -> None:
        from rich.console import Console

        Console(stderr=True).print(line, markup=False, highlight=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[doing]}", markup=True),
            console=Console(stderr=True),
            transient=True,
        )
        with progress:
            task = progress.add_task(title, total=None, doing="")

            class Bar:
                def at(self, done: float, total: float, doing: str = "") -> None:
                    progress.update(task, completed=done, total=total, doing=doing[:60])

            yield Bar()


def report_for_terminal() -> Report:
    """Bars where stderr is a terminal, lines where it is not."""
    return Bars() if sys.stderr.isatty() else Lines()
