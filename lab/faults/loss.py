"""Some of what is sent to a service never arrives, as on a damaged cable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._containers import Service
from lab.faults._link import beside, round_trips, runs, try_out

if TYPE_CHECKING:
    from lab.stack import Stack

TABLE = "inet ingress"
# At the first hook. What a container says to itself is not lost.
RULES = """
table inet ingress {{
  chain prerouting {{
    type filter hook prerouting priority raw
    iifname != "lo" numgen random mod 100 < {percent} drop
  }}
}}
"""
# Naming a table before it is deleted makes both work whether there was one or not.
FORGET = f"add table {TABLE}\ndelete table {TABLE}\n"
LIST = ["nft", "list", "tables"]
APPLY = ["nft", "-f", "-"]
NEEDS = "a kernel with nftables and its numbers (CONFIG_NF_TABLES_INET, CONFIG_NFT_NUMGEN)"

# So many packets that twenty are lost on average, and hardly ever fewer than a quarter of them; in
# a network of containers the others are back within a millisecond.
EXPECTED = 20
FEWEST = 50
WAIT_S = 0.4


class LossParams(FaultParams):
    """Who misses how much."""

    fault: Literal["loss"]
    service: Service
    percent: int = Field(ge=5, le=90, description="packets lost of each hundred that arrive")


class LossToken(Token):
    """The same."""

    service: str
    percent: int


class Loss(Fault[LossParams, LossToken]):
    """A rule of nftables in the container's network. `docker compose restart SERVICE` undoes it. A
    quarter of it counts as mended."""

    Params = LossParams
    Token = LossToken
    examples = (
        LossParams(fault="loss", service="api-2", percent=10),
        LossParams(fault="loss", service="postgres-replica", percent=30),
    )

    def plan(self, stack: Stack, params: LossParams) -> LossToken:
        rules = RULES.format(percent=params.percent)
        try_out(stack, params.service, APPLY, needs=NEEDS, stdin=rules)
        if any(TABLE in done.stdout for done in beside(stack, params.service, LIST)):
            raise Failed(
                f"packets to {params.service} are lost already",
                remedy="`lab restore` undoes what the lab did",
            )
        return LossToken(service=params.service, percent=params.percent)

    def inject(self, stack: Stack, token: LossToken) -> None:
        rules = FORGET + RULES.format(percent=token.percent)
        beside(stack, token.service, APPLY, rules)

    def active(self, stack: Stack, token: LossToken) -> bool:
        if not runs(stack, token.service):
            return False
        count = max(FEWEST, EXPECTED * 100 // token.percent)
        lost = round_trips(stack, token.service, count, WAIT_S).count(None)
        return lost > count * token.percent / 100 / 4

    def heal(self, stack: Stack, token: LossToken) -> None:
        beside(stack, token.service, APPLY, FORGET)
