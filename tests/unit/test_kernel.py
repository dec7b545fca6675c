"""Kernel features, read from the files a kernel comes with."""

import gzip
import platform
from pathlib import Path

from lab.host.kernel import FEATURES, features


def test_configuration_of_the_running_kernel(tmp_path: Path):
    """An option that is on, as built in or as a module, is a feature; one that is off is none."""
    (tmp_path / "proc").mkdir()
    config = "CONFIG_NET_SCH_TBF=y\nCONFIG_NET_SCH_HTB=m\n# CONFIG_NET_SCH_NETEM is not set\n"
    (tmp_path / "proc/config.gz").write_bytes(gzip.compress(config.encode()))
    found = features(tmp_path)
    assert (found["tbf"], found["htb"], found["netem"]) == (True, True, False)


def test_modules_tell_where_the_configuration_is_hidden(tmp_path: Path):
    """A module that can be loaded is a feature although no configuration can be read."""
    modules = tmp_path / "lib/modules" / platform.release()
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/net/sched/sch_netem.ko.xz: kernel/x.ko\n")
    found = features(tmp_path)
    assert found["netem"] is True
    assert found["tbf"] is None


def test_unknown_is_not_missing(tmp_path: Path):
    """Where nothing can be read, nothing is claimed."""
    assert set(features(tmp_path).values()) == {None}
    assert set(features(tmp_path)) == set(FEATURES)


def test_cgroup_v2_freezes(tmp_path: Path):
    """On cgroup v2 containers can be paused whatever the option for version 1 says."""
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cgroup.controllers").write_text("cpu memory")
    assert features(tmp_path)["pause"] is True
