"""What this machine has, what it lacks, and how to get it; nothing is changed by looking."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lab import engine
from lab.engine import COMPOSE_MINIMUM, Reach
from lab.errors import LabError, MachineLacks
from lab.home import Home
from lab.host import busy, kernel
from lab.host.images import Images
from lab.host.machine import NEEDED_MEMORY
from lab.progress import QUIET
from lab.settings import PORTS, choose_ports, is_free, read_env
from lab.stack import Stack

# Bytes: images and their layers take about 3 GB, volumes about 1.
NEEDED_DISK = 5 * 10**9

TOO_MUCH = 0.5
"""Share of the cores: the stack under its customers wants the other half."""

Status = Literal["ok", "warn", "bad"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    ``warn`` means that something works less well or not everywhere, ``bad`` that the stack cannot
    run; both come with a remedy.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """For ``--json``."""
        return asdict(self)


def examine(home: Home) -> list[Finding]:
    """Look at everything the lab needs of this machine."""
    return list(Doctor(home).findings())


def exit_code(findings: list[Finding]) -> int:
    """0, or what the machine's lacks are told with."""
    return MachineLacks.exit_code if any(item.status == "bad" for item in findings) else 0


class Doctor:
    """Looks; each method is one kind of finding."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def findings(self) -> Iterator[Finding]:
        yield Finding("python", "ok", platform.python_version())
        yield self.lab_home()
        yield from self.docker()
        yield from self.size()
        yield from self.others()
        yield from self.kernel()
        if self._reach is Reach.ANSWERS:
            yield from self.ports()
            yield from self.images()

    def lab_home(self) -> Finding:
        try:
            self.home.prepare()
        except LabError as error:
            return Finding("lab home", "bad", error.message, error.remedy or "")
        return Finding("lab home", "ok", f"{self.home.dir} can be written to")

    def docker(self) -> Iterator[Finding]:
        """Engine and compose."""
        remedy = "`lab up` installs and starts it where it may, or says what to type"
        if self._reach is Reach.ANSWERS:
            version = self._info.get("ServerVersion", "?")
            yield Finding("engine", "ok", f"Docker {version}, {self._info.get('OperatingSystem')}")
            cgroups = self._info.get("CgroupVersion", "1")
            yield Finding("cgroups", "ok", f"version {cgroups}")
            yield from self._limits()
        elif self._reach is Reach.DENIED:
            remedy = "sudo usermod -aG docker $USER, then log in again"
            yield Finding("engine", "bad", "Docker runs, but this user may not talk to it", remedy)
        elif self._reach is Reach.STUCK:
            silent = engine.Silent()
            yield Finding("engine", "bad", silent.message, silent.remedy or "")
        else:
            installed = shutil.which("dockerd", path=os.defpath + ":/usr/sbin:/usr/local/bin")
            state = "is installed, but does not answer" if installed else "is not installed"
            yield Finding("engine", "bad", f"the Docker engine {state}", remedy)
        compose = engine.compose_version()
        told = ".".join(map(str, compose or ()))
        if compose is None:
            yield Finding("compose", "bad", "there is no `docker compose`", remedy)
        elif compose < COMPOSE_MINIMUM:
            least = ".".join(map(str, COMPOSE_MINIMUM))
            yield Finding("compose", "bad", f"{told} is older than {least}", remedy)
        else:
            yield Finding("compose", "ok", told)

    def size(self) -> Iterator[Finding]:
        """Cores, memory, disk: the engine's, which may be a virtual machine's."""
        cores = self._info.get("NCPU") or os.cpu_count() or 1
        yield (
            Finding("cores", "ok", str(cores))
            if cores >= 2
            else Finding("cores", "warn", "1", "2 cores: with one, incidents unfold more slowly")
        )
        memory = self._info.get("MemTotal")
        if memory is not None:
            enough = memory >= NEEDED_MEMORY
            yield Finding(
                "memory",
                "ok" if enough else "bad",
                f"{memory / 1e9:.1f} GB",
                "" if enough else f"the stack wants {NEEDED_MEMORY / 1e9:.0f} GB",
            )
        where = Path(self._info.get("DockerRootDir", "/"))
        free = shutil.disk_usage(where if where.exists() else self.home.root).free
        enough = free >= NEEDED_DISK
        yield Finding(
            "disk",
            "ok" if enough else "warn",
            f"{free / 1e9:.0f} GB free where images and volumes go",
            ""
            if enough
            else f"{NEEDED_DISK / 1e9:.0f} GB are wanted; `docker system df` tells more",
        )

    def others(self) -> Iterator[Finding]:
        """What else takes the cores now; nothing where that cannot be seen."""
        answers = self._reach is Reach.ANSWERS
        ours = [one["Id"] for one in Stack(self.home).project.containers()] if answers else []
        takers = busy.takers(ours)
        if not takers:
            return
        cores = os.cpu_count() or 1
        taken = sum(one.cores for one in takers)
        told = f"other programs take {taken:.1f} of {cores} cores now"
        if taken <= TOO_MUCH * cores:
            yield Finding("other programs", "ok", told)
            return
        named = ", ".join(f"{one.name} {one.cores:.1f}" for one in busy.worth_naming(takers))
        yield Finding(
            "other programs",
            "warn",
            f"{told}: {named}" if named else told,
            "close them before a night: a machine that is too busy is not judged by",
        )

    def kernel(self) -> Iterator[Finding]:
        """What faults may need; a scenario that needs what is missing does not start."""
        for name, has in kernel.features().items():
            purpose = kernel.FEATURES[name].purpose
            if has:
                yield Finding(f"kernel: {name}", "ok", purpose)
            elif has is None:
                remedy = "this kernel's configuration cannot be read; a fault that needs it tries"
                yield Finding(f"kernel: {name}", "warn", f"unknown ({purpose})", remedy)
            else:
                remedy = f"a kernel with {kernel.FEATURES[name].option}; no other fault needs it"
                yield Finding(f"kernel: {name}", "warn", f"missing ({purpose})", remedy)

    def ports(self) -> Iterator[Finding]:
        """The ports that the next start would take."""
        ours = set(Stack(self.home).project.published().values())
        explicit = {name: os.environ[name] for name in PORTS if os.environ.get(name)}
        try:
            chosen = choose_ports(explicit, read_env(self.home.env_file), ours)
        except LabError as error:
            yield Finding("ports", "bad", error.message, error.remedy or "")
            return
        for variable, port in chosen.items():
            service, default = PORTS[variable]
            taken = port != default and not (default in ours or is_free(default))
            why = f", because somebody has {default}" if taken else ""
            yield Finding(f"port: {service}", "ok", f"127.0.0.1:{port}{why}")

    def images(self) -> Iterator[Finding]:
        """Images: there, and as new as what they are built from."""
        images = Images(self.home, QUIET)
        try:
            stale = images.stale()
        except LabError as error:
            yield Finding("images", "bad", error.message, "`lab up` tells more")
            return
        names = ", ".join(build.name for build in stale)
        yield (
            Finding("images", "warn", f"to be built: {names}", "`lab up` builds them")
            if stale
            else Finding("images", "ok", f"{len(images.builds)} built, and up to date")
        )
        if images.has("grafana"):
            yield Finding("grafana", "ok", images.image_of("grafana"))
        else:
            remedy = f"docker pull {images.image_of('grafana')}; everything else works without it"
            yield Finding("grafana", "warn", "its image is not here", remedy)

    def _limits(self) -> Iterator[Finding]:
        """Limits are what make an incident the same everywhere."""
        lacking = [name for name in ("MemoryLimit", "CpuCfsQuota") if not self._info.get(name)]
        if lacking:
            remedy = "an engine whose cgroups limit memory and CPU (rootless ones may not)"
            yield Finding("limits", "bad", f"the engine cannot set: {', '.join(lacking)}", remedy)

    @cached_property
    def _reach(self) -> Reach:
        return engine.reach()

    @cached_property
    def _info(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._reach is Reach.ANSWERS:
            found = engine.client().info()
        return found
