"""The stack's control group, on made-up trees of both versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.host import share


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(share, "TREE", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("group", "markers", "file", "wanted"),
    [
        (share.CGROUPFS, [], "cpu/3am-lab/cpu.shares", share.SHARES),
        (share.CGROUPFS, ["cgroup.controllers"], "3am-lab/cpu.weight", share.WEIGHT),
        (share.SYSTEMD, ["cgroup.controllers"], "lab3am.slice/cpu.weight", share.WEIGHT),
        (share.SYSTEMD, [], "cpu/lab3am.slice/cpu.shares", share.SHARES),
    ],
)
def test_the_group_gets_its_weight(
    tree: Path, group: str, markers: list[str], file: str, wanted: str
) -> None:
    """In whichever file this version of control groups and this driver keep it; once is enough."""
    for name in markers:
        (tree / name).touch()
    path = tree / file
    path.parent.mkdir(parents=True)
    path.write_text("100\n")
    for _ in range(2):
        share.claim(group)
        assert path.read_text() == wanted


def test_where_the_engine_does_not_tell_nothing_is_weighed(tree: Path) -> None:
    """The stack then runs where the engine puts it."""
    share.claim("")
    assert not list(tree.iterdir())
