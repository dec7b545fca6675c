"""What else may go on on a learner's machine while a night is lived.

`python -m lab.proof.neighbour KIND SECONDS` is a process of its own, in a control group of its own
where this user may make one, as a browser or a call would be. It ends with whoever started it (its
standard input closes), and by itself after so long. It touches nothing but its own time, its own
scratch file and, for `suspended`, the containers whose ids it is given and the process that started
it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, get_args

from lab.command import CommandFailed, run
from lab.errors import BadInput

Kind = Literal["none", "core", "bursts", "disk", "suspended"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MEANING: Mapping[Kind, str] = {
    "none": "nothing else on this machine",
    "core": "one core taken all the time",
    "bursts": "one core taken for 10 s of every 30",
    "disk": "a disk that somebody else writes to all the time",
    "suspended": "the whole machine asleep for 15 s, twice",
}

STACKS = "so many nights lived at the same time, each on a stack of its own"
"""What `2 stacks` means: then the neighbour is another night."""

LONGEST_S = 1800.0
"""How long a neighbour stays for each night, whatever happens to whoever let it in."""

BURST_S, PAUSE_S = 10.0, 20.0
PIECE, PIECES = 4 * 2**20, 32
ASLEEP_S, ASLEEP_AT = 15.0, (75.0, 150.0)
"""When, in seconds after the start of the night, the machine falls asleep, and for how long."""

DOCKER_S = 60.0

GROUPS = ("/sys/fs/cgroup/cpu/3am-lab-neighbour", "/sys/fs/cgroup/3am-lab-neighbour")


def kind_of(word: str) -> Kind:
    """The neighbour that somebody asks for. Raises `BadInput` with those that there are."""
    for kind in KINDS:
        if kind == word:
            return kind
    known = "; ".join(f"{kind}: {MEANING[kind]}" for kind in KINDS)
    raise BadInput(f"--disturbed {word}: no such disturbance", remedy=known)


def named(kind: Kind, stacks: int = 1) -> str:
    """What else went on, in a word or two: "none", "core", "2 stacks"."""
    words = [kind] if kind != "none" or stacks == 1 else []
    return ", ".join([*words, *([f"{stacks} stacks"] if stacks > 1 else [])])


@contextmanager
def beside(
    kind: Kind, containers: Callable[[], Sequence[str]] = tuple, *, nights: int = 1
) -> Iterator[None]:
    """That neighbour, for as long as the block lasts. `containers` lists the stack's ids.

    Whatever happens to this process, it ends after half an hour for each of the `nights`.
    """
    if kind == "none":
        yield
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.proof.neighbour", kind, str(LONGEST_S * nights)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert process.stdin is not None
    ended = threading.Event()
    if kind == "suspended":
        # When it is time: the containers of a night are there only then.
        begun = time.monotonic()

        def tell() -> None:
            for at in ASLEEP_AT:
                if ended.wait(max(0.0, begun + at - time.monotonic())):
                    return
                with suppress(OSError, ValueError):
                    assert process.stdin is not None
                    process.stdin.write(f"{os.getpid()} {' '.join(containers())}\n")
                    process.stdin.flush()

        threading.Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        with suppress(OSError):
            process.stdin.close()
        process.wait()


def _taken(seconds: float) -> None:
    """One core, for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for _ in range(10_000):
            pass


def _bursts(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _taken(BURST_S)
        time.sleep(PAUSE_S)


def _disk(seconds: float) -> None:
    """The same file over and over, each piece on the disk before the next."""
    until = time.monotonic() + seconds
    with tempfile.NamedTemporaryFile(dir=Path.cwd()) as file:
        piece = os.urandom(PIECE)
        while time.monotonic() < until:
            file.seek(0)
            for _ in range(PIECES):
                file.write(piece)
                file.flush()
                os.fsync(file.fileno())


def _sleep_when_told() -> None:
    """As when a lid is closed: nothing of the lab runs, whatever it has started, and nothing of the
    stack."""
    for line in sys.stdin:
        pid, *ids = line.split()
        stopped = _family(int(pid))
        # Nobody is left to find the stack asleep, or to wake up before it.
        _signal(stopped, signal.SIGSTOP)
        try:
            _docker("pause", ids)
            time.sleep(ASLEEP_S)
        finally:
            _docker("unpause", ids)
            _signal(stopped, signal.SIGCONT)


def _family(pid: int) -> list[int]:
    """A process and all that it has started, this one left out."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in parentheses, may have anything in it.
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    family = [pid]
    for one in family:
        family += [child for child, of in parents.items() if of == one and child != os.getpid()]
    return family


def _signal(processes: Sequence[int], number: signal.Signals) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _docker(verb: str, ids: Sequence[str]) -> None:
    # A deadline, for whoever sleeps is to wake up also where the engine does not answer.
    with suppress(CommandFailed):
        run(["docker", verb, *ids], timeout=DOCKER_S, check=False)


def _own_group() -> None:
    """Into a control group of its own, beside the engine's; where that is forbidden, not."""
    for path in map(Path, GROUPS):
        with suppress(OSError):
            if (path.parent / "cgroup.procs").exists():
                path.mkdir(exist_ok=True)
                (path / "cgroup.procs").write_text(str(os.getpid()))
                return


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main(kind: str, seconds: float) -> None:
    """Be that neighbour until standard input closes, for so long at most."""
    _own_group()
    if kind == "suspended":
        _sleep_when_told()
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    {"core": _taken, "bursts": _bursts, "disk": _disk}[kind](seconds)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
