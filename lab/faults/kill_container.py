"""A node dies: every process of a service is gone at once, and nobody starts it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lab.faults import Fault, FaultParams, Token
from lab.faults._containers import Service, answers, containers, docker, running

if TYPE_CHECKING:
    from lab.stack import Stack


class KillContainerParams(FaultParams):
    """Whose container dies."""

    fault: Literal["kill_container"]
    service: Service


class KillContainerToken(Token):
    """A service that ran."""

    service: str


class KillContainer(Fault[KillContainerParams, KillContainerToken]):
    """SIGKILL, as when its machine loses power. `docker compose start SERVICE` undoes it."""

    Params = KillContainerParams
    Token = KillContainerToken
    examples = (
        KillContainerParams(fault="kill_container", service="api-2"),
        KillContainerParams(fault="kill_container", service="redis-cache"),
    )

    def plan(self, stack: Stack, params: KillContainerParams) -> KillContainerToken:
        running(stack, params.service)
        return KillContainerToken(service=params.service)

    def inject(self, stack: Stack, token: KillContainerToken) -> None:
        for one in containers(stack, token.service):
            if one.state == "running":
                docker("kill", one.container_id)

    def active(self, stack: Stack, token: KillContainerToken) -> bool:
        up = any(one.state in ("running", "paused") for one in containers(stack, token.service))
        return not up and not answers(stack, token.service)

    def heal(self, stack: Stack, token: KillContainerToken) -> None:
        if any(one.state in ("running", "paused") for one in containers(stack, token.service)):
            return
        # Starts what is there, and makes what is not.
        options = ("--detach", "--no-deps", "--no-recreate", "--pull", "never")
        stack.project.compose("up", *options, token.service)
