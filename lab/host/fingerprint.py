"""What kind of machine this is, as far as it matters to a night, and nothing about whose it is.

No host name, no user, no serial number: what a proof says about its machine may be published.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import with_config


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One kind of machine: two of the same kind are the same to us.

    `cores` are those that this process may use, `model` is the processor's, `kernel` its release
    and architecture, `memory_gib` rounded to whole GiB (0 where nothing tells). `cgroup` is the
    version of control groups that limits are set with, None where there are none to be seen.
    """

    cores: int
    model: str
    kernel: str
    memory_gib: int
    cgroup: int | None = None

    @property
    def id(self) -> str:
        """Eight hexadecimal digits, the same wherever all the rest is the same."""
        told = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:8]


def fingerprint(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> Fingerprint:
    """This machine's."""
    return Fingerprint(
        cores=_cores(),
        model=_field(proc / "cpuinfo", "model name") or platform.processor() or "unknown",
        kernel=f"{platform.release()} {platform.machine()}".strip(),
        memory_gib=_memory_gib(proc / "meminfo"),
        cgroup=_cgroup(groups),
    )


def _cores() -> int:
    # Linux knows which of them this process may use; elsewhere all of them are.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 0


def _memory_gib(path: Path) -> int:
    kib = _field(path, "MemTotal").partition(" ")[0]
    return round(int(kib) / 2**20) if kib.isdigit() else 0


def _cgroup(groups: Path) -> int | None:
    if (groups / "cgroup.controllers").exists():
        return 2
    return 1 if (groups / "cpu").exists() else None


def _field(path: Path, name: str) -> str:
    """The first `name: value` of a file of the kernel's; nothing where there is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in pairs if key.strip() == name), "")
