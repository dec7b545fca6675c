"""What a container may use at most: `docker update`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lab.manifest import Change, Kind, Things
from lab.manifest._containers import Described, of_each, replace

if TYPE_CHECKING:
    from lab.stack import Stack

LIMITS = ("NanoCpus", "CpuQuota", "CpuShares", "CpusetCpus", "Memory", "PidsLimit")


class Limits(Kind):
    name = "limit"
    needs_services = False

    def read(self, stack: Stack) -> Things:
        return of_each(stack, _limits)

    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        replace(stack, changes)


def _limits(service: str, described: Described) -> Iterator[tuple[str, str]]:
    for limit in LIMITS:
        yield f"{service}: {limit}", str(described["HostConfig"].get(limit) or 0)
