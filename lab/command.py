"""Starting other programs: with a deadline, and with errors that can be acted on."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Timer

from lab.errors import Failed


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
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
) -> Exec:
    """Run ``argv`` to its end, at most ``timeout`` seconds.

    Raises ``CommandFailed`` when it cannot be started, does not end in time, or (with ``check``)
    leaves with another exit code than 0.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=env,
            cwd=cwd,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(argv, None, _text(error.stderr)) from error
    except OSError as error:
        raise CommandFailed(argv, 127, str(error)) from error
    if check and done.returncode != 0:
        raise CommandFailed(argv, done.returncode, done.stderr or done.stdout)
    return Exec(done.returncode, done.stdout, done.stderr)


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

    It gets ``timeout`` seconds altogether, and ``patience`` seconds to say its first word.
    Raises ``CommandFailed`` as ``run`` does; its ``stderr`` is the end of the combined output.
    """
    tail: list[str] = []
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {shlex.join(argv)}\n")
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=env,
                cwd=cwd,
            )
        except OSError as error:
            raise CommandFailed(argv, 127, str(error)) from error
        expired = Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timers = [Timer(timeout, expire)]
        timers += [Timer(patience, expire)] if patience is not None else []
        for timer in timers:
            timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                for timer in timers[1:]:
                    timer.cancel()
                file.write(line)
                tail = [*tail[-39:], line.rstrip()]
                on_line(line.rstrip())
            code = process.wait()
        finally:
            for timer in timers:
                timer.cancel()
            if process.poll() is None:
                process.terminate()
                process.wait()
    if expired.is_set() or code != 0:
        raise CommandFailed(argv, None if expired.is_set() else code, "\n".join(tail))


def _text(output: str | bytes | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
