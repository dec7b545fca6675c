"""Customers come several times as often, as when somebody famous has shared a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.load import MOST_RATE, Load

if TYPE_CHECKING:
    from lab.stack import Stack


class LoadMultiplierParams(FaultParams):
    """How many times as often, and what for; without any interest, for the same as before."""

    fault: Literal["load_multiplier"]
    times: float = Field(gt=1, le=50)
    focus: float | None = Field(
        default=None, ge=0, le=1, description="share of them who come for the same few photos then"
    )
    fans: float | None = Field(
        default=None, ge=0, le=1, description="share of them who look at somebody's circle then"
    )
    roam: float | None = Field(
        default=None, ge=0, le=1, description="share of them who look at anything then"
    )

    def arrivals(self, rate: float) -> float:
        return rate * self.times


class LoadMultiplierToken(Token):
    """Whose arrivals, how many a second come before and after, and their interests then."""

    run_id: str
    before: float
    after: float
    interests_before: dict[str, float]
    interests_after: dict[str, float]


class LoadMultiplier(Fault[LoadMultiplierParams, LoadMultiplierToken]):
    """Raises the rate of the customers who are there. It ends with their run, too."""

    Params = LoadMultiplierParams
    Token = LoadMultiplierToken
    examples = (LoadMultiplierParams(fault="load_multiplier", times=3),)

    def plan(self, stack: Stack, params: LoadMultiplierParams) -> LoadMultiplierToken:
        with _load(stack) as load:
            now = load.state()
        if not now.running or now.run_id is None:
            raise Failed(
                "no customers are there who could come more often",
                remedy="a scenario's `load` lets them come before its faults",
            )
        after = now.target_rate * params.times
        if after > MOST_RATE:
            raise Failed(
                f"{params.times:g} times {now.target_rate:g} customers a second are {after:g}",
                remedy=f"more than {MOST_RATE:g} a second tell of this machine, not of the stack",
            )
        wanted = params.model_dump(include={"focus", "fans", "roam"}, exclude_none=True)
        return LoadMultiplierToken(
            run_id=now.run_id,
            before=now.target_rate,
            after=after,
            interests_before=dict(now.interests),
            interests_after={**now.interests, **wanted},
        )

    def inject(self, stack: Stack, token: LoadMultiplierToken) -> None:
        with _load(stack) as load:
            if load.state().run_id != token.run_id:
                raise Failed("other customers have come meanwhile", remedy="begin again")
            load.set_rate(token.after, **token.interests_after)

    def active(self, stack: Stack, token: LoadMultiplierToken) -> bool:
        with _load(stack) as load:
            now = load.state()
        return now.running and now.run_id == token.run_id and now.target_rate >= token.after

    def heal(self, stack: Stack, token: LoadMultiplierToken) -> None:
        with _load(stack) as load:
            now = load.state()
            # Another rate is somebody else's wish.
            if now.running and now.run_id == token.run_id and now.target_rate == token.after:
                load.set_rate(token.before, **token.interests_before)


def _load(stack: Stack) -> Load:
    return Load(stack.url("load"))
