"""Starting other programs: with a deadline, and with errors that can be acted on."""

from __future__ import annotations

import codecs
import io
import os
import selectors
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import Failed
from lab.group import NotStarted, started
from lab.waiting import waiting

DEADLINE = 60.0
"""Seconds for a command of which nothing else is said."""

LINGER_S = 1.0
"""How long the pipes of a command that has ended are read on. Who still holds them is something
that it has left in the background, and nobody's to wait for."""


@dataclass(frozen=True)
class Exec:
    """What a command left behind: its exit code and both outputs as text."""

    code: int
    stdout: str
    stderr: str


class CommandFailed(Failed):
    """A command that had to work did not.

    ``argv``, ``code`` (None when the deadline ended it) and ``stderr`` are there for whoever wants
    to react to the reason.
    """

    def __init__(self, argv: Sequence[str], code: int | None, stderr: str) -> None:
        self.argv = list(argv)
        self.code = code
        self.stderr = stderr
        how = "did not end in time" if code is None else f"left with exit code {code}"
        said = "\n".join(f"  {line}" for line in stderr.strip().splitlines()[-15:])
        super().__init__(f"`{shlex.join(argv)}` {how}" + (f":\n{said}" if said else ""))


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    timeout: float = DEADLINE,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
) -> Exec:
    """Run ``argv`` to its end, at most ``timeout`` seconds; then it is ended, and all that it has
    started.

    Raises ``CommandFailed`` when it cannot be started, does not end in time, or (with ``check``)
    leaves with another exit code than 0.
    """
    given = subprocess.DEVNULL if stdin is None else subprocess.PIPE
    asked = f"`{shlex.join(argv[:2])}`"
    try:
        with waiting(asked, timeout), started(argv, stdin=given, env=env, cwd=cwd) as process:
            stdout, stderr = _outputs(process, stdin, timeout)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(argv, None, _text(error.stderr)) from error
    except NotStarted as error:
        raise CommandFailed(argv, 127, str(error)) from error
    if check and process.returncode != 0:
        raise CommandFailed(argv, process.returncode, stderr or stdout)
    return Exec(process.returncode, stdout, stderr)


def _outputs(process: subprocess.Popen[str], stdin: str | None, timeout: float) -> tuple[str, str]:
    """What a command has said when it has ended. Raises ``TimeoutExpired`` where it does not."""
    until = time.monotonic() + timeout
    while True:
        ended, left = process.poll() is not None, max(0.0, until - time.monotonic())
        try:
            return process.communicate(stdin, LINGER_S if ended else min(LINGER_S, left))
        except subprocess.TimeoutExpired as error:
            if ended:
                return _text(error.stdout), _text(error.stderr)
            if left == 0 and process.poll() is None:
                raise
        # What is to be read has been handed over.
        stdin = None


def follow(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    *,
    log: Path,
    timeout: float,
    patience: float | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run ``argv``, give each line of its output to ``on_line`` as it comes, keep all in ``log``.

    It gets ``timeout`` seconds altogether, and ``patience`` seconds to say its first word; then it
    is ended, and all that it has started. Raises ``CommandFailed`` as ``run`` does; its ``stderr``
    is the end of the combined output.
    """
    tail: list[str] = []
    with _appending(log) as write:
        write(f"$ {shlex.join(argv)}\n")
        try:
            with started(argv, stderr=subprocess.STDOUT, env=env, cwd=cwd) as process:
                for line in _lines(process, timeout, patience):
                    write(f"{line}\n")
                    tail = [*tail[-39:], line.rstrip()]
                    on_line(line.rstrip())
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(argv, None, "\n".join(tail)) from error
        except NotStarted as error:
            raise CommandFailed(argv, 127, str(error)) from error
    if process.returncode != 0:
        raise CommandFailed(argv, process.returncode, "\n".join(tail))


@contextmanager
def _appending(log: Path) -> Iterator[Callable[[str], None]]:
    """What is said goes to the end of the log. A disk that takes no more is no reason to stop."""
    try:
        file = log.open("ab", buffering=0)
    except OSError:
        yield lambda _: None
        return

    def write(text: str) -> None:
        with suppress(OSError):
            file.write(text.encode(errors="replace"))

    with file:
        yield write


def _lines(process: subprocess.Popen[str], timeout: float, patience: float | None) -> Iterator[str]:
    """Each line as it comes, until the command has ended. Raises ``TimeoutExpired`` where it does
    not, or says nothing for as long as anybody is patient."""
    assert process.stdout is not None
    begun = time.monotonic()
    until = begun + min(timeout, timeout if patience is None else patience)
    signs = codecs.getincrementaldecoder("utf-8")("replace")
    decoder = io.IncrementalNewlineDecoder(signs, translate=True)
    rest = ""
    with selectors.DefaultSelector() as pipe:
        pipe.register(process.stdout, selectors.EVENT_READ)
        while True:
            ended, left = process.poll() is not None, max(0.0, until - time.monotonic())
            if left == 0 and not ended:
                raise subprocess.TimeoutExpired(process.args, timeout)
            if not pipe.select(LINGER_S if ended else min(LINGER_S, left)):
                if ended:
                    break
                continue
            piece = os.read(process.stdout.fileno(), 1 << 16)
            *whole, rest = (rest + decoder.decode(piece, final=not piece)).split("\n")
            if whole:
                until = begun + timeout
            yield from whole
            if not piece or left == 0:
                break
    if rest:
        yield rest
    process.wait(max(0.0, until - time.monotonic()))


def _text(output: str | bytes | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
