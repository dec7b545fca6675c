"""The networks that a service is on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lab.manifest import Change, Kind, Things
from lab.manifest._containers import Described, of_each, replace

if TYPE_CHECKING:
    from lab.stack import Stack


class Networks(Kind):
    name = "network"
    needs_services = False

    def read(self, stack: Stack) -> Things:
        return of_each(stack, _networks)

    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        replace(stack, changes)


def _networks(service: str, described: Described) -> Iterator[tuple[str, str]]:
    networks = described["NetworkSettings"]["Networks"] or {}
    yield f"{service}: is on", ", ".join(sorted(networks)) or "none"
