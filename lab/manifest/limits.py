"""What a container may use at most: `docker update`."""

from __future__ import annotations

from collections.abc import Iterator

from lab.manifest._containers import Described, OfContainers

LIMITS = ("NanoCpus", "CpuQuota", "CpuShares", "CpusetCpus", "Memory", "PidsLimit")


class Limits(OfContainers):
    name = "limit"

    def tell(self, service: str, described: Described) -> Iterator[tuple[str, str]]:
        for limit in LIMITS:
            yield f"{service}: {limit}", str(described["HostConfig"].get(limit) or 0)
