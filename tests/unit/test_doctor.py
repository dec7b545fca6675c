"""The doctor: every lack has a remedy, and looking works on a machine that has nothing."""

from pathlib import Path

import pytest

from lab import engine
from lab.engine import Reach
from lab.home import Home
from lab.host import doctor
from lab.host.busy import Taker
from lab.host.doctor import Doctor, Finding, examine, exit_code


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path, base=tmp_path / ".lab")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Docker."""
    monkeypatch.setattr(engine, "reach", lambda: Reach.ABSENT)
    monkeypatch.setattr(engine, "compose_version", lambda: None)
    monkeypatch.setattr(doctor.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(doctor.busy, "takers", lambda _: [])


@pytest.mark.usefixtures("bare")
def test_without_docker(home: Home):
    """No engine and no compose are findings with remedies, not a traceback."""
    found = {item.name: item for item in examine(home)}
    assert found["engine"].status == "bad"
    assert "not installed" in found["engine"].found
    assert found["compose"].status == "bad"
    assert exit_code(list(found.values())) == 4
    assert all(item.remedy for item in found.values() if item.status != "ok")


def test_denied_is_told_apart_from_absent(home: Home, monkeypatch: pytest.MonkeyPatch):
    """An engine that refuses this user needs a group, not an installation."""
    monkeypatch.setattr(engine, "reach", lambda: Reach.DENIED)
    monkeypatch.setattr(engine, "compose_version", lambda: (2, 26, 1))
    findings = list(Doctor(home).docker())
    assert "may not talk" in findings[0].found
    assert "usermod" in findings[0].remedy


@pytest.mark.parametrize(("version", "status"), [((2, 19, 9), "bad"), ((2, 20, 0), "ok")])
def test_old_compose(home: Home, monkeypatch: pytest.MonkeyPatch, version, status):
    """A compose that lacks what docker-compose.yml uses is told to be too old."""
    monkeypatch.setattr(engine, "reach", lambda: Reach.ABSENT)
    monkeypatch.setattr(engine, "compose_version", lambda: version)
    found = {item.name: item for item in Doctor(home).docker()}
    assert found["compose"].status == status


@pytest.mark.usefixtures("bare")
def test_unwritable_home_is_a_finding(tmp_path: Path):
    """A lab home that cannot be written to does not stop the doctor from looking at the rest."""
    (tmp_path / "file").write_text("")
    found = {item.name: item for item in examine(Home(root=tmp_path, base=tmp_path / "file"))}
    assert found["lab home"].status == "bad"
    assert "LAB_HOME" in found["lab home"].remedy
    assert "cores" in found


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("cores", "status"), [(1.3, "warn"), (0.7, "ok")])
def test_programs_that_take_the_cores_are_named(
    home: Home, monkeypatch: pytest.MonkeyPatch, cores: float, status: str
):
    """From more than half of the cores on, those that matter: whoever starts a night can close
    them."""
    taking = [Taker("chromium", cores), Taker("vim", 0.01)]
    monkeypatch.setattr(doctor.busy, "takers", lambda _: taking)
    monkeypatch.setattr(doctor.os, "cpu_count", lambda: 2)
    (found,) = Doctor(home).others()
    assert found.status == status
    assert f"{cores:.1f} of 2 cores" in found.found
    assert ("chromium 1.3" in found.found) is (status == "warn")
    assert "vim" not in found.found
    assert bool(found.remedy) is (status == "warn")


@pytest.mark.usefixtures("bare")
def test_where_processes_cannot_be_seen_nothing_is_said_of_them(home: Home):
    """No /proc, no finding."""
    assert list(Doctor(home).others()) == []


@pytest.mark.usefixtures("bare")
def test_unknown_kernel_is_a_warning(home: Home, monkeypatch: pytest.MonkeyPatch):
    """What cannot be known is not called missing."""
    monkeypatch.setattr(doctor.kernel, "features", lambda: {"netem": None, "tbf": False})
    told = {item.name: item.found for item in Doctor(home).kernel()}
    assert told["kernel: netem"].startswith("unknown")
    assert told["kernel: tbf"].startswith("missing")


def test_a_finding_is_plain_data():
    """A program reads the same that people do."""
    assert Finding("cores", "ok", "2").as_dict() == {
        "name": "cores",
        "status": "ok",
        "found": "2",
        "remedy": "",
    }
