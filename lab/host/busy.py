"""What else uses this machine's cores now: two looks at the processes that the kernel shows.

By name only (proc_pid_stat(5)): what somebody gave a program to do is none of the lab's business.
Where there is no /proc nothing is found, and nothing is said.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

LOOK_S = 2.0
"""Seconds between the two looks: a hundred times the kernel's own unit, and soon enough for
somebody who waits."""

SHORTEST_S = 0.5
"""Looks that lie closer together tell nothing: the kernel counts in hundredths."""

WORTH_NAMING = 0.2
"""Cores. Whoever takes less is not the one to close."""

NAMED = 3
"""As many as one would go and close."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment: its command's name, the ticks of a core that it has used since it
    began, and its control groups as the kernel writes them."""

    name: str
    ticks: int
    groups: str


@dataclass(frozen=True, slots=True)
class Look:
    """All processes at one moment (seconds of a clock that only goes on), by id and by when they
    began: an id may be given again."""

    at: float
    processes: Mapping[tuple[int, int], Process]


@dataclass(frozen=True, slots=True)
class Taker:
    """What all processes of one name take together, in cores."""

    name: str
    cores: float

    def of(self, all_cores: int) -> str:
        """In a sentence."""
        return f"{self.name} takes {self.cores:.1f} of this machine's {all_cores} cores"


def look(root: Path = PROC) -> Look:
    """The processes now."""
    found: dict[tuple[int, int], Process] = {}
    for folder in root.glob("[0-9]*"):
        try:
            pid = int(folder.name)
            name, ticks, began = _stat((folder / "stat").read_text(errors="replace"))
            groups = (folder / "cgroup").read_text(errors="replace")
        except (OSError, ValueError, IndexError):
            # It has ended meanwhile, or is not ours to look at.
            continue
        found[pid, began] = Process(name, ticks, groups)
    return Look(time.monotonic(), found)


def between(
    before: Look,
    after: Look,
    *,
    ours: Collection[str] = (),
    but: Collection[int] = (),
    ticks_per_s: float = 100,
) -> list[Taker]:
    """What took cores from one look to the other, busiest first; nothing where they are too close.

    Left out are the containers whose ids are `ours`, and the processes `but`. Who began in between
    counts with all that it has used.
    """
    seconds = after.at - before.at
    if seconds < SHORTEST_S:
        return []
    used: Counter[str] = Counter()
    for (pid, began), one in after.processes.items():
        if pid in but or any(container in one.groups for container in ours):
            continue
        earlier = before.processes.get((pid, began))
        used[one.name] += one.ticks - (earlier.ticks if earlier else 0)
    return [
        Taker(name, ticks / ticks_per_s / seconds) for name, ticks in used.most_common() if ticks
    ]


def worth_naming(takers: Sequence[Taker]) -> list[Taker]:
    """Those few that matter."""
    return [one for one in takers if one.cores > WORTH_NAMING][:NAMED]


def takers(ours: Collection[str], pause: Callable[[float], None] = time.sleep) -> list[Taker]:
    """What else takes this machine's cores now, busiest first. Takes `LOOK_S` seconds.

    `ours` are the ids of the stack's containers. This process itself is left out.
    """
    if not (PROC / "stat").exists():
        return []
    before = look()
    pause(LOOK_S)
    hertz = os.sysconf("SC_CLK_TCK")
    return between(before, look(), ours=ours, but=(os.getpid(),), ticks_per_s=hertz)


def _stat(line: str) -> tuple[str, int, int]:
    """A process's name, the ticks it has used, and when it began. Raises `ValueError` and
    `IndexError` for what is no such line."""
    # A name may hold anything, brackets and spaces too; and a terminal is to survive it.
    head, _, rest = line.rpartition(")")
    name = "".join(one if one.isprintable() else "?" for one in head.partition("(")[2])
    fields = rest.split()
    # The third field of the line is the first here: utime, stime, starttime.
    return name, int(fields[11]) + int(fields[12]), int(fields[19])
