"""What is in the cache expires at one moment, as after a bulk warm-up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.faults import Fault, FaultParams, Token
from lab.faults._redis import calls, expire_at_once, in_step, lifetimes, require_some, spread

if TYPE_CHECKING:
    from lab.stack import Stack


class ExpireTogetherParams(FaultParams):
    """Which objects, and when."""

    fault: Literal["expire_together"]
    keys: str = Field(default="*", description="a pattern, such as circle:*")
    in_s: float = Field(default=10, ge=1, le=30, description="seconds after the injection")


class ExpireTogetherToken(Token):
    """What was asked for, and how often the server had been given such a moment before."""

    keys: str
    in_s: float
    moments: int


class ExpireTogether(Fault[ExpireTogetherParams, ExpireTogetherToken]):
    """PEXPIREAT on the cached objects of redis-cache. Who reads them next loads them all again, so
    that those which everybody reads go on expiring together.

    It is active for as long as half of them expire within seconds of each other, which the server
    tells: of all objects until shortly after the moment, because most are asked for once; of
    popular ones until somebody spreads them.
    """

    Params = ExpireTogetherParams
    Token = ExpireTogetherToken
    examples = (ExpireTogetherParams(fault="expire_together"),)

    def plan(self, stack: Stack, params: ExpireTogetherParams) -> ExpireTogetherToken:
        require_some(stack, params.keys)
        return ExpireTogetherToken(
            keys=params.keys, in_s=params.in_s, moments=calls(stack, "pexpireat")
        )

    def inject(self, stack: Stack, token: ExpireTogetherToken) -> None:
        expire_at_once(stack, token.keys, token.in_s)

    def active(self, stack: Stack, token: ExpireTogetherToken) -> bool:
        return _told(stack, token) and in_step(lifetimes(stack, token.keys))

    def heal(self, stack: Stack, token: ExpireTogetherToken) -> None:
        # Also where they are hardly in step: those that were loaded apart go first.
        if _told(stack, token):
            spread(stack, token.keys)


def _told(stack: Stack, token: ExpireTogetherToken) -> bool:
    return calls(stack, "pexpireat") > token.moments
