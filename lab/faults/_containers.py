"""What the faults of containers share: finding them by service, and asking others about them.

Acting is done with the docker command, so that an operator can undo it with the same, and so that
what it refuses is a `CommandFailed`. Witnesses look from elsewhere: from a neighbour on the
network, or at the kernel's own accounts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from lab.command import CommandFailed, run
from lab.compose import ServiceState, state_of
from lab.errors import BadInput, Failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.command import Exec
    from lab.stack import Stack

OBSERVERS = ("engine-proxy", "grafana", "heartbeat", "jaeger", "load", "prometheus")
"""And every exporter: they must stay able to witness."""

NEIGHBOURS = ("prometheus", "queue-exporter", "redis-exporter")
"""From where a service is looked at: the first of them that runs."""

# Refused is an answer, too: it comes from the kernel of whoever has the address. Nobody listens at
# the discard port. A name that nobody has may be asked for elsewhere, which takes its time.
KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9), 1.5).close()
except ConnectionRefusedError:
    pass
except OSError:
    sys.exit(3)
"""
SILENCE = (3, 124)
PATIENCE_S = 4


def _breakable(service: str) -> str:
    if service in OBSERVERS or "exporter" in service:
        raise ValueError(f"{service} observes; breaking it would blind whoever must judge")
    return service


Service = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9-]*$", description="a service of docker-compose.yml"),
    AfterValidator(_breakable),
]


def containers(stack: Stack, service: str) -> list[ServiceState]:
    """Every container of `service`, whatever its state: several where it was scaled."""
    project = stack.project
    return [state_of(one, project.network) for one in project.containers(service)]


def running(stack: Stack, service: str) -> list[ServiceState]:
    """The containers of `service` that run: what a fault can be planned for.

    Raises `BadInput` for a service that the stack has not, `Failed` when none runs.
    """
    found = containers(stack, service)
    if not found and service not in stack.expected:
        raise BadInput(
            f"the stack has no service {service!r}",
            remedy=f"it has: {', '.join(stack.expected)}",
        )
    up = [one for one in found if one.state == "running"]
    if not up:
        raise Failed(
            f"{service} does not run, so it cannot be broken this way",
            remedy="`lab restore` brings every service back",
        )
    return up


def answers(stack: Stack, service: str) -> bool:
    """Whether a neighbour on the network finds somebody at that service's name.

    Raises `Failed` when no neighbour can be asked.
    """
    knock = ["timeout", str(PATIENCE_S), "python3", "-c", KNOCK, service]
    done = from_neighbour(stack, knock)
    if done.code not in (0, *SILENCE):
        raise CommandFailed(knock[3:], done.code, done.stderr)
    return done.code == 0


def from_neighbour(stack: Stack, argv: Sequence[str]) -> Exec:
    """Run `argv` in a container that no fault touches. Raises `Failed` when none runs."""
    for name in NEIGHBOURS:
        if any(one.state == "running" for one in containers(stack, name)):
            return stack.exec(name, argv)
    raise Failed(
        "nobody is there to look at it: the observers do not run",
        remedy="`docker compose up -d prometheus`, or `lab restore`",
    )


def docker(*argv: str) -> Exec:
    """`docker ARGV`, as an operator would type it. Raises `CommandFailed`."""
    return run(["docker", *argv], timeout=60)


def host_config(container_id: str) -> dict[str, Any]:
    """What the engine was told about a container's resources. Raises `CommandFailed`."""
    shown = docker(
        "inspect", "--type", "container", "--format", "{{json .HostConfig}}", container_id
    )
    found: dict[str, Any] = json.loads(shown.stdout)
    return found
