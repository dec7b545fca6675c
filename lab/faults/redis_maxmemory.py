"""A Redis server may use less memory than it needs, as after a slip in its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._redis import config_get, config_set

if TYPE_CHECKING:
    from lab.stack import Stack

Service = Literal["redis-cache", "redis-broker"]
Policy = Literal[
    "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
]  # fmt: skip


class RedisMaxmemoryParams(FaultParams):
    """How much memory is left (in MiB), and what happens when it is full: without a `policy`, what
    did before."""

    fault: Literal["redis_maxmemory"]
    mib: float = Field(gt=0, le=1024)
    policy: Policy | None = None
    service: Service = "redis-cache"


class RedisMaxmemoryToken(Token):
    """Bytes and policy as they were, and as they will be."""

    service: Service
    limit_before: int
    limit: int
    policy_before: str
    policy: str


class RedisMaxmemory(Fault[RedisMaxmemoryParams, RedisMaxmemoryToken]):
    """CONFIG SET maxmemory. An operator undoes it in the same way.

    It is active while the server's limit is that low, or lower.
    """

    Params = RedisMaxmemoryParams
    Token = RedisMaxmemoryToken
    examples = (
        RedisMaxmemoryParams(fault="redis_maxmemory", mib=2),
        RedisMaxmemoryParams(fault="redis_maxmemory", mib=2, policy="noeviction"),
    )

    def plan(self, stack: Stack, params: RedisMaxmemoryParams) -> RedisMaxmemoryToken:
        before = int(config_get(stack, params.service, "maxmemory"))
        policy = config_get(stack, params.service, "maxmemory-policy")
        limit = round(params.mib * 2**20)
        if 0 < before <= limit:
            raise Failed(f"{params.service} may use {before} bytes: {limit} are no less")
        return RedisMaxmemoryToken(
            service=params.service,
            limit_before=before,
            limit=limit,
            policy_before=policy,
            policy=params.policy or policy,
        )

    def inject(self, stack: Stack, token: RedisMaxmemoryToken) -> None:
        config_set(stack, token.service, "maxmemory-policy", token.policy)
        config_set(stack, token.service, "maxmemory", str(token.limit))

    def active(self, stack: Stack, token: RedisMaxmemoryToken) -> bool:
        return 0 < int(config_get(stack, token.service, "maxmemory")) <= token.limit

    def heal(self, stack: Stack, token: RedisMaxmemoryToken) -> None:
        if self.active(stack, token):
            config_set(stack, token.service, "maxmemory", str(token.limit_before))
        if config_get(stack, token.service, "maxmemory-policy") == token.policy:
            config_set(stack, token.service, "maxmemory-policy", token.policy_before)
