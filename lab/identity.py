"""Which process a number means: a kernel gives it again, and after a while to somebody else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from lab.command import CommandFailed, run

PROC = Path("/proc")


def born(pid: int) -> str | None:
    """When the process of that number began, in the kernel's own words: no other that gets the
    number later has the same. None where there is none, or nobody can tell."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The name, in parentheses, may have anything in it; `starttime` is the 22nd field
        # (proc_pid_stat(5)), in ticks since this boot.
        state, *fields = stat.rpartition(")")[2].split()
        return None if state in ("Z", "X") else f"{boot} {fields[18]}"
    except (OSError, IndexError):
        pass
    if not PROC.joinpath("stat").exists():
        # Not a Linux: to the second, which is as good as it gets.
        with suppress(CommandFailed):
            return run(["ps", "-o", "lstart=", "-p", str(pid)], timeout=10).stdout.strip() or None
    return None
