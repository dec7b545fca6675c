"""A service restarts at once, as in a deployment: what it had in memory is gone."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token

if TYPE_CHECKING:
    from lab.stack import Stack

WATCHERS = ("load", "heartbeat", "prometheus", "engine-proxy", "grafana", "jaeger")
"""They and the exporters measure the night; without them there is nothing to tell of it."""


class RestartServiceParams(FaultParams):
    """Which service, and how. It passes by itself, so it cannot last."""

    fault: Literal["restart_service"]
    service: str
    grace_s: int = Field(default=10, ge=0, le=30, description="seconds to end well before SIGKILL")
    fresh_s: float = Field(default=10, ge=2, le=60, description="over when it has run this long")
    lasting: Literal[False] = False


class RestartServiceToken(Token):
    """The container, when it was started last (ISO 8601), and what was asked for."""

    service: str
    container_id: str
    started_at: str
    grace_s: int
    fresh_s: float


class RestartService(Fault[RestartServiceParams, RestartServiceToken]):
    """`docker restart`. It is active while the same container has just been started again.

    It counts as over when the service has run for `fresh_s` seconds again: there is nothing to
    undo, so healing starts it where it does not run, and waits for that.
    """

    Params = RestartServiceParams
    Token = RestartServiceToken
    examples = (RestartServiceParams(fault="restart_service", service="redis-cache"),)

    def plan(self, stack: Stack, params: RestartServiceParams) -> RestartServiceToken:
        name = params.service
        if name not in stack.expected or name in WATCHERS or "exporter" in name:
            raise Failed(f"{name!r} is no service of the stack that may restart")
        container = stack.container(name)
        if container.status != "running":
            raise Failed(f"{name} is {container.status}, so it cannot restart", remedy="lab up")
        return RestartServiceToken(
            service=name,
            container_id=str(container.id),
            started_at=container.attrs["State"]["StartedAt"],
            grace_s=params.grace_s,
            fresh_s=params.fresh_s,
        )

    def inject(self, stack: Stack, token: RestartServiceToken) -> None:
        stack.container(token.service).restart(timeout=token.grace_s)

    def active(self, stack: Stack, token: RestartServiceToken) -> bool:
        return _fresh_for(stack, token) > 0

    def heal(self, stack: Stack, token: RestartServiceToken) -> None:
        with suppress(Failed):
            if (container := stack.container(token.service)).status == "exited":
                container.start()
        while (left := _fresh_for(stack, token)) > 0:
            time.sleep(left)


def _fresh_for(stack: Stack, token: RestartServiceToken) -> float:
    """Seconds for which it counts as just restarted; 0 when it is not, or is another container."""
    try:
        container = stack.container(token.service)
    except Failed:
        return 0.0  # it has been removed
    state = container.attrs["State"]
    if container.id != token.container_id or state["StartedAt"] == token.started_at:
        return 0.0
    # Nanoseconds are more than Python 3.11 reads; the second is enough.
    started = datetime.fromisoformat(state["StartedAt"][:19]).replace(tzinfo=UTC)
    return max(0.0, token.fresh_s - (datetime.now(UTC) - started).total_seconds())
