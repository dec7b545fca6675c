"""The cache loses everything it holds at once, as after somebody's FLUSHALL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.faults import Fault, FaultParams, Token
from lab.faults._redis import CACHE, calls, cli, in_step, lifetimes, require_some, spread

if TYPE_CHECKING:
    from lab.stack import Stack


class RedisFlushParams(FaultParams):
    """All is lost; `keys` are those whose coming back the witness looks at."""

    fault: Literal["redis_flush"]
    keys: str = Field(default="*", description="a pattern, such as circle:*")


class RedisFlushToken(Token):
    """The pattern, and how often the server had been flushed before."""

    keys: str
    flushes: int


class RedisFlush(Fault[RedisFlushParams, RedisFlushToken]):
    """FLUSHALL on redis-cache. Customers fill it again, and what they load together will expire
    together, again and again.

    It is active from when the first objects are back for as long as half of them expire within
    seconds of each other, which the server tells. It is over when they do not: of all objects after
    seconds, because most are asked for once; of popular ones not before somebody spreads them.
    """

    Params = RedisFlushParams
    Token = RedisFlushToken
    examples = (RedisFlushParams(fault="redis_flush"),)

    def plan(self, stack: Stack, params: RedisFlushParams) -> RedisFlushToken:
        require_some(stack, params.keys)
        return RedisFlushToken(keys=params.keys, flushes=calls(stack, "flushall"))

    def inject(self, stack: Stack, token: RedisFlushToken) -> None:  # noqa: ARG002
        cli(stack, CACHE, "FLUSHALL")

    def active(self, stack: Stack, token: RedisFlushToken) -> bool:
        return _flushed(stack, token) and in_step(lifetimes(stack, token.keys))

    def heal(self, stack: Stack, token: RedisFlushToken) -> None:
        # Also where they are hardly in step: those that were loaded apart go first.
        if _flushed(stack, token):
            spread(stack, token.keys)


def _flushed(stack: Stack, token: RedisFlushToken) -> bool:
    return calls(stack, "flushall") > token.flushes
