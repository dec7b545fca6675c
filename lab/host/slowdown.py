"""How much longer the stack's own computing takes than it would on a free core.

The kernel counts for each thread how long it ran, and how long it could have run and waited for a
core (Documentation/scheduler/sched-stats.rst). A container that is held at a limit of its own waits
as well, so what counts is what most of them see. Only where the stack runs on this very kernel, and
the kernel counts, can it be told: not in the virtual machine of a desktop.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lab.host.share import tree

Threads = Mapping[str, tuple[float, float]]
"""By thread: seconds that it ran, and seconds that it waited for a core."""

LEAST = 0.005
"""What runs for less than this share of a core tells nothing."""

FEWEST = 5
"""So many containers make a stack: of fewer, no middle one is the machine's doing."""


def count(group: str, containers: Iterable[str], proc: Path = Path("/proc")) -> dict[str, Threads]:
    """The counters of every thread of these containers (ids) of a control group, by container; of
    none where they cannot be seen."""
    if not group:
        return {}
    return {
        one: dict(_threads(procs, proc))
        for one in containers
        for procs in tree(group).glob(f"*{one}*/cgroup.procs")
    }


def slowdown(
    before: Mapping[str, Threads], after: Mapping[str, Threads], seconds: float
) -> float | None:
    """How many times as long as on a free core it took, between two counts that are so far apart,
    for the container in the middle. None where too few ran to tell."""
    found = sorted(_each(before, after, seconds))
    return statistics.median(found) if len(found) >= FEWEST else None


def _each(
    before: Mapping[str, Threads], after: Mapping[str, Threads], seconds: float
) -> Iterator[float]:
    for container, threads in after.items():
        known = before.get(container, {})
        both = [(known[one], now) for one, now in threads.items() if one in known]
        ran = sum(now[0] - was[0] for was, now in both)
        waited = sum(now[1] - was[1] for was, now in both)
        if ran > LEAST * seconds:
            yield (ran + waited) / ran


def _threads(procs: Path, proc: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    with suppress(OSError):  # it has ended
        for process in procs.read_text().split():
            for counted in (proc / process / "task").glob("*/schedstat"):
                with suppress(OSError, ValueError):
                    ran, waited, _ = map(int, counted.read_text().split())
                    yield counted.parent.name, (ran / 1e9, waited / 1e9)
