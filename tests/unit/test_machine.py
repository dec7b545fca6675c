"""Deciding what to install where, and refusing with the exact commands where that is forbidden."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.engine import Reach, parse_version
from lab.errors import MachineLacks
from lab.home import Home
from lab.host import machine
from lab.host.machine import Machine, Plan, System, check_memory, plan
from lab.progress import QUIET

BOOKWORM = System(like=("debian",), codename="bookworm", as_root=(), systemd=False)
TRIXIE = System(like=("debian",), codename="trixie", as_root=(), systemd=True)
NOBLE = System(like=("ubuntu", "debian"), codename="noble", as_root=("sudo", "-n"), systemd=True)


def test_debian_12_takes_compose_from_trixie():
    """Debian 12's own docker-compose is version 1: the package comes from trixie."""
    wanted = plan(
        BOOKWORM, engine_missing=True, client_missing=True, known={"docker-compose": "1.29.2-3"}
    )
    assert wanted == Plan(("docker.io", "iptables", "docker-compose"), trixie=True)


def test_debian_12_with_trixie_visible_already():
    """Once trixie's package is a candidate, nothing has to be added to apt."""
    wanted = plan(
        BOOKWORM, engine_missing=False, client_missing=False, known={"docker-compose": "2.26.1-4"}
    )
    assert wanted == Plan(("docker-compose",))


def test_debian_13_takes_its_own():
    """Since trixie the distribution has both, and the client apart."""
    known = {"docker-compose": "2.26.1-4", "docker-cli": "26.1.5+dfsg1-9"}
    wanted = plan(TRIXIE, engine_missing=True, client_missing=True, known=known)
    assert wanted == Plan(("docker.io", "iptables", "docker-cli", "docker-compose"))


def test_ubuntu_takes_compose_v2():
    """Ubuntu names the package after its version."""
    known = {"docker-compose": "1.29.2-6", "docker-compose-v2": "2.24.6+ds1-0ubuntu2"}
    wanted = plan(NOBLE, engine_missing=True, client_missing=True, known=known)
    assert wanted == Plan(("docker.io", "iptables", "docker-compose-v2"))


def test_unknown_release_without_compose():
    """Where apt has no compose of version 2 the lab says so and installs nothing odd."""
    with pytest.raises(MachineLacks, match="version 2"):
        plan(NOBLE, engine_missing=True, client_missing=True, known={"docker-compose": "1.29.2-6"})


def test_commands_can_be_typed():
    """The commands of a refusal are complete: source, pin, update, install, with sudo."""
    user = System(like=("debian",), codename="bookworm", as_root=None, systemd=True)
    commands = "\n".join(
        Plan(("docker.io", "docker-compose"), trixie=True).commands(user, "http://m.example/debian")
    )
    assert "URIs: http://m.example/debian" in commands
    assert "Pin-Priority: 990" in commands
    assert "sudo apt-get update" in commands
    assert "sudo apt-get install --no-install-recommends docker.io docker-compose" in commands


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A Debian 13 without Docker, on which any attempt to install fails the test."""
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    home.prepare()
    monkeypatch.setattr(machine.engine, "reach", lambda: Reach.ABSENT)
    monkeypatch.setattr(machine.engine, "compose_version", lambda: None)
    monkeypatch.setattr(machine.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(machine, "candidates", lambda _: {"docker-compose": "2.26.1-4"})
    monkeypatch.setattr(
        machine.Apt, "_get", lambda *_: pytest.fail("installed although it was forbidden")
    )
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return Machine(home, QUIET)


def test_no_install_is_respected(bare: Machine, monkeypatch: pytest.MonkeyPatch):
    """With LAB_NO_INSTALL nothing is installed: exit code 4 and the commands."""
    monkeypatch.setenv("LAB_NO_INSTALL", "1")
    monkeypatch.setattr(machine.System, "look", lambda: replace(TRIXIE, installs=False))
    with pytest.raises(MachineLacks, match="LAB_NO_INSTALL") as caught:
        bare.ready()
    assert caught.value.exit_code == 4
    assert "apt-get install --no-install-recommends docker.io" in (caught.value.remedy or "")


def test_another_system_is_told_what_is_needed(bare: Machine, monkeypatch: pytest.MonkeyPatch):
    """Outside Debian and Ubuntu the lab names the versions it needs and stops."""
    fedora = System(like=("fedora",), codename="", as_root=(), systemd=True)
    monkeypatch.setattr(machine.System, "look", lambda: fedora)
    with pytest.raises(MachineLacks, match="Debian and Ubuntu only") as caught:
        bare.ready()
    assert "20.10" in (caught.value.remedy or "")


def test_a_silent_engine_of_somebody_elses_is_left_alone(
    bare: Machine, monkeypatch: pytest.MonkeyPatch
):
    """An engine that takes calls and does not answer is ended only where a lab has started it;
    otherwise its owner is told what to type, and that containers end with it."""
    monkeypatch.setattr(machine.engine, "reach", lambda: Reach.STUCK)
    monkeypatch.setattr(machine.engine, "compose_version", lambda: (2, 26, 1))
    monkeypatch.setattr(machine.System, "look", lambda: TRIXIE)
    monkeypatch.setattr(machine.daemon, "started_by_lab", lambda: None)
    monkeypatch.setattr(machine.daemon, "end", lambda *_: pytest.fail("ended somebody else's"))
    with pytest.raises(MachineLacks, match="has not answered") as caught:
        bare.ready()
    assert "systemctl restart docker" in (caught.value.remedy or "")


def test_remote_engine_is_not_installed_here(bare: Machine, monkeypatch: pytest.MonkeyPatch):
    """Where DOCKER_HOST names an engine elsewhere, none is installed on this machine."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere.example:2375")
    monkeypatch.setattr(machine.System, "look", lambda: TRIXIE)
    with pytest.raises(MachineLacks, match="elsewhere"):
        bare.ready()


def test_too_little_memory():
    """An engine with a gigabyte is refused before the stack starves in it."""
    with pytest.raises(MachineLacks, match="memory"):
        check_memory(10**9)
    check_memory(4 * 10**9)


@pytest.mark.parametrize(
    ("text", "version"),
    [("2.26.1-4\n", (2, 26, 1)), ("v2.29.7", (2, 29, 7)), ("2.40.3+ds1", (2, 40, 3)), ("no", None)],
)
def test_versions_of_compose(text, version):
    """Distributions write the version in several ways."""
    assert parse_version(text) == version
