"""A service may use less memory than it was built for, as after a change of its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.errors import Failed, MachineLacks
from lab.faults import Fault, FaultParams, Token
from lab.faults._cgroup import limits
from lab.faults._containers import Service, containers, docker, host_config, running

if TYPE_CHECKING:
    from lab.stack import Stack

MIB = 1 << 20
# The kernel accounts in batches for each core, and a process needs some to start in there at all.
SPARE_MIB = 8


class LimitMemoryParams(FaultParams):
    """Who has how much left."""

    fault: Literal["limit_memory"]
    service: Service
    mib: int = Field(ge=16, le=65536, description="mebibytes; less than it may use now")
    kill: bool = Field(
        default=False,
        description="also below what it uses right now: the kernel kills some of its processes",
    )


class LimitMemoryToken(Token):
    """What is left, and what each container had with and without swap, in bytes."""

    service: str
    left: int
    had: dict[str, tuple[int, int]]


class LimitMemory(Fault[LimitMemoryParams, LimitMemoryToken]):
    """docker update --memory --memory-swap, which undoes it, too. Half of the way back counts as
    mended."""

    Params = LimitMemoryParams
    Token = LimitMemoryToken
    examples = (
        LimitMemoryParams(fault="limit_memory", service="api-2", mib=112),
        LimitMemoryParams(fault="limit_memory", service="worker", mib=256),
    )

    def plan(self, stack: Stack, params: LimitMemoryParams) -> LimitMemoryToken:
        left = params.mib * MIB
        had: dict[str, tuple[int, int]] = {}
        for one in running(stack, params.service):
            told = host_config(one.container_id)
            now, swap = int(told["Memory"]), int(told["MemorySwap"])
            if now <= left:
                has = f"is limited to {now // MIB} MiB already" if now else "has no limit"
                raise Failed(f"the memory of {params.service} cannot be lowered to this: it {has}")
            self._room(stack, one.container_id, params)
            had[one.container_id] = (now, swap)
        return LimitMemoryToken(service=params.service, left=left, had=had)

    def inject(self, stack: Stack, token: LimitMemoryToken) -> None:
        # No swap beside it: what does not fit must not be slow but gone.
        self._update(stack, token, dict.fromkeys(token.had, (token.left, token.left)))

    def active(self, stack: Stack, token: LimitMemoryToken) -> bool:
        enough = (token.left + max(memory for memory, _ in token.had.values())) / 2
        for one in containers(stack, token.service):
            found = limits(stack, one.container_id)
            # Where nothing runs: what it would have if somebody started it.
            memory = (found.memory or 0) if found else host_config(one.container_id)["Memory"]
            if 0 < memory < enough:
                return True
        return False

    def heal(self, stack: Stack, token: LimitMemoryToken) -> None:
        self._update(stack, token, token.had)

    def _room(self, stack: Stack, container_id: str, params: LimitMemoryParams) -> None:
        found = limits(stack, container_id)
        if found is None or found.pinned < (params.mib - SPARE_MIB) * MIB:
            return
        uses = f"{params.service} uses {found.pinned // MIB} MiB right now"
        if not params.kill:
            raise Failed(
                f"{uses}, so {params.mib} MiB would kill its processes at once",
                remedy="leave it some more, or say `kill: true` if that is what you want",
            )
        if not found.hard:
            raise MachineLacks(
                f"{uses}, and with cgroup version 1 no limit below that can be set",
                remedy="cgroup version 2 (systemd.unified_cgroup_hierarchy=1), or some more MiB",
            )

    def _update(
        self, stack: Stack, token: LimitMemoryToken, memory: dict[str, tuple[int, int]]
    ) -> None:
        # A container that was made since has the limit that docker-compose.yml gives it.
        for one in containers(stack, token.service):
            if one.container_id in memory:
                alone, swap = memory[one.container_id]
                docker(
                    *("update", "--memory", str(alone), "--memory-swap", str(swap)),
                    one.container_id,
                )
