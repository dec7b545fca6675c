"""How much longer the stack computed than on a free core: from made-up counters of the kernel."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from lab.host import share, slowdown
from lab.host.slowdown import Threads, count

GROUP = "/3am-lab"


def stack(*containers: tuple[float, float]) -> dict[str, Threads]:
    """Containers of one thread each, which ran and waited for so many seconds."""
    return {f"c{nth}": {"1": one} for nth, one in enumerate(containers)}


NOTHING = stack(*[(100.0, 50.0)] * 7)


def after(*ratios: float, ran: float = 1.0) -> dict[str, Threads]:
    return stack(*((100 + ran, 50 + (ratio - 1) * ran) for ratio in ratios))


def test_it_is_what_the_container_in_the_middle_sees() -> None:
    """One or two that are held at limits of their own are not the machine's doing."""
    now = after(1.1, 1.2, 1.3, 1.3, 1.4, 40, 50)
    assert slowdown.slowdown(NOTHING, now, 20) == pytest.approx(1.3)
    assert slowdown.slowdown(NOTHING, after(*[6.5] * 7), 20) == pytest.approx(6.5)


def test_what_hardly_runs_or_has_just_begun_tells_nothing() -> None:
    """Neither do fewer than make a stack, or a thread of which only the end was seen."""
    assert slowdown.slowdown(NOTHING, after(*[9.0] * 7, ran=0.05), 20) is None
    assert slowdown.slowdown(NOTHING, after(*[9.0] * 4), 20) is None
    assert slowdown.slowdown({}, after(*[9.0] * 7), 20) is None
    ended = {one: {**threads, "2": (9.0, 900.0)} for one, threads in NOTHING.items()}
    assert slowdown.slowdown(ended, after(*[2.0] * 7), 20) == pytest.approx(2)


def test_threads_are_counted_by_the_kernel_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thread of each process of each container of the group, in seconds."""
    monkeypatch.setattr(share, "TREE", tmp_path)
    procs = share.tree(GROUP) / "abc123" / "cgroup.procs"
    procs.parent.mkdir(parents=True)
    procs.write_text(f"{os.getpid()}\n99999999\n")
    found = count(GROUP, ["abc123", "of another kind"])
    assert found.keys() == {"abc123"}
    ran, waited = found["abc123"][str(threading.get_native_id())]
    assert 0 < ran < 3600
    assert waited >= 0
    assert count("", ["abc123"]) == {}
