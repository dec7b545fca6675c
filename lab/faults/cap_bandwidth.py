"""What a service sends squeezes through a narrow link, as behind a broken switch port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.faults import Fault, FaultParams, Token
from lab.faults._containers import Service
from lab.faults._link import SOCKET_BYTES, Shaper, pour, runs

if TYPE_CHECKING:
    from lab.stack import Stack

LINK = Shaper("tbf", "3a:", "a kernel with the module sch_tbf (CONFIG_NET_SCH_TBF)")

# What may pass at once: a bucket must hold at least what comes in one tick of the slowest clock.
BURST_BYTES = 16_000
TICK_S = 0.01
# How long what waits may wait until it is dropped: as long as in the buffers of a bad router.
QUEUE = "400ms"


class CapBandwidthParams(FaultParams):
    """Whose link, and what is left of it."""

    fault: Literal["cap_bandwidth"]
    service: Service
    kbit: int = Field(ge=64, le=20_000, description="kilobits a second that it can still send")


class CapBandwidthToken(Token):
    """The same."""

    service: str
    kbit: int

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return self.kbit * 125

    @property
    def burst(self) -> int:
        return max(BURST_BYTES, int(self.rate * TICK_S))


class CapBandwidth(Fault[CapBandwidthParams, CapBandwidthToken]):
    """A token bucket before the link: `docker compose exec SERVICE tc -s qdisc` shows it, and
    `docker compose restart SERVICE` undoes it. Twice the rate counts as mended."""

    Params = CapBandwidthParams
    Token = CapBandwidthToken
    examples = (
        CapBandwidthParams(fault="cap_bandwidth", service="api-2", kbit=256),
        CapBandwidthParams(fault="cap_bandwidth", service="postgres-primary", kbit=2000),
    )

    def plan(self, stack: Stack, params: CapBandwidthParams) -> CapBandwidthToken:
        token = CapBandwidthToken(service=params.service, kbit=params.kbit)
        LINK.check(stack, params.service, _options(token))
        return token

    def inject(self, stack: Stack, token: CapBandwidthToken) -> None:
        LINK.set(stack, token.service, _options(token))

    def active(self, stack: Stack, token: CapBandwidthToken) -> bool:
        # Beyond what passes at once this is a second's worth.
        amount = token.burst + SOCKET_BYTES + int(token.rate)
        return runs(stack, token.service) and pour(stack, token.service, amount) > 0.5

    def heal(self, stack: Stack, token: CapBandwidthToken) -> None:
        LINK.unset(stack, token.service)


def _options(token: CapBandwidthToken) -> list[str]:
    return ["rate", f"{token.kbit}kbit", "burst", str(token.burst), "latency", QUEUE]
