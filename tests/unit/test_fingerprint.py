"""What kind of machine a night was lived on, and nothing about whose it is."""

from __future__ import annotations

import os
import platform
from dataclasses import replace
from pathlib import Path

import pytest

from lab.host.fingerprint import Fingerprint, fingerprint

CPUINFO = "processor\t: 0\nmodel name\t: Some CPU @ 2.6 GHz\nflags\t: fpu\nmodel name\t: other\n"


def test_it_says_what_matters_to_a_night(tmp_path: Path) -> None:
    """Usable cores, processor, kernel, memory in whole GiB, and the version of control groups."""
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    (tmp_path / "meminfo").write_text("MemTotal:        8131832 kB\nMemFree: 1 kB\n")
    (tmp_path / "cgroup.controllers").touch()
    found = fingerprint(tmp_path, tmp_path)
    assert found == Fingerprint(
        cores=len(os.sched_getaffinity(0)),
        model="Some CPU @ 2.6 GHz",
        kernel=f"{platform.release()} {platform.machine()}",
        memory_gib=8,
        cgroup=2,
    )


def test_a_kernel_that_tells_nothing_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not told is said to be unknown."""
    monkeypatch.setattr(platform, "processor", lambda: "")
    found = fingerprint(tmp_path, tmp_path)
    assert (found.model, found.memory_gib, found.cgroup) == ("unknown", 0, None)
    (tmp_path / "cpu").mkdir()
    assert fingerprint(tmp_path, tmp_path).cgroup == 1


def test_the_id_is_the_same_for_the_same_kind() -> None:
    """Eight digits that another process finds again, and others for anything that differs."""
    one = Fingerprint(2, "Some CPU", "6.1 x86_64", 8, 2)
    assert one.id == replace(one).id == "aae73878"
    assert len({one.id, replace(one, cores=4).id, replace(one, kernel="6.2 x86_64").id}) == 3
