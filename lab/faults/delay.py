"""Everything that a service sends arrives late, as from another continent."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.faults import Fault, FaultParams, Token
from lab.faults._containers import Service
from lab.faults._link import Shaper, round_trips, runs

if TYPE_CHECKING:
    from lab.stack import Stack

LINK = Shaper(
    "netem",
    "3b:",
    "delaying packets needs the module sch_netem (CONFIG_NET_SCH_NETEM): most distributions have "
    "it, some in a package of extra modules. Use `cap_bandwidth` or `loss` here, which also slow "
    "a link down",
)
TRIPS = 9
WAIT_S = 5.0


class DelayParams(FaultParams):
    """Whose packets, and how late."""

    fault: Literal["delay"]
    service: Service
    ms: int = Field(ge=20, le=2000, description="milliseconds that each packet comes later")
    jitter_ms: int = Field(default=0, ge=0, le=500, description="more or less, at random")


class DelayToken(Token):
    """The same."""

    service: str
    ms: int
    jitter_ms: int


class Delay(Fault[DelayParams, DelayToken]):
    """netem before the link: `docker compose exec SERVICE tc -s qdisc` shows it, and
    `docker compose restart SERVICE` undoes it. A delay of less than half counts as mended."""

    Params = DelayParams
    Token = DelayToken
    examples = (DelayParams(fault="delay", service="postgres-replica", ms=100, jitter_ms=20),)

    def plan(self, stack: Stack, params: DelayParams) -> DelayToken:
        token = DelayToken(service=params.service, ms=params.ms, jitter_ms=params.jitter_ms)
        LINK.check(stack, params.service, _options(token))
        return token

    def inject(self, stack: Stack, token: DelayToken) -> None:
        LINK.set(stack, token.service, _options(token))

    def active(self, stack: Stack, token: DelayToken) -> bool:
        if not runs(stack, token.service):
            return False
        trips = round_trips(stack, token.service, TRIPS, WAIT_S)
        return median(WAIT_S * 1000 if one is None else one for one in trips) > token.ms / 2

    def heal(self, stack: Stack, token: DelayToken) -> None:
        LINK.unset(stack, token.service)


def _options(token: DelayToken) -> list[str]:
    jitter = [f"{token.jitter_ms}ms"] if token.jitter_ms else []
    # As many packets as a second of the busiest service holds, or the queue would lose some.
    return ["delay", f"{token.ms}ms", *jitter, "limit", "20000"]
