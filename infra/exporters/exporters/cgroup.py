"""What one container uses, from its cgroup's files; version 1 and 2, cgroupfs and systemd."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

UNLIMITED = 1 << 60  # version 1 writes "no limit" as a number near 2**63


@dataclass(frozen=True)
class Usage:
    """Counters since the container started, and gauges. Seconds, cores, bytes."""

    cpu_seconds: float
    cpu_limit: float | None
    cpu_periods: int
    cpu_throttled: int
    rss: int
    working_set: int  # what the kernel cannot drop at once: used minus inactive file cache
    memory_limit: int | None
    oom_kills: int | None


class Cgroup(Protocol):
    """A container's cgroup."""

    def read(self) -> Usage:
        """Its usage now. Raises OSError when the container is gone."""
        ...


def number(path: Path) -> int:
    """The one number in a file."""
    return int(path.read_text())


def table(path: Path) -> dict[str, int]:
    """A file of "name number" lines; other lines are left out."""
    pairs = (line.split() for line in path.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


@dataclass(frozen=True)
class Version1:
    """One directory per controller."""

    cpu: Path
    cpuacct: Path
    memory: Path

    def read(self) -> Usage:
        quota = number(self.cpu / "cpu.cfs_quota_us")
        period = number(self.cpu / "cpu.cfs_period_us")
        times = table(self.cpu / "cpu.stat")
        memory = table(self.memory / "memory.stat")
        limit = number(self.memory / "memory.limit_in_bytes")
        used = number(self.memory / "memory.usage_in_bytes")
        return Usage(
            cpu_seconds=number(self.cpuacct / "cpuacct.usage") / 1e9,
            cpu_limit=quota / period if quota > 0 else None,
            cpu_periods=times["nr_periods"],
            cpu_throttled=times["nr_throttled"],
            rss=memory["total_rss"],
            working_set=max(0, used - memory["total_inactive_file"]),
            memory_limit=limit if limit < UNLIMITED else None,
            oom_kills=table(self.memory / "memory.oom_control").get("oom_kill"),
        )


@dataclass(frozen=True)
class Version2:
    """One directory for everything."""

    path: Path

    def read(self) -> Usage:
        quota, period = (self.path / "cpu.max").read_text().split()
        times = table(self.path / "cpu.stat")
        memory = table(self.path / "memory.stat")
        limit = (self.path / "memory.max").read_text().strip()
        used = number(self.path / "memory.current")
        return Usage(
            cpu_seconds=times["usage_usec"] / 1e6,
            cpu_limit=None if quota == "max" else int(quota) / int(period),
            cpu_periods=times["nr_periods"],
            cpu_throttled=times["nr_throttled"],
            rss=memory["anon"],
            working_set=max(0, used - memory["inactive_file"]),
            memory_limit=None if limit == "max" else int(limit),
            oom_kills=table(self.path / "memory.events").get("oom_kill"),
        )


def directory(root: Path, container: str) -> Path | None:
    """The container's directory in one hierarchy: where Docker's two drivers put it, in a group of
    the engine's or of the lab's, else wherever it is (rootless engines, an engine in a container).
    """
    names = {container, f"docker-{container}.scope"}
    for name in names:
        for path in root.glob(f"*/{name}"):
            return path
    for parent, children, _ in os.walk(root):
        for child in names.intersection(children):
            return Path(parent, child)
    return None


def find(root: Path, container: str) -> Cgroup | None:
    """The cgroup of a running container by its full id; None when there is none."""
    if (root / "cgroup.controllers").exists():
        path = directory(root, container)
        return Version2(path) if path else None
    cpu, cpuacct, memory = (
        directory(root / controller, container) for controller in ("cpu", "cpuacct", "memory")
    )
    return Version1(cpu, cpuacct, memory) if cpu and cpuacct and memory else None
