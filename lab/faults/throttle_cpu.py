"""A service gets less CPU than it needs, as after a change of its limits or a noisy neighbour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._cgroup import limits
from lab.faults._containers import Service, containers, docker, host_config, running

if TYPE_CHECKING:
    from lab.stack import Stack

NANO = 1_000_000_000

LEAST = 0.01
"""Cores. With less a container hardly gets on with its own health checks."""


class ThrottleCpuParams(FaultParams):
    """Who has how many cores left: less than now."""

    fault: Literal["throttle_cpu"]
    service: Service
    cpus: float = Field(ge=LEAST, le=64)


class ThrottleCpuToken(Token):
    """What is left, and what each container had, in billionths of a core."""

    service: str
    left: int
    had: dict[str, int]


class ThrottleCpu(Fault[ThrottleCpuParams, ThrottleCpuToken]):
    """docker update --cpus, which undoes it, too. Half of the way back counts as mended."""

    Params = ThrottleCpuParams
    Token = ThrottleCpuToken
    hinders = True
    examples = (
        ThrottleCpuParams(fault="throttle_cpu", service="api-2", cpus=0.05),
        ThrottleCpuParams(fault="throttle_cpu", service="postgres-primary", cpus=0.2),
    )

    def plan(self, stack: Stack, params: ThrottleCpuParams) -> ThrottleCpuToken:
        left = round(params.cpus * NANO)
        had: dict[str, int] = {}
        for one in running(stack, params.service):
            now = int(host_config(one.container_id)["NanoCpus"])
            if now <= left:
                has = f"is limited to {now / NANO:g} cores already" if now else "has no limit"
                raise Failed(f"the CPU of {params.service} cannot be lowered to this: it {has}")
            had[one.container_id] = now
        return ThrottleCpuToken(service=params.service, left=left, had=had)

    def inject(self, stack: Stack, token: ThrottleCpuToken) -> None:
        self._update(stack, token, dict.fromkeys(token.had, token.left))

    def active(self, stack: Stack, token: ThrottleCpuToken) -> bool:
        enough = (token.left + max(token.had.values())) / 2
        for one in containers(stack, token.service):
            found = limits(stack, one.container_id)
            # Where nothing runs: what it would have if somebody started it.
            cpus = (found.cpus or 0) * NANO if found else host_config(one.container_id)["NanoCpus"]
            if 0 < cpus < enough:
                return True
        return False

    def heal(self, stack: Stack, token: ThrottleCpuToken) -> None:
        self._update(stack, token, token.had)

    def _update(self, stack: Stack, token: ThrottleCpuToken, cpus: dict[str, int]) -> None:
        # A container that was made since has the limit that docker-compose.yml gives it.
        for one in containers(stack, token.service):
            if one.container_id in cpus:
                amount = f"{cpus[one.container_id] / NANO:.9f}"
                docker("update", "--cpus", amount, one.container_id)
