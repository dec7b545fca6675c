"""CPU, memory, throttling and disk of the project's containers for Prometheus.

Reads cgroup files, which costs a fraction of the engine's own statistics and has no
smoothing of its own: rates are Prometheus' business.
"""

from __future__ import annotations

import os
from pathlib import Path

from exporters.cgroup import Cgroup, Usage, find
from exporters.engine import Container, Project
from exporters.exposition import Meaning, Sample, render, serve

PORT = 9100
ROOT = Path(os.environ.get("CGROUP_ROOT", "/host/cgroup"))

MEANINGS = {
    "container_up": Meaning("gauge", "1 when the container runs; 0 when stopped or paused."),
    "container_cpu_seconds_total": Meaning("counter", "CPU time used, in seconds."),
    "container_cpu_limit_cores": Meaning("gauge", "CPU limit in cores; the machine's if none."),
    "container_cpu_periods_total": Meaning("counter", "Scheduling periods with a limit."),
    "container_cpu_throttled_periods_total": Meaning("counter", "Periods that met the limit."),
    "container_memory_rss_bytes": Meaning("gauge", "Anonymous memory."),
    "container_memory_working_set_bytes": Meaning(
        "gauge", "Memory in use without inactive file cache."
    ),
    "container_memory_limit_bytes": Meaning("gauge", "Memory limit; absent if none."),
    "container_oom_kills_total": Meaning("counter", "Processes killed for want of memory."),
    "disk_free_bytes": Meaning("gauge", "Free for containers and volumes."),
    "disk_size_bytes": Meaning("gauge", "Size of the disk that holds them."),
}


def usage_samples(labels: tuple[tuple[str, str], ...], usage: Usage) -> list[Sample]:
    """One container's usage; what is unlimited has no limit to show, CPU has the machine's."""
    values = {
        "container_cpu_seconds_total": usage.cpu_seconds,
        "container_cpu_limit_cores": usage.cpu_limit or float(os.cpu_count() or 1),
        "container_cpu_periods_total": usage.cpu_periods,
        "container_cpu_throttled_periods_total": usage.cpu_throttled,
        "container_memory_rss_bytes": usage.rss,
        "container_memory_working_set_bytes": usage.working_set,
        "container_memory_limit_bytes": usage.memory_limit,
        "container_oom_kills_total": usage.oom_kills,
    }
    return [Sample(name, labels, value) for name, value in values.items() if value is not None]


class Collector:
    """Usage of containers, with their cgroups looked up once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cgroups: dict[str, Cgroup] = {}

    def samples(self, containers: list[Container]) -> list[Sample]:
        """Each container's samples. One that has just gone counts as down."""
        found: list[Sample] = []
        for container in containers:
            labels = (("service", container.service), ("container", container.name))
            usage = self._usage(container)
            up = container.running and usage is not None
            found.append(Sample("container_up", labels, float(up)))
            if usage is not None:
                found += usage_samples(labels, usage)
        known = {container.id for container in containers}
        self._cgroups = {key: value for key, value in self._cgroups.items() if key in known}
        return found

    def _usage(self, container: Container) -> Usage | None:
        cgroup = self._cgroups.get(container.id)
        if cgroup is None and container.running:
            cgroup = find(self._root, container.id)
        if cgroup is None:
            return None
        try:
            usage = cgroup.read()
        except OSError:
            self._cgroups.pop(container.id, None)
            return None
        self._cgroups[container.id] = cgroup
        return usage


def disk() -> list[Sample]:
    """The disk under the engine's data: this container's own root lies on it."""
    status = os.statvfs("/")
    return [
        Sample("disk_free_bytes", (), float(status.f_bavail * status.f_frsize)),
        Sample("disk_size_bytes", (), float(status.f_blocks * status.f_frsize)),
    ]


def main() -> None:
    project = Project(os.environ["LAB_PROJECT"])
    collector = Collector(ROOT)
    project.follow()
    serve(PORT, lambda: render(collector.samples(project.containers) + disk(), MEANINGS))


if __name__ == "__main__":
    main()
