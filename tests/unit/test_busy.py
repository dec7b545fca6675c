"""What takes the cores: read from made-up processes, by name, without the stack's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.host import busy
from lab.host.busy import Look, Process, Taker, between, look, worth_naming

OURS = "5b403adc721b" + 52 * "0"


def process(
    root: Path, pid: int, name: str, ticks: int, *, group: str = "/", began: int = 1
) -> None:
    """One as the kernel shows it; half of its ticks were the kernel's own."""
    folder = root / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    own, kernel = ticks - ticks // 2, ticks // 2
    before = " ".join(["S", *"1" * 10])
    between = " ".join("0" * 6)
    (folder / "stat").write_text(f"{pid} ({name}) {before} {own} {kernel} {between} {began} 1 1\n")
    (folder / "cgroup").write_text(f"1:cpu:{group}\n0::/\n")
    (folder / "cmdline").write_text(f"{name}\0--password=secret\0")


def after(seconds: float, first: Look, second: Look) -> list[Taker]:
    return between(replace(first, at=0.0), replace(second, at=seconds), ours=[OURS], but=[7])


def test_who_takes_how_many_cores(tmp_path: Path) -> None:
    """Busiest first; the processes of one program together; who does nothing is left out."""
    for pid, name, ticks in ((10, "chromium", 500), (11, "chromium", 0), (12, "vim", 9)):
        process(tmp_path, pid, name, ticks)
    first = look(tmp_path)
    for pid, name, ticks in ((10, "chromium", 660), (11, "chromium", 100), (12, "vim", 9)):
        process(tmp_path, pid, name, ticks)
    process(tmp_path, 13, "cc1", 60, began=99)
    assert after(2.0, first, look(tmp_path)) == [Taker("chromium", 1.3), Taker("cc1", 0.3)]


@pytest.mark.parametrize(
    "group", [f"/docker/{OURS}", f"/system.slice/docker-{OURS}.scope", f"/lab/{OURS}/inner"]
)
def test_the_stacks_own_containers_are_no_others(tmp_path: Path, group: str) -> None:
    """However the engine names their groups; another container is somebody else, and the lab that
    asks is nobody."""
    process(tmp_path, 7, "lab", 200)
    process(tmp_path, 8, "postgres", 200, group=group)
    process(tmp_path, 9, "mysqld", 100, group=f"/docker/{'a' * 64}")
    assert after(2.0, Look(0.0, {}), look(tmp_path)) == [Taker("mysqld", 0.5)]


def test_an_id_that_was_given_again_is_another_process(tmp_path: Path) -> None:
    """What the first has used is not the second's."""
    process(tmp_path, 10, "make", 5000)
    first = look(tmp_path)
    process(tmp_path, 10, "cc1", 100, began=2)
    assert after(2.0, first, look(tmp_path)) == [Taker("cc1", 0.5)]


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    """Brackets are part of it, and nothing in it reaches the terminal as a command."""
    process(tmp_path, 10, "a) S (\x1b[2J", 200)
    (found,) = after(2.0, Look(0.0, {}), look(tmp_path))
    assert found.name == "a) S (?[2J"


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    """A process that ended between two reads; a file that is none."""
    (tmp_path / "10").mkdir()
    process(tmp_path, 11, "vim", 1)
    (tmp_path / "11" / "stat").write_text("11 (vim) S")
    (tmp_path / "self").mkdir()
    assert look(tmp_path).processes == {}


def test_looks_too_close_to_each_other_tell_nothing() -> None:
    """One hundredth of a second over none at all would be very many cores."""
    assert after(0.01, Look(0.0, {}), Look(0.0, {(1, 1): Process("vim", 1, "")})) == []


def test_few_are_named_and_only_those_that_matter() -> None:
    """Without what it was started with."""
    every = [Taker(f"p{cores}", cores) for cores in (1.3, 0.9, 0.4, 0.3, 0.1)]
    assert [one.name for one in worth_naming(every)] == ["p1.3", "p0.9", "p0.4"]
    assert worth_naming([Taker("vim", 0.2)]) == []
    assert Taker("chromium", 1.3).of(2) == "chromium takes 1.3 of this machine's 2 cores"


def test_without_a_proc_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody waits."""
    monkeypatch.setattr(busy, "PROC", tmp_path / "none")
    assert busy.takers((), pause=lambda _: pytest.fail("waited")) == []
