"""A command and all that it starts: a group of processes of their own, which ends as a whole.

A group and not a session: the terminal stays theirs, by which sudo knows who asks. But a terminal's
Ctrl-C reaches only the group in front, which is ours: whoever is interrupted says `tell_all`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

GRACE_S = 2.0
"""Seconds that a group gets to put things right after a polite word."""

LOOK_S = 0.02


class NotStarted(Exception):
    """There is no such program, or it may not be run; the message says which."""


_running: set[subprocess.Popen[str]] = set()


@contextmanager
def started(
    argv: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """The command, its output a pipe. Whatever the block raises ends its group.

    Raises `NotStarted` where it cannot be.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=env,
            cwd=cwd,
            process_group=0,
        )
    except OSError as error:
        raise NotStarted(str(error)) from error
    _running.add(process)
    try:
        yield process
    except BaseException:
        end(process)
        raise
    finally:
        _running.discard(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def end(process: subprocess.Popen[str]) -> None:
    """End a group: politely, and whoever is there after `GRACE_S` seconds by force."""
    try:
        _tell(process, signal.SIGTERM)
        until = time.monotonic() + GRACE_S
        while _is_there(process) and time.monotonic() < until:
            time.sleep(LOOK_S)
    finally:
        # Also where a second Ctrl-C says that it takes too long.
        _tell(process, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)


def tell_all() -> None:
    """Ask every group that runs now to end, as a terminal's Ctrl-C would. Those who wait for them,
    perhaps in threads, see them end."""
    for process in tuple(_running):
        _tell(process, signal.SIGTERM)


def _tell(process: subprocess.Popen[str], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        # What sudo has started is root's, and only root ends it.
        argv = ["sudo", "-n", "kill", "-s", number.name[3:], "--", f"-{process.pid}"]
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=GRACE_S,
                check=False,
            )


def _is_there(process: subprocess.Popen[str]) -> bool:
    # Fetched, lest it stays in the group as a zombie.
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
