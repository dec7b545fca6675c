"""The stack's share of this machine's cores: a control group of its own, with a weight.

A container competes for a busy core with whatever else this machine does: a browser, a call, an
editor. All of the lab's containers are in one control group, and it weighs twice what any
other does, so that of a busy core it has two thirds. Limits still hold: a stack that does nothing
takes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from lab import engine
from lab.command import CommandFailed, run

TREE = Path("/sys/fs/cgroup")

CGROUPFS, SYSTEMD = "/3am-lab", "lab3am.slice"
"""The group's name where the engine makes groups itself, and where it has systemd make them."""

SHARES, WEIGHT = "2048", "200"
"""Twice what a group has by default, in version 1 (1024) and in version 2 (100). A broken night may
take all that there is, and whoever mends it needs a terminal, the engine and the lab meanwhile."""

HELPER = "3am-lab/exporters:local"
"""Any image with a shell, to write where only the engine's own root may."""


def parent() -> str:
    """The group that containers are put into, as compose's `cgroup_parent` takes it.

    Empty where the engine does not tell how it makes groups: then they are where it puts them.
    """
    driver = engine.client().info().get("CgroupDriver", "")
    return {"cgroupfs": CGROUPFS, "systemd": SYSTEMD}.get(driver, "")


def claim(group: str) -> None:
    """Give that group its weight, unless it has it. Does nothing where that may not be done: then
    a neighbour is felt more, and whatever could not be measured for it is judged unknown."""
    if not group:
        return
    path, wanted = _weight(group)
    with suppress(OSError):
        if path.read_text().strip() == wanted:
            return
        path.write_text(wanted)
        return
    inside = Path("/host") / path.relative_to("/")
    mount = f"{TREE}:/host{TREE}"
    shell = f"[ ! -e {inside} ] || echo {wanted} > {inside}"
    argv = ["docker", "run", "--rm", "--network", "none", "--user", "0:0", "--entrypoint", "sh"]
    with suppress(CommandFailed):
        run([*argv, "--volume", mount, HELPER, "-c", shell], timeout=30)


def tree(group: str) -> Path:
    """The folder of a group, as far as it is about processors."""
    name = group.lstrip("/")
    return TREE / name if _unified() else TREE / "cpu" / name


def _unified() -> bool:
    """Whether groups are of version 2."""
    return (TREE / "cgroup.controllers").exists()


def _weight(group: str) -> tuple[Path, str]:
    """The file that holds a group's weight, and what is to be in it."""
    if _unified():
        return tree(group) / "cpu.weight", WEIGHT
    return tree(group) / "cpu.shares", SHARES
