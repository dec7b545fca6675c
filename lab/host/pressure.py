"""How busy this machine was: what the kernel and the lab's own clock tell over a stretch of time.

The kernel's pressure stall information (PSI, Documentation/accounting/psi.rst) says in which share
of the time something that could run had to wait for a core; /proc/stat what a hypervisor kept for
its other guests. Both are absent on some machines. The lab's own lateness is always there: how much
longer than asked a short sleep took.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.host.slowdown import Threads, slowdown

LOOK_S = 0.25
"""How often the machine is looked at, in seconds."""

COUNT_S = 2.0
"""How often the stack's threads are counted, in seconds: there are hundreds."""

FEWEST = 40
"""Looks from which on one in twenty is more than chance: ten seconds of them."""

LOST_S = 1.0
"""A look that comes so much too late means that this process, or the machine, stood still."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """One stretch of time on this machine.

    `waited` is the share of the time in which something waited for a core, `stolen` the share of
    the cores that other guests of the host had; None where the kernel does not tell. `runnable` is
    how many threads were running or waiting to, on average. `late` is the longest delay of the
    lab's own clock, `lost` how long nothing of the lab ran at all; both in seconds.
    """

    waited: float | None
    stolen: float | None
    runnable: float | None
    late: float
    lost: float

    def __str__(self) -> str:
        told = [
            "" if self.waited is None else f"waited for a core {self.waited:.0%}",
            "" if not self.stolen or self.stolen < 0.005 else f"stolen {self.stolen:.0%}",
            "" if self.runnable is None else f"{self.runnable:.1f} runnable",
            f"late by {self.late:.2f} s",
            "" if self.lost < LOST_S else f"lost {self.lost:.0f} s",
        ]
        return ", ".join(filter(None, told))


@dataclass(frozen=True, slots=True)
class Look:
    """The counters at one moment: Unix seconds, seconds waited, ticks stolen and in all."""

    at: float
    waited: float | None
    stolen: int | None
    ticks: int
    runnable: int | None
    late: float


class Watch:
    """Looks at the machine in the background, from `watching` until its end."""

    def __init__(
        self,
        root: Path = Path("/proc"),
        count: Callable[[], Mapping[str, Threads]] = dict,
    ) -> None:
        """`count` gives the counters of the stack's threads, where they are to be watched, too."""
        self._root = root
        self._count = count
        self._counts = [(time.time(), count())]
        self._looks: list[Look] = [self._look(0.0)]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def between(self, start: float, end: float) -> Pressure:
        """What there was between two moments, in Unix seconds."""
        looks = [one for one in self._looks if start <= one.at <= end]
        return summed(looks if len(looks) > 1 else self._looks[-2:])

    def late(self, start: float, end: float) -> float | None:
        """How late one look in twenty was, at least, between two moments (Unix seconds); None where
        there were too few to tell."""
        lates = sorted(one.late for one in self._looks if start <= one.at <= end)
        return lates[int(0.95 * len(lates))] if len(lates) >= FEWEST else None

    def slowed(self, start: float, end: float) -> float | None:
        """How many times as long as on a free core the stack's computing took between two moments
        (Unix seconds); None where that was not counted."""
        counts = [one for one in self._counts if start - COUNT_S <= one[0] <= end + COUNT_S]
        if len(counts) < 2:
            return None
        (first, before), (last, after) = counts[0], counts[-1]
        return slowdown(before, after, last - first)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due + LOOK_S - time.monotonic())):
            late = max(0.0, time.monotonic() - due - LOOK_S)
            due = time.monotonic()
            self._looks.append(self._look(late))
            if time.time() - self._counts[-1][0] >= COUNT_S:
                self._counts.append((time.time(), self._count()))

    def _look(self, late: float) -> Look:
        stolen, ticks = _ticks(self._root / "stat")
        return Look(
            at=time.time(),
            waited=_waited(self._root / "pressure/cpu"),
            stolen=stolen,
            ticks=ticks,
            runnable=_runnable(self._root / "loadavg"),
            late=late,
        )


@contextmanager
def watching(count: Callable[[], Mapping[str, Threads]] = dict) -> Iterator[Watch]:
    """A watch over the machine, and over the threads that are counted, for as long as the block
    lasts."""
    watch = Watch(count=count)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()


def summed(looks: Sequence[Look]) -> Pressure:
    """What a sequence of looks, in time's order, tells about the time between them."""
    if not looks:
        return Pressure(None, None, None, 0.0, 0.0)
    first, last = looks[0], looks[-1]
    seconds = last.at - first.at
    waited = stolen = None
    if first.waited is not None and last.waited is not None and seconds > 0:
        waited = min(1.0, (last.waited - first.waited) / seconds)
    if first.stolen is not None and last.stolen is not None:
        passed = last.ticks - first.ticks
        stolen = (last.stolen - first.stolen) / passed if passed else 0.0
    counted = [one.runnable for one in looks if one.runnable is not None]
    return Pressure(
        waited=waited,
        stolen=stolen,
        runnable=sum(counted) / len(counted) if counted else None,
        late=max(one.late for one in looks),
        lost=sum(one.late for one in looks if one.late >= LOST_S),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _waited(path: Path) -> float | None:
    """Seconds since the start of the machine in which something waited for a core."""
    for line in _read(path).splitlines():
        if line.startswith("some") and "total=" in line:
            return int(line.rpartition("total=")[2]) / 1e6
    return None


def _ticks(path: Path) -> tuple[int | None, int]:
    """Ticks that the host kept for other guests, and all that there were, over all cores."""
    words = _read(path).partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu":
        return None, 0
    # user nice system idle iowait irq softirq steal; guest time is in user's already.
    counted = [int(word) for word in words[1:9]]
    return counted[7], sum(counted)


def _runnable(path: Path) -> int | None:
    """Threads that run or could, but for the one that asks."""
    words = _read(path).split()
    if len(words) < 4:
        return None
    return max(0, int(words[3].partition("/")[0]) - 1)
