"""A service gets less CPU than it needs, as after a change of its limits or a noisy neighbour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._cgroup import limits
from lab.faults._containers import Service, containers, docker, host_config, running
from lab.prometheus import Prometheus

if TYPE_CHECKING:
    from lab.stack import Stack

NANO = 1_000_000_000

LEAST = 0.01
"""Cores. With less a container hardly gets on with its own health checks."""


class ThrottleCpuParams(FaultParams):
    """Who has how much left: so many cores, or so many times what it uses under its load."""

    fault: Literal["throttle_cpu"]
    service: Service
    cpus: float | None = Field(
        default=None, ge=LEAST, le=64, description="cores; less than it has now"
    )
    times_used: float | None = Field(
        default=None,
        gt=1,
        le=10,
        description="instead of cores: that many times what it uses now, so that a night is the "
        "same on a slow machine and on a fast one",
    )

    over_s: float = Field(
        default=20,
        ge=5,
        le=120,
        description="how long `times_used` looks back; where work comes in rounds, one round",
    )

    drift: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="how far the use may have drifted from what `times_used` was measured at, as a "
        "share, when the night is to begin; beyond that the stage is set anew",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.cpus is None) == (self.times_used is None):
            raise ValueError("needs either `cpus` or `times_used`")
        return self


class ThrottleCpuToken(Token):
    """What is left, and what each container had, in billionths of a core."""

    service: str
    left: int
    had: dict[str, int]


class ThrottleCpu(Fault[ThrottleCpuParams, ThrottleCpuToken]):
    """docker update --cpus, which undoes it, too. Half of the way back counts as mended."""

    Params = ThrottleCpuParams
    Token = ThrottleCpuToken
    examples = (
        ThrottleCpuParams(fault="throttle_cpu", service="api-2", cpus=0.05),
        ThrottleCpuParams(fault="throttle_cpu", service="postgres-primary", cpus=0.2),
    )

    def plan(self, stack: Stack, params: ThrottleCpuParams) -> ThrottleCpuToken:
        left = round(_cores(stack, params) * NANO)
        had: dict[str, int] = {}
        for one in running(stack, params.service):
            now = int(host_config(one.container_id)["NanoCpus"])
            if now <= left:
                has = f"is limited to {now / NANO:g} cores already" if now else "has no limit"
                raise Failed(f"the CPU of {params.service} cannot be lowered to this: it {has}")
            had[one.container_id] = now
        return ThrottleCpuToken(service=params.service, left=left, had=had)

    def fits(self, stack: Stack, params: ThrottleCpuParams, token: ThrottleCpuToken) -> bool:
        if params.times_used is None or params.drift is None:
            return True
        return abs(token.left / NANO / _cores(stack, params) - 1) <= params.drift

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


def _cores(stack: Stack, params: ThrottleCpuParams) -> float:
    """What is to be left."""
    if params.cpus is not None:
        return params.cpus
    assert params.times_used is not None, "one of both is there"
    return max(LEAST, params.times_used * _used(stack, params.service, params.over_s))


def _used(stack: Stack, service: str, over_s: float) -> float:
    """The cores that each container of `service` has used of late. Raises `Failed`."""
    query = f'avg(rate(container_cpu_seconds_total{{service="{service}"}}[{over_s:.0f}s]))'
    with Prometheus(stack.url("prometheus")) as prometheus:
        samples = prometheus.query(query)
    if not samples:
        raise Failed(f"Prometheus does not know what {service} uses", remedy="lab doctor")
    return samples[0].value
