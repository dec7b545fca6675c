"""The containers in which the services live, as the engine describes them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from lab import engine
from lab.compose import SERVICE_LABEL
from lab.manifest import Change, Kind, Things

if TYPE_CHECKING:
    from lab.stack import Stack

Described = dict[str, Any]


class OfContainers(Kind):
    """Things that each service's container has; a new container has them as they are at home."""

    needs_services = False

    @abstractmethod
    def tell(self, service: str, described: Described) -> Iterator[tuple[str, str]]:
        """The things of one container, which the engine has described in full, and what they are
        like. Their names begin with the service and a colon."""

    def read(self, stack: Stack) -> Things:
        return of_each(stack, self.tell)

    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        replace(stack, changes)


def of_each(
    stack: Stack, tell: Callable[[str, Described], Iterator[tuple[str, str]]]
) -> dict[str, str]:
    """What `tell` says of each service's container, which it is given in full, beside the name."""
    from docker.errors import NotFound

    def ask(one: Described) -> list[tuple[str, str]]:
        try:
            described: Described = engine.client().api.inspect_container(one["Id"])
            return list(tell(one["Labels"][SERVICE_LABEL], described))
        except NotFound:
            return []  # it went meanwhile

    expected = set(stack.expected)
    there = [one for one in stack.project.containers() if one["Labels"][SERVICE_LABEL] in expected]
    with ThreadPoolExecutor(8) as pool:
        return dict(pair for pairs in pool.map(ask, there) for pair in pairs)


def replace(stack: Stack, changes: Sequence[Change]) -> None:
    """Remove the containers of the services that the changes' names begin with: new ones come with
    the next start."""
    services = {change.name.partition(":")[0] for change in changes}
    stack.project.remove(
        [
            one["Id"]
            for one in stack.project.containers()
            if one["Labels"][SERVICE_LABEL] in services
        ]
    )
