"""The Debian image that is built here: whose programs are in it is checked, or it is not built."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import MachineLacks
from lab.home import Home
from lab.host import debian, machine
from lab.host.apt import KEYRING
from lab.host.daemon import SYSTEM_PATH
from lab.host.debian import RELEASE, Debian, bootstrapping
from lab.host.machine import Machine, System
from lab.progress import QUIET

PLAIN = System(like=("debian",), codename="trixie", as_root=(), systemd=True, installs=False)


def test_the_signature_is_checked_or_it_ends() -> None:
    """Always with a keyring, and without debootstrap's own "only a warning"."""
    argv = bootstrapping(["sudo", "-n"], Path("/work/root"), "http://mirror.example/debian")
    assert argv[:2] == ["sudo", "-n"]
    assert f"--keyring={KEYRING}" in argv
    assert "--force-check-gpg" in argv
    assert argv[-3:] == [RELEASE, "/work/root", "http://mirror.example/debian"]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive that anybody can make: all in order, but for a signature."""
    suite = tmp_path / "debian" / "dists" / RELEASE
    index = suite / "main" / "binary-amd64" / "Packages.gz"
    index.parent.mkdir(parents=True)
    index.write_bytes(gzip.compress(b""))
    content = index.read_bytes()
    line = f" {hashlib.sha256(content).hexdigest()} {len(content)} main/binary-amd64/Packages.gz"
    (suite / "Release").write_text(
        f"Suite: stable\nCodename: {RELEASE}\nComponents: main\nArchitectures: amd64\n"
        f"SHA256:\n{line}\n"
    )
    return tmp_path / "debian"


@pytest.mark.skipif(
    shutil.which("debootstrap", path=SYSTEM_PATH) is None or not KEYRING.exists(),
    reason="needs debootstrap and Debian's keys",
)
@pytest.mark.parametrize("signed", ["nobody", "somebody else"])
def test_what_debian_has_not_signed_is_not_unpacked(
    archive: Path, tmp_path: Path, signed: str
) -> None:
    """Neither an archive that nobody has signed, nor one whose signature is another's."""
    if signed != "nobody":
        release = archive / "dists" / RELEASE / "Release"
        (release.parent / "Release.gpg").write_text("-----BEGIN PGP SIGNATURE-----\n\nAAAA\n")
    argv = bootstrapping([], tmp_path / "root", f"file://{archive}")
    tried = subprocess.run(argv, capture_output=True, text=True, check=False)
    said = tried.stdout + tried.stderr
    assert tried.returncode != 0
    assert "signature" in said.lower(), said
    assert not (tmp_path / "root" / "bin").exists()


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debian:
    """On a machine that reaches no registry, and installs nothing."""
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    home.prepare()
    monkeypatch.setattr("lab.host.images.pull", lambda *_: False)
    monkeypatch.setattr(debian, "indextargets", lambda: "http://mirror.example/debian|trixie\n")
    monkeypatch.setattr(machine.shutil, "which", lambda *_, **__: "/usr/sbin/debootstrap")
    monkeypatch.setattr(machine.System, "look", lambda: PLAIN)
    return Debian(Machine(home, QUIET), tmp_path / "log")


def test_without_debians_keys_nothing_is_bootstrapped(
    made: Debian, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said which package has them, and how to get it: on Ubuntu it is not there by itself."""
    monkeypatch.setattr(debian, "KEYRING", tmp_path / "none.gpg")
    monkeypatch.setattr(debian, "follow", lambda *_, **__: pytest.fail("unpacked unchecked"))
    ubuntu = replace(PLAIN, like=("ubuntu", "debian"), codename="noble")
    monkeypatch.setattr(machine.System, "look", lambda: ubuntu)
    with pytest.raises(MachineLacks, match=r"none\.gpg is missing") as refused:
        made.ready(QUIET)
    assert "apt-get install" in (refused.value.remedy or "")
    assert "debian-archive-keyring" in (refused.value.remedy or "")
