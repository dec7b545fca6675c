"""A container's limits as the kernel enforces them, of cgroup version 1 or 2.

Read through an exporter, which sees the whole tree: the container itself may be frozen or starved,
and where the engine lives in a virtual machine its tree is not this machine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lab.command import CommandFailed

if TYPE_CHECKING:
    from lab.stack import Stack

WINDOW = "container-exporter"
TREE = "/host/cgroup"

V1 = (
    *("cpu.cfs_quota_us", "cpu.cfs_period_us", "freezer.state"),
    *("memory.limit_in_bytes", "memory.usage_in_bytes"),
)
V2 = ("cpu.max", "cgroup.events", "memory.max", "memory.current")
FILES = (*V1, *V2, "memory.stat")

UNLIMITED = 1 << 60  # version 1 writes "no limit" as a number near 2**63


@dataclass(frozen=True, slots=True)
class Limits:
    """What the kernel grants a container: cores and bytes, None without limit. `pinned` is the part
    of its memory, in bytes, that is neither file cache nor could be; `hard` tells whether the
    kernel kills for a limit below that (version 2) or refuses to set it (version 1)."""

    cpus: float | None
    memory: int | None
    pinned: int
    frozen: bool
    hard: bool


def limits(stack: Stack, container_id: str) -> Limits | None:
    """The limits of a container; None when it has no processes, and so nothing to limit.

    Raises `CommandFailed` when the exporter cannot be asked.
    """
    names = [word for name in FILES for word in ("-o", "-name", name)][1:]
    where = ["find", TREE, "-path", f"*{container_id}*"]
    argv = [*where, "(", *names, ")", "-exec", "grep", "-H", "", "{}", "+"]
    done = stack.exec(WINDOW, argv)
    # A container that ends meanwhile takes its files away: what there was is not whole then.
    if done.code != 0 and not done.stdout and done.stderr:
        raise CommandFailed(argv, done.code, done.stderr)
    return read(done.stdout)


def read(text: str) -> Limits | None:
    """Limits from lines of `path:content`."""
    files: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        path, _, content = line.partition(":")
        key, _, value = content.partition(" ")
        files.setdefault(PurePosixPath(path).name, {})[key] = value
    if "memory.stat" not in files:
        return None
    stat = files["memory.stat"]
    try:
        if "memory.max" in files:
            ((quota, period),) = files["cpu.max"].items()
            memory = _only(files["memory.max"])
            used, cache = int(_only(files["memory.current"])), ("inactive_file", "active_file")
            frozen, hard = files["cgroup.events"].get("frozen") == "1", True
        else:
            quota, period = _only(files["cpu.cfs_quota_us"]), _only(files["cpu.cfs_period_us"])
            memory = _only(files["memory.limit_in_bytes"])
            used = int(_only(files["memory.usage_in_bytes"]))
            cache = ("total_inactive_file", "total_active_file")
            frozen, hard = _only(files["freezer.state"]) == "FROZEN", False
        return Limits(
            cpus=None if quota in ("max", "-1") else int(quota) / int(period),
            memory=None if memory == "max" or int(memory) > UNLIMITED else int(memory),
            pinned=max(0, used - sum(int(stat[name]) for name in cache)),
            frozen=frozen,
            hard=hard,
        )
    except KeyError:
        return None


def _only(lines: Mapping[str, str]) -> str:
    (content,) = lines
    return content
