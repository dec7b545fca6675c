"""What this kernel can do, as far as its own files tell."""

from __future__ import annotations

import gzip
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Feature:
    """Something a fault may need of the kernel: its option, its module, and what it is for."""

    option: str
    module: str
    purpose: str


FEATURES: Mapping[str, Feature] = {
    "tbf": Feature("CONFIG_NET_SCH_TBF", "sch_tbf", "limits the bandwidth of a link"),
    "htb": Feature("CONFIG_NET_SCH_HTB", "sch_htb", "limits the bandwidth of some traffic"),
    "netem": Feature("CONFIG_NET_SCH_NETEM", "sch_netem", "delays packets"),
    "nftables": Feature("CONFIG_NF_TABLES", "nf_tables", "loses packets"),
    "pause": Feature("CONFIG_CGROUP_FREEZER", "", "freezes a container (docker pause)"),
    "cpu quota": Feature("CONFIG_CFS_BANDWIDTH", "", "limits a container's CPU"),
}


def features(root: Path = Path("/")) -> dict[str, bool | None]:
    """Whether the kernel has each of ``FEATURES``; None where nothing here tells.

    Built in, or as a module that can be loaded, is the same to us.
    """
    options = _options(root)
    modules = _modules(root)
    found: dict[str, bool | None] = {}
    for name, feature in FEATURES.items():
        if feature.option in options or (feature.module and feature.module in modules):
            found[name] = True
        else:
            found[name] = False if options else None
    # cgroup v2 can freeze whatever the option says, which is about version 1.
    if (root / "sys/fs/cgroup/cgroup.controllers").exists():
        found["pause"] = True
    return found


def _options(root: Path) -> set[str]:
    """The options that the running kernel was configured with."""
    release = platform.release()
    for path in (
        root / "proc/config.gz",
        root / f"boot/config-{release}",
        root / f"lib/modules/{release}/config",
    ):
        try:
            raw = path.read_bytes()
        except OSError:
            continue
        text = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
        return set(re.findall(r"^(CONFIG_\w+)=[ym]$", text.decode(errors="replace"), re.MULTILINE))
    return set()


def _modules(root: Path) -> set[str]:
    """The modules that can be loaded or are built in, without their suffixes."""
    directory = root / "lib/modules" / platform.release()
    names: set[str] = set()
    for listing in ("modules.dep", "modules.builtin"):
        try:
            text = (directory / listing).read_text(encoding="utf-8")
        except OSError:
            continue
        names |= {Path(line.split(":")[0]).name.split(".")[0] for line in text.splitlines()}
    return names
