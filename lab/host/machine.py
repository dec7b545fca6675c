"""What the lab needs of the machine before it can have a stack: an engine, compose, memory."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab import engine
from lab.command import CommandFailed, run
from lab.engine import COMPOSE_MINIMUM, Reach
from lab.errors import MachineLacks
from lab.home import Home
from lab.host import daemon
from lab.host.apt import (
    TRIXIE_PIN,
    TRIXIE_PIN_TEXT,
    TRIXIE_SOURCE,
    Apt,
    archives,
    candidates,
    indextargets,
    mirror,
    source,
)
from lab.lock import exclusive
from lab.progress import Report

# The stack takes about 1 GB; the rest is for the engine, builds and the person's own programs.
NEEDED_MEMORY = 2 * 10**9

COMPOSE_PACKAGES = ("docker-compose-v2", "docker-compose-plugin", "docker-compose")


@dataclass(frozen=True)
class System:
    """What decides how something is installed here.

    ``like`` holds the distribution's id and its parents', ``codename`` its release; ``as_root`` is
    the prefix that makes a command run as root, None where nothing does.
    """

    like: tuple[str, ...]
    codename: str
    as_root: tuple[str, ...] | None
    systemd: bool
    installs: bool = True

    @classmethod
    def look(cls) -> System:
        """This machine. ``LAB_NO_INSTALL`` set to anything forbids installing."""
        told = _os_release()
        return cls(
            like=(told.get("ID", ""), *told.get("ID_LIKE", "").split()),
            codename=told.get("DEBIAN_CODENAME") or told.get("VERSION_CODENAME", ""),
            as_root=_root_prefix(),
            systemd=Path("/run/systemd/system").is_dir(),
            installs=not os.environ.get("LAB_NO_INSTALL"),
        )

    @property
    def has_apt(self) -> bool:
        return bool({"debian", "ubuntu"} & set(self.like))


@dataclass(frozen=True)
class Plan:
    """Packages to install, and whether trixie has to be made visible for one of them."""

    packages: tuple[str, ...]
    trixie: bool = False

    def commands(self, system: System, debian: str | None) -> list[str]:
        """The same as shell commands, for somebody who wants to type them."""
        sudo = "" if system.as_root == () else "sudo "
        lines: list[str] = []
        if self.trixie:
            text = source(debian or "YOUR-DEBIAN-MIRROR", ["trixie"])
            for path, content in ((TRIXIE_SOURCE, text), (TRIXIE_PIN, TRIXIE_PIN_TEXT)):
                lines.append(f"{sudo}tee {path} >/dev/null <<'END'\n{content}END")
        lines.append(f"{sudo}apt-get update")
        lines.append(f"{sudo}apt-get install --no-install-recommends {' '.join(self.packages)}")
        return lines


def plan(
    system: System, *, engine_missing: bool, client_missing: bool, known: Mapping[str, str]
) -> Plan:
    """Which packages give an engine and its client (where they are missing) and ``docker compose``.

    ``known`` holds the versions that apt would install. Debian 12's own docker-compose is the old
    Python one, so there the package comes from trixie. Raises ``MachineLacks`` where apt knows no
    compose of version 2 and the release is not Debian 12.
    """
    packages = ["docker.io", "iptables"] if engine_missing else []
    # Since trixie the client is a package of its own.
    packages += ["docker-cli"] if client_missing and "docker-cli" in known else []
    for package in COMPOSE_PACKAGES:
        version = engine.parse_version(known.get(package, "").rpartition(":")[2].split("~")[0])
        if version is not None and version >= (2,):
            return Plan((*packages, package))
    if "bookworm" in system.codename:
        return Plan((*packages, "docker-compose"), trixie=True)
    raise MachineLacks(
        "apt knows no package of docker compose version 2 here",
        remedy="install the compose plugin (2.20 or later) as Docker's documentation says",
    )


class Machine:
    """This machine, made ready for the stack."""

    def __init__(self, home: Home, report: Report) -> None:
        self.home = home
        self.report = report
        self._log = home.logs / "install.log"

    @cached_property
    def system(self) -> System:
        return System.look()

    def ready(self) -> None:
        """See to it that an engine answers and ``docker compose`` is there.

        Installs and starts what is missing where it may. Raises ``MachineLacks`` with the exact
        commands for this system where it may not, and where memory is too small.
        """
        if not self._works(engine.reach()):
            with exclusive("machine", self.report):
                # Whoever held the lock may have done it.
                reach = engine.reach()
                if not self._works(reach):
                    self._set_up(reach)
        check_memory(engine.client().info()["MemTotal"])

    def need(self, program: str, package: str) -> None:
        """See to it that ``program`` is there; raises ``MachineLacks`` where it cannot be."""
        if shutil.which(program, path=daemon.SYSTEM_PATH):
            return
        self._install(Plan((package,)), f"{program} is missing")

    def need_file(self, path: Path, package: str) -> None:
        """See to it that the file is there, which that package has; raises ``MachineLacks`` where
        it cannot be."""
        if not path.exists():
            self._install(Plan((package,)), f"{path} is missing")
        if not path.exists():
            raise MachineLacks(
                f"{path} is missing, and the package {package} of this machine does not have it"
            )

    def as_root(self, why: str) -> list[str]:
        """The prefix that makes a command run as root; raises ``MachineLacks`` where none does."""
        if self.system.as_root is None:
            raise MachineLacks(
                f"{why} needs root, and sudo asks for a password here",
                remedy="run `sudo -v` first, or run this command as root",
            )
        return list(self.system.as_root)

    def _works(self, reach: Reach) -> bool:
        version = engine.compose_version()
        return version is not None and version >= COMPOSE_MINIMUM and reach is Reach.ANSWERS

    def _set_up(self, reach: Reach) -> None:
        no_engine = reach is Reach.ABSENT and not shutil.which("dockerd", path=daemon.SYSTEM_PATH)
        version = engine.compose_version()
        if no_engine and not _is_local():
            raise MachineLacks(
                f"no Docker engine answers at {os.environ['DOCKER_HOST']}",
                remedy="start it, or unset DOCKER_HOST to use this machine's own",
            )
        if no_engine or version is None or version < COMPOSE_MINIMUM:
            missing = (["Docker"] if no_engine else []) + (
                ["docker compose"] if not version else []
            )
            why = " and ".join(missing) or f"docker compose is older than {COMPOSE_MINIMUM}"
            self._install(self._plan(engine_missing=no_engine), f"missing here: {why}")
        if reach is Reach.STUCK:
            self._end()
        if engine.reach() is Reach.ABSENT:
            self._start()
        if engine.reach() is Reach.DENIED:
            raise MachineLacks(
                "the Docker engine is up, but this user may not talk to it",
                remedy="sudo usermod -aG docker $USER, log in again; or run this as root",
            )

    def _plan(self, *, engine_missing: bool) -> Plan:
        if not self.system.has_apt:
            raise MachineLacks(
                f"the lab installs Docker on Debian and Ubuntu only; this is {platform.system()} "
                f"{self.system.like[0]}".rstrip(),
                remedy="install Docker (20.10 or later) with the compose plugin (2.20 or later), "
                "start it, and run this again",
            )
        known = candidates([*COMPOSE_PACKAGES, "docker-cli"])
        return plan(
            self.system,
            engine_missing=engine_missing,
            client_missing=not shutil.which("docker"),
            known=known,
        )

    def _install(self, wanted: Plan, why: str) -> None:
        found = archives(indextargets()) if wanted.trixie else []
        if not self.system.has_apt or not self.system.installs or self.system.as_root is None:
            may_not = (
                "LAB_NO_INSTALL is set" if not self.system.installs else "this is not root's shell"
            )
            commands = wanted.commands(self.system, mirror(found))
            raise MachineLacks(f"{why}, and {may_not}", remedy="\n".join(commands))
        self.report.say(
            f"{why}: installing {', '.join(wanted.packages)} with apt (LAB_NO_INSTALL=1 forbids it)"
        )
        apt = Apt(self.system.as_root, self._log)
        with self.report.step(f"installing {', '.join(wanted.packages)}"):
            if wanted.trixie:
                apt.add_trixie(found)
            apt.install(wanted.packages)

    def _end(self) -> None:
        """End an engine that is stuck: one that a lab has started, and no other."""
        pid = daemon.started_by_lab()
        what = engine.Silent().message
        if pid is None or self.system.as_root is None or not _is_local():
            by_hand = (
                "systemctl restart docker" if self.system.systemd else "kill -KILL its process"
            )
            raise MachineLacks(what, remedy=f"start it again, all its containers end: {by_hand}")
        self.report.say(f"{what}; a lab has started it, so it is ended and started again")
        daemon.end(self.system.as_root, pid)

    def _start(self) -> None:
        if not self.system.installs or self.system.as_root is None or not _is_local():
            sudo = "" if self.system.as_root == () else "sudo "
            by_hand = (
                "systemctl start docker" if self.system.systemd else "sh -c 'setsid dockerd &'"
            )
            raise MachineLacks("the Docker engine is not running", remedy=sudo + by_hand)
        self.report.say("starting the Docker engine")
        with self.report.step("starting the Docker engine"):
            log = self.home.logs / daemon.LOG
            daemon.start(self.system.as_root, log, systemd=self.system.systemd)


def check_memory(total: int) -> None:
    """Refuse an engine that has too little memory (bytes) for the stack; raises ``MachineLacks``.

    Refused here, because later it looks like a fault of the stack's own.
    """
    if total < NEEDED_MEMORY:
        raise MachineLacks(
            f"the Docker engine has {total / 1e9:.1f} GB of memory; "
            f"the stack wants {NEEDED_MEMORY / 1e9:.0f} GB",
            remedy="give the machine (or Docker Desktop's) more memory",
        )


def _is_local() -> bool:
    where = os.environ.get("DOCKER_HOST", "")
    return where in ("", f"unix://{engine.SOCKET}", "unix:///run/docker.sock")


def _root_prefix() -> tuple[str, ...] | None:
    if os.geteuid() == 0:
        return ()
    try:
        run(["sudo", "-n", "true"], timeout=5)
    except CommandFailed:
        return None
    return ("sudo", "-n")


def _os_release(
    paths: Sequence[str] = ("/etc/os-release", "/usr/lib/os-release"),
) -> dict[str, str]:
    for path in map(Path, paths):
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            pairs = (line.partition("=") for line in lines if "=" in line)
            return {name: value.strip("\"'") for name, _, value in pairs}
    return {}
