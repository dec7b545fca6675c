"""Debian's and Ubuntu's packages: what this machine's own configuration knows, and installing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.command import CommandFailed, follow, run
from lab.errors import MachineLacks

LISTS = Path("/var/lib/apt/lists")
TRIXIE_SOURCE = Path("/etc/apt/sources.list.d/3am-lab-trixie.sources")
TRIXIE_PIN = Path("/etc/apt/preferences.d/3am-lab-trixie")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# Seconds after which package lists are fetched again before anything is installed.
LISTS_KEEP = 24 * 3600

# Nothing of trixie is ever chosen by itself, except the one package that is wanted from there.
TRIXIE_PIN_TEXT = """\
# Written by 3AM Lab: docker-compose from trixie, and nothing else.
Package: *
Pin: release n=trixie
Pin-Priority: -10

Package: docker-compose
Pin: release n=trixie
Pin-Priority: 990
"""


@dataclass(frozen=True)
class Archive:
    """One suite that the machine's apt is configured to read, for example bookworm-security."""

    uri: str
    suite: str


def archives(targets: str) -> list[Archive]:
    """Read the output of ``indextargets()``: every archive once, in the order of configuration."""
    found: dict[Archive, None] = {}
    for line in targets.splitlines():
        uri, _, suite = line.rpartition("|")
        if uri:
            found[Archive(_plain(uri), suite.strip("/"))] = None
    return list(found)


def indextargets() -> str:
    """Every package index that apt would fetch, one ``uri|suite`` a line; nothing without apt."""
    try:
        argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)"]
        return run([*argv, "Created-By: Packages"], timeout=30).stdout
    except CommandFailed:
        return ""


def mirror(found: Iterable[Archive], *, security: bool = False) -> str | None:
    """Where this machine gets Debian from: the address that serves trixie too.

    A Debian archive is recognised by its suites, which are named after Debian's releases; a mirror
    may have any host name.
    """
    ending = r"-security" if security else ""
    names = re.compile(rf"(bookworm|trixie|forky|duke|sid|stable|testing|unstable){ending}")
    for archive in found:
        if names.fullmatch(archive.suite) and archive.uri.startswith(("http", "file", "ftp")):
            return archive.uri
    return None


def has_updates(found: Iterable[Archive]) -> bool:
    """Whether the machine follows its release's updates suite."""
    return any(archive.suite.endswith("-updates") for archive in found)


def source(uri: str, suites: Sequence[str]) -> str:
    """A deb822 paragraph for a sources file."""
    return (
        f"Types: deb\nURIs: {uri}\nSuites: {' '.join(suites)}\nComponents: main\n"
        f"Signed-By: {KEYRING}\n"
    )


def candidates(packages: Sequence[str]) -> dict[str, str]:
    """The version of each package that apt would install; those it does not know are absent."""
    try:
        return parse_policy(run(["apt-cache", "policy", *packages], timeout=30).stdout)
    except CommandFailed:
        return {}


def parse_policy(text: str) -> dict[str, str]:
    """Read ``apt-cache policy``."""
    found: dict[str, str] = {}
    package = ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"(\S+):", line):
            package = heading.group(1)
        elif (told := re.match(r"\s+Candidate: (\S+)", line)) and told.group(1) != "(none)":
            found[package] = told.group(1)
    return found


def lists_are_old(now: float, lists: Path = LISTS) -> bool:
    """Whether package lists are missing or were last fetched more than a day ago."""
    if not any(lists.glob("*_Packages*")):
        return True
    # apt gives the files their age on the server; only the directories tell when it last looked.
    looked = max(path.stat().st_mtime for path in (lists, lists / "partial") if path.exists())
    return now - looked > LISTS_KEEP


class Apt:
    """Installing packages, as root or through ``sudo -n``; everything is kept in ``log``."""

    def __init__(self, as_root: Sequence[str], log: Path) -> None:
        self._as_root = list(as_root)
        self._log = log

    def add_trixie(self, found: Iterable[Archive]) -> None:
        """Let apt see trixie, pinned so that only docker-compose can come from it.

        Raises ``MachineLacks`` where the machine's configuration names no Debian mirror.
        """
        uri = mirror(found)
        if uri is None:
            raise MachineLacks(
                "docker-compose has to come from Debian trixie, "
                "and apt's configuration names no Debian mirror",
                remedy="install the compose plugin (2.20 or later) by hand, then run this again",
            )
        for path, text in {
            TRIXIE_SOURCE: source(uri, ["trixie"]),
            TRIXIE_PIN: TRIXIE_PIN_TEXT,
        }.items():
            run([*self._as_root, "tee", str(path)], stdin=text, timeout=10)
        self._get("update")

    def install(self, packages: Sequence[str]) -> None:
        """Install ``packages``, after fetching the lists where they are old.

        Raises ``MachineLacks`` with the end of apt's log where it does not work.
        """
        fresh = lists_are_old(time.time())
        try:
            if fresh:
                self._get("update")
            try:
                self._get("install", *packages)
            except CommandFailed:
                if fresh:
                    raise
                # A mirror drops the old version when a new one comes: look again, once.
                self._get("update")
                self._get("install", *packages)
        except CommandFailed as error:
            raise MachineLacks(
                f"installing {' '.join(packages)} did not work\n{error.message}",
                remedy=f"the whole log is {self._log}",
            ) from error

    def _get(self, *args: str) -> None:
        settings: Mapping[str, str] = {
            "DEBIAN_FRONTEND": "noninteractive",
            "NEEDRESTART_MODE": "l",
        }
        options = ["-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
        environment = ["env", *(f"{name}={value}" for name, value in settings.items())]
        argv = [*self._as_root, *environment, "apt-get", *options, *args]
        follow(argv, lambda _: None, log=self._log, timeout=900)


def _plain(uri: str) -> str:
    """An address that every tool understands: the first of a ``mirror+file:`` list."""
    if uri.startswith("mirror+file:"):
        path = Path(re.sub(r"^mirror\+file:/*", "/", uri).rstrip("/"))
        try:
            lines = path.read_text(encoding="utf-8").split()
        except OSError:
            return uri
        uri = next((line for line in lines if "://" in line), uri)
    return uri.rstrip("/")
