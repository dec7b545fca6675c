"""The networks that a service is on."""

from __future__ import annotations

from collections.abc import Iterator

from lab.manifest._containers import Described, OfContainers


class Networks(OfContainers):
    name = "network"

    def tell(self, service: str, described: Described) -> Iterator[tuple[str, str]]:
        networks = described["NetworkSettings"]["Networks"] or {}
        yield f"{service}: is on", ", ".join(sorted(networks)) or "none"
