"""The command `lab` in this process, as its entry point runs it: for tests that run thousands."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import cli

DOCUMENTED = frozenset({0, 1, 2, 3, 4, cli.INTERRUPTED})
"""The exit codes that README and lab/cli/__init__.py speak of."""

LONGEST_S = 10.0
"""Of a processor; asleep a command may be for `ASLEEP` times as long, on a machine that is busy
with others."""
ASLEEP = 6.0

CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What no terminal is to be given."""


class Hung(BaseException):
    """It took longer than anybody waits."""


@dataclass(frozen=True)
class Done:
    """One command that was given, and what it came to."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    @property
    def complaints(self) -> list[str]:
        """What no input whatever may bring about."""
        said = self.out + self.err
        found = {
            "a traceback": "Traceback (most recent call last)" in said,
            "the last resort": "the lab itself stumbled" in said,
            f"the exit code {self.code}": self.code not in DOCUMENTED,
            "a control character": CONTROL.search(said) is not None,
            "no reason": self.code == 2 and not said.strip(),
        }
        return [what for what, there in found.items() if there]


def lab(home: Path, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
    """Give that command, in a home of its own, on a machine without an engine.

    Raises `Hung` when it does not end.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    surroundings = {
        "LAB_HOME": str(home),
        "LAB_PROJECT": "nobody",
        "DOCKER_HOST": "unix:///nonexistent.sock",
        "LAB_NO_INSTALL": "1",
        "LAB_NO_ROOM": "1",
        **(env or {}),
    }
    with ExitStack() as until_end:
        until_end.enter_context(_instead(["lab", *argv], given, out, err))
        until_end.enter_context(_environment(surroundings))
        until_end.enter_context(_in_time())
        begun = time.monotonic()
        try:
            cli.main()
        except SystemExit as left:
            code = left.code
        seconds = time.monotonic() - begun
        said = [_said(stream) for stream in (out, err)]
    assert isinstance(code, int)
    return Done(tuple(argv), code, *said, seconds)


def _said(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined, no-any-return]


@contextmanager
def _instead(
    argv: list[str], stdin: io.TextIOBase, stdout: io.TextIOBase, stderr: io.TextIOBase
) -> Iterator[None]:
    before = sys.argv, sys.stdin, sys.stdout, sys.stderr
    handler = signal.getsignal(signal.SIGTERM)
    sys.argv, sys.stdin, sys.stdout, sys.stderr = argv, stdin, stdout, stderr  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = before
        signal.signal(signal.SIGTERM, handler)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _in_time() -> Iterator[None]:
    def hung(*_: object) -> None:
        raise Hung

    clocks = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL}
    before = {number: signal.signal(number, hung) for number in clocks}
    running = signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S * ASLEEP)
    try:
        yield
    finally:
        for number, clock in clocks.items():
            signal.setitimer(clock, 0)
            signal.signal(number, before[number])
        # The test's own deadline goes on.
        signal.setitimer(signal.ITIMER_REAL, *running)
