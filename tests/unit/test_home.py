"""The lab home: where it is, and that it is refused before anything can be lost in it."""

from collections import namedtuple
from pathlib import Path

import pytest

from lab.errors import BadInput, MachineLacks
from lab.home import Home


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


def test_prepare_leaves_no_probe(tmp_path: Path):
    """Proving that a directory can be written to leaves nothing in it."""
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    home.prepare()
    assert sorted(path.name for path in home.dir.iterdir()) == ["logs", "secrets"]
