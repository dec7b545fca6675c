"""A service is cut off: it runs, and nobody can reach it, nor it anybody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from lab.command import CommandFailed
from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._containers import Service, answers, containers, docker, running

if TYPE_CHECKING:
    from lab.stack import Stack


class Link(BaseModel):
    """A container's place on a network: by which names and at which address others find it."""

    model_config = ConfigDict(frozen=True)

    network: str
    aliases: tuple[str, ...]
    address: str


class PartitionParams(FaultParams):
    """Who is cut off."""

    fault: Literal["partition"]
    service: Service


class PartitionToken(Token):
    """The links of the service's containers."""

    service: str
    links: dict[str, tuple[Link, ...]]


class Partition(Fault[PartitionParams, PartitionToken]):
    """docker network disconnect. `docker network connect --alias SERVICE NETWORK CONTAINER` undoes
    it, or a new container: `docker compose up -d --force-recreate --no-deps SERVICE`."""

    Params = PartitionParams
    Token = PartitionToken
    examples = (
        PartitionParams(fault="partition", service="postgres-replica"),
        PartitionParams(fault="partition", service="nginx"),
    )

    def plan(self, stack: Stack, params: PartitionParams) -> PartitionToken:
        links = {
            one.container_id: _links(one.container_id) for one in running(stack, params.service)
        }
        if not all(links.values()) or not answers(stack, params.service):
            raise Failed(
                f"{params.service} is cut off already", remedy="`lab restore` connects it again"
            )
        return PartitionToken(service=params.service, links=links)

    def inject(self, stack: Stack, token: PartitionToken) -> None:
        for one in containers(stack, token.service):
            for link in _links(one.container_id):
                docker("network", "disconnect", "--force", link.network, one.container_id)

    def active(self, stack: Stack, token: PartitionToken) -> bool:
        found = containers(stack, token.service)
        if any(one.state in ("running", "paused") for one in found):
            return not answers(stack, token.service)
        # Where nothing runs: whether it would be on the network if somebody started it.
        return any(not one.attached for one in found)

    def heal(self, stack: Stack, token: PartitionToken) -> None:
        for one in containers(stack, token.service):
            now = {link.network: link for link in _links(one.container_id)}
            # A container that was made since is where docker-compose.yml puts it.
            for link in token.links.get(one.container_id, ()):
                if link.network in now:
                    if token.service in now[link.network].aliases:
                        continue
                    # Connected by hand: others have only the address then.
                    docker("network", "disconnect", "--force", link.network, one.container_id)
                _connect(one.container_id, link)


def _links(container_id: str) -> tuple[Link, ...]:
    shown = docker(
        *("inspect", "--type", "container", container_id),
        *("--format", "{{json .NetworkSettings.Networks}}"),
    )
    networks: dict[str, dict[str, Any]] = json.loads(shown.stdout)
    return tuple(
        Link(
            network=name,
            # The engine adds the container's own id anew each time.
            aliases=tuple(name for name in one["Aliases"] or () if name != container_id[:12]),
            address=one["IPAddress"],
        )
        for name, one in networks.items()
    )


def _connect(container_id: str, link: Link) -> None:
    names = [word for alias in link.aliases for word in ("--alias", alias)]
    try:
        docker("network", "connect", *names, "--ip", link.address, link.network, container_id)
    except CommandFailed:
        # Somebody else has the address now, or the engine chooses all addresses of this network.
        docker("network", "connect", *names, link.network, container_id)
