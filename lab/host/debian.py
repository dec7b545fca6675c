"""The Debian image that everything is built on, where no registry answers too."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab.command import CommandFailed, follow, run
from lab.errors import MachineLacks
from lab.host.apt import KEYRING, Archive, archives, has_updates, indextargets, mirror, source
from lab.host.machine import Machine
from lab.progress import Report

RELEASE = "trixie"
OFFICIAL_IMAGE = "debian:trixie-slim"
DEBIAN_IMAGE = "3am-lab/debian:trixie"

# What the official slim image leaves out, now and when packages are installed later.
UNPACK_LESS = """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
"""


class Debian:
    """``DEBIAN_IMAGE``: the official image, or the same release out of the machine's own mirror."""

    def __init__(self, machine: Machine, log: Path) -> None:
        self._machine = machine
        self._log = log

    def ready(self, report: Report) -> None:
        """Have the image: pulled, and bootstrapped where that does not work.

        Raises ``MachineLacks`` where neither can be done.
        """
        from lab.host.images import pull

        if pull(OFFICIAL_IMAGE, self._log, report):
            run(["docker", "tag", OFFICIAL_IMAGE, DEBIAN_IMAGE])
            return
        found = archives(indextargets())
        uri = mirror(found)
        if uri is None:
            raise MachineLacks(
                f"{OFFICIAL_IMAGE} cannot be pulled, and apt here knows no Debian mirror",
                remedy=f"docker pull {OFFICIAL_IMAGE}   # on a network that reaches a registry",
            )
        report.say(f"{OFFICIAL_IMAGE} cannot be pulled; building it from this machine's own mirror")
        as_root = self._machine.as_root("debootstrap")
        self._machine.need("debootstrap", "debootstrap")
        # Debian has it; elsewhere, without it, nobody would know whose programs these are.
        self._machine.need_file(KEYRING, "debian-archive-keyring")
        with report.step(f"bootstrapping Debian {RELEASE}") as step:
            # Not in /tmp, which may be mounted without devices or programs.
            work = Path(tempfile.mkdtemp(prefix="debootstrap-", dir=self._machine.home.dir))
            try:
                argv = bootstrapping(as_root, work / "root", uri)
                follow(argv, lambda _: None, log=self._log, timeout=900)
                step.at(2, 3, "slimming")
                self._slim(as_root, work / "root", found, uri)
                step.at(2, 3, "importing")
                self._import(as_root, work / "root")
            except CommandFailed as error:
                raise MachineLacks(
                    f"bootstrapping Debian {RELEASE} did not work\n{error.message}",
                    remedy=f"the whole log is {self._log}",
                ) from error
            finally:
                run([*as_root, "rm", "-rf", "--one-file-system", str(work)], timeout=120)

    def _slim(self, as_root: Sequence[str], root: Path, found: list[Archive], uri: str) -> None:
        """Give it the sources that this machine has, and what the slim image does not have away."""
        suites = [RELEASE] + ([f"{RELEASE}-updates"] if has_updates(found) else [])
        text = source(uri, suites)
        security = mirror(found, security=True)
        if security is not None:
            text += "\n" + source(security, [f"{RELEASE}-security"])
        files = {
            "etc/apt/sources.list.d/debian.sources": text,
            "etc/dpkg/dpkg.cfg.d/slim": UNPACK_LESS,
            "etc/apt/apt.conf.d/no-languages": 'Acquire::Languages "none";\n',
            "etc/apt/apt.conf.d/99this-machine": machine_settings(),
        }
        for name, content in files.items():
            run([*as_root, "tee", str(root / name)], stdin=content)
        script = (
            "rm -f etc/apt/sources.list; rm -rf var/cache/apt/*.bin var/cache/apt/archives/*.deb"
            " var/lib/apt/lists/* var/log/*.log"
            " usr/share/info/* usr/share/locale/* usr/share/man/*;"
            " find usr/share/doc -mindepth 2 ! -name copyright -delete;"
            " find usr/share/doc -type d -empty -delete"
        )
        run([*as_root, "sh", "-c", f'cd "$1" && {script}', "slim", str(root)])

    def _import(self, as_root: Sequence[str], root: Path) -> None:
        pack = [*as_root, "tar", "--numeric-owner", "--one-file-system", "-C", str(root), "-c", "."]
        archive = root.parent / "root.tar"
        run([*pack, "-f", str(archive)], timeout=300)
        change = ["--change", 'CMD ["bash"]', "--platform", f"linux/{_architecture()}"]
        run(["docker", "import", *change, str(archive), DEBIAN_IMAGE], timeout=300)


def bootstrapping(
    as_root: Sequence[str], root: Path, uri: str, keyring: Path = KEYRING
) -> list[str]:
    """The command that unpacks the release into `root`, from the archive at `uri`, whose signature
    it checks with `keyring` or ends: by itself it would only warn, and go on."""
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    options = ["--variant=minbase", "--include=ca-certificates"]
    options += [f"--keyring={keyring}", "--force-check-gpg"]
    return [*as_root, "env", path, "debootstrap", *options, RELEASE, str(root), uri]


def machine_settings() -> str:
    """The apt settings without which this machine's mirror cannot be read, for inside the image.

    A mirror that is a snapshot of some day carries expired dates.
    """
    names = ("Acquire::Check-Valid-Until", "Acquire::Check-Date")
    try:
        dump = run(["apt-config", "dump", *names], timeout=10).stdout
    except CommandFailed:
        return ""
    return "".join(f"{line}\n" for line in dump.splitlines() if line.startswith(names))


def _architecture() -> str:
    if shutil.which("dpkg"):
        return run(["dpkg", "--print-architecture"]).stdout.strip()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
