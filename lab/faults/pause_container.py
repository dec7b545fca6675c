"""A service hangs: its processes are frozen. Connections open, and nothing ever answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from lab.command import CommandFailed
from lab.faults import Fault, FaultParams, Token
from lab.faults._cgroup import limits
from lab.faults._containers import Service, containers, docker, running

if TYPE_CHECKING:
    from lab.stack import Stack

# Under load the kernel may not get hold of every process at once.
UNFROZEN = "unable to freeze"
TRIES = 20
PAUSE_S = 0.25


class PauseContainerParams(FaultParams):
    """Whose container hangs."""

    fault: Literal["pause_container"]
    service: Service


class PauseContainerToken(Token):
    """A service that ran."""

    service: str


class PauseContainer(Fault[PauseContainerParams, PauseContainerToken]):
    """docker pause. `docker compose unpause SERVICE` undoes it."""

    Params = PauseContainerParams
    Token = PauseContainerToken
    examples = (
        PauseContainerParams(fault="pause_container", service="api-3"),
        PauseContainerParams(fault="pause_container", service="postgres-replica"),
    )

    def plan(self, stack: Stack, params: PauseContainerParams) -> PauseContainerToken:
        running(stack, params.service)
        return PauseContainerToken(service=params.service)

    def inject(self, stack: Stack, token: PauseContainerToken) -> None:
        for one in containers(stack, token.service):
            if one.state == "running":
                _freeze(one.container_id)

    def active(self, stack: Stack, token: PauseContainerToken) -> bool:
        found = [limits(stack, one.container_id) for one in containers(stack, token.service)]
        return any(one is not None and one.frozen for one in found)

    def heal(self, stack: Stack, token: PauseContainerToken) -> None:
        for one in containers(stack, token.service):
            if one.state == "paused":
                docker("unpause", one.container_id)


def _freeze(container_id: str) -> None:
    for left in reversed(range(TRIES)):
        try:
            docker("pause", container_id)
        except CommandFailed as error:
            if left and UNFROZEN in error.stderr:
                time.sleep(PAUSE_S)
                continue
            if "already paused" not in error.stderr:
                raise
        return
