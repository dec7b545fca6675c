"""The lab home: where it is, and that it is refused before anything can be lost in it."""

import subprocess
from collections import namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.doors import open_doors
from lab.errors import BadInput, MachineLacks
from lab.home import Home
from lab.host.machine import Machine
from lab.journal import Journal
from lab.progress import Lines
from lab.stack import Stack


def test_default_home_is_in_the_checkout(monkeypatch: pytest.MonkeyPatch):
    """Without any setting, everything is in .lab of the checkout."""
    monkeypatch.delenv("LAB_HOME", raising=False)
    monkeypatch.delenv("LAB_PROJECT", raising=False)
    home = Home.find()
    assert home.dir == home.root / ".lab"
    assert home.compose_file.is_file()


def test_another_project_has_a_directory_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Two stacks of one checkout share neither journal nor passwords."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setenv("LAB_PROJECT", "team-7")
    home = Home.find()
    assert home.dir == tmp_path / "projects" / "team-7"
    assert home.secrets.is_relative_to(home.dir)


@pytest.mark.parametrize("name", ["Team", "a b", "-x", "../up", "x" * 60])
def test_impossible_project_name(name, monkeypatch: pytest.MonkeyPatch):
    """A name that compose would refuse, or that leaves the directory, is refused at once."""
    monkeypatch.setenv("LAB_PROJECT", name)
    with pytest.raises(BadInput, match="project name"):
        Home.find()


def test_a_file_in_the_way(tmp_path: Path):
    """A home that cannot be written to is the machine's lack, and the remedy names LAB_HOME."""
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineLacks, match="cannot write") as caught:
        Home(root=tmp_path, base=tmp_path / "file" / ".lab").prepare()
    assert "LAB_HOME" in (caught.value.remedy or "")


def test_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With next to nothing free, nothing is begun."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("lab.home.shutil.disk_usage", lambda _: usage(100, 99, 1))
    with pytest.raises(MachineLacks, match="MiB free"):
        Home(root=tmp_path, base=tmp_path / ".lab").prepare()


def test_several_at_a_time_prove_it(tmp_path: Path):
    """A room opens its doors in several threads, and none takes away what another looks for."""
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    with ThreadPoolExecutor(8) as pool:
        for proven in [pool.submit(home.prove_writable) for _ in range(200)]:
            proven.result()


def test_prepare_leaves_no_probe(tmp_path: Path):
    """Proving that a directory can be written to leaves nothing in it."""
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    home.prepare()
    assert sorted(path.name for path in home.dir.iterdir()) == ["logs", "secrets"]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Home]:
    """A home on a disk of its own, with a fault on record."""
    home = Home(root=tmp_path, base=tmp_path / "disk")
    home.base.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home.base)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("nobody may mount a disk here")
    try:
        (home.dir / "secrets").mkdir()
        (home.dir / "logs").mkdir()
        with Journal(home.db) as journal:
            journal.plan(journal.begin("night", 1, "{}", 1.0), "drop_index", "{}", 1.0)
        yield home
    finally:
        subprocess.run(["umount", "--lazy", str(home.base)], check=True)


@pytest.mark.parametrize("trouble", ["read-only", "full"])
def test_a_disk_that_takes_nothing_is_no_reason_to_leave_things_broken(
    small: Home, trouble: str
) -> None:
    """Whoever heals reads the journal, and what is done is noted elsewhere; whoever would begin
    something is refused, with what to do."""
    if trouble == "full":
        fill = ["dd", "if=/dev/zero", f"of={small.base}/filler", "bs=64k"]
        assert subprocess.run(fill, capture_output=True, check=False).returncode != 0
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(small.base)], check=True)
    with open_doors(small, for_healing=True) as doors:
        (fault,) = doors.journal.unhealed()
        doors.journal.healed(fault, 2.0)
        assert doors.journal.unhealed() == []
        assert str(small.dir) in (doors.unkept or "")
    with pytest.raises(MachineLacks, match="write") as refused, open_doors(small):
        pass
    assert "LAB_HOME" in (refused.value.remedy or "")
    assert "lab restore" in (refused.value.remedy or "")


def test_a_disk_that_is_nearly_full_is_not_filled_on_the_way_home(small: Home) -> None:
    """Something can still be written, and not all that healing notes: it is not tried."""
    with open_doors(small, for_healing=True) as doors:
        doors.journal.note(1, 2.0, "note", "x" * 10**6)
        assert "MiB free" in (doors.unkept or "")
    with Journal(small.db) as journal:
        assert journal.events(1) == []


def test_what_is_kept_is_not_called_lost(tmp_path: Path) -> None:
    """On an ordinary disk it is the journal itself."""
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    home.prepare()
    with Journal(home.db) as journal:
        journal.plan(journal.begin("night", 1, "{}", 1.0), "drop_index", "{}", 1.0)
    with open_doors(home, for_healing=True) as doors:
        assert doors.unkept is None
        (fault,) = doors.journal.unhealed()
        doors.journal.healed(fault, 2.0)
    with Journal(home.db) as journal:
        assert journal.unhealed() == []


def test_passwords_and_ports_stay_where_nothing_can_be_written(
    small: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bringing services up needs nothing new, and says that it takes what there is."""
    small.env_file.write_text("LAB_NGINX_PORT=18080\n")
    subprocess.run(["mount", "-o", "remount,ro", str(small.base)], check=True)
    monkeypatch.setattr(Machine, "ready", lambda _: None)
    said = Lines()
    with pytest.raises(MachineLacks, match="cannot write"):
        Stack(small)._prepare(said)
    Stack(small, for_healing=True)._prepare(said)
