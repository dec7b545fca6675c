"""One setting has another value, as after a change that nobody reviewed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._nginx import Nginx
from lab.faults._settings import Flag, Postgres, Redis

if TYPE_CHECKING:
    from lab.stack import Stack

Change = Annotated[Postgres | Redis | Nginx | Flag, Field(discriminator="target")]

TAKEN_UP_WITHIN_S = 10.0
"""Seconds after which a value that was put back is in force: replicas look once a second, servers
after a signal."""


class SettingParams(FaultParams):
    """Which setting of which target, and what becomes of it."""

    fault: Literal["setting"]
    change: Change


class SettingToken(Token):
    """The change, and what was configured before: None where nothing was."""

    change: Change
    before: str | None


class Setting(Fault[SettingParams, SettingToken]):
    """Whoever configures the target by ordinary tools undoes it.

    It is active while the running target says so, not its files. Healing puts back what was
    configured before, unless somebody has configured something else meanwhile.
    """

    Params = SettingParams
    Token = SettingToken
    examples = (
        SettingParams(
            fault="setting",
            change=Postgres(target="postgres", name="checkpoint_timeout", value="7min"),
        ),
        SettingParams(
            fault="setting",
            change=Postgres(
                target="postgres",
                service="postgres-replica",
                name="max_standby_streaming_delay",
                value="1s",
            ),
        ),
        SettingParams(
            fault="setting",
            change=Redis(
                target="redis", service="redis-cache", name="slowlog-max-len", value="200"
            ),
        ),
        SettingParams(
            fault="setting",
            change=Nginx(
                target="nginx",
                file="upstreams.lua",
                text="max_fails = 5,",
                becomes="max_fails = 9,",
            ),
        ),
        SettingParams(
            fault="setting",
            change=Nginx(
                target="nginx",
                file="proxy.conf",
                text="proxy_connect_timeout 1s;",
                becomes="proxy_connect_timeout 2s;",
            ),
        ),
        SettingParams(fault="setting", change=Flag(target="flag", name="ttl_jitter", value="on")),
    )

    def plan(self, stack: Stack, params: SettingParams) -> SettingToken:
        before = params.change.configured(stack)
        if params.change.in_force(stack):
            raise Failed(f"{params.change} already", remedy="`lab restore` brings the stack home")
        return SettingToken(change=params.change, before=before)

    def inject(self, stack: Stack, token: SettingToken) -> None:
        token.change.configure(stack)

    def active(self, stack: Stack, token: SettingToken) -> bool:
        return token.change.in_force(stack)

    def heal(self, stack: Stack, token: SettingToken) -> None:
        token.change.undo(stack, token.before)
        until = time.monotonic() + TAKEN_UP_WITHIN_S
        while self.active(stack, token) and time.monotonic() < until:
            time.sleep(0.2)
