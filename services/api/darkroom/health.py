"""Two depths of health: the process is alive; this replica can serve.

A replica of ours is not ready when the primary does not answer, or when a pool cannot hand out a
connection: then its requests wait in vain, and another replica may do better. A dead cache and a
replica server that refuses connections degrade it only, since reads go on without them; taking
every replica out for those would turn a slow site into no site.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import structlog
from fastapi import APIRouter, Response
from redis.exceptions import RedisError

from darkroom import metrics, schemas
from darkroom.answers import answer
from darkroom.db import DatabaseTrouble
from darkroom.errors import problem_response
from darkroom.pulse import Pulse
from darkroom.services import Services, ServicesDep

router = APIRouter(tags=["health"])
log = structlog.get_logger("darkroom.health")

#: Seconds that each check may take, side by side: the balancer waits one second for the answer.
_LIMIT = 0.8


@router.get("/health", response_model=schemas.Alive, summary="The process is alive")
async def health(services: ServicesDep) -> Response:
    return answer({"status": "alive", "replica": services.config.replica_id})


@router.get(
    "/ready",
    response_model=schemas.Ready,
    responses=schemas.problems(503),
    summary="This replica can serve",
)
async def ready(services: ServicesDep) -> Response:
    checks = await check(services)
    failing = [name for name, outcome in checks.items() if not outcome.ok]
    fatal = [name for name in failing if checks[name].fatal]
    if services.stopping.is_set():
        fatal.append("stopping")
    metrics.app_ready.set(0 if fatal else 1)
    shown = {name: outcome.shown() for name, outcome in checks.items()}
    if fatal:
        log.warning("not ready", failing=failing, checks=shown)
        return problem_response(
            503,
            "Not ready: " + "; ".join(f"{name} ({_why(checks, name)})" for name in fatal),
            request_id=None,
            members={"failing": fatal, "checks": shown},
        )
    return answer({"status": "degraded" if failing else "ready", "checks": shown})


class Outcome:
    """One check's result; `fatal` when this replica cannot serve because of it."""

    def __init__(self, ms: float, detail: str | None = None, *, fatal: bool = False) -> None:
        self.ok = detail is None
        self.ms = ms
        self.detail = detail
        self.fatal = fatal

    def shown(self) -> dict[str, object]:
        return {"ok": self.ok, "ms": round(self.ms, 1), "detail": self.detail}


async def check(services: Services) -> dict[str, Outcome]:
    """Runs every check, each within its limit."""
    outcomes = await asyncio.gather(
        _database(services.primary_pulse, needed=True),
        _database(services.replica_pulse, needed=False),
        _timed(services.cache.ping()),
    )
    return dict(zip(("primary", "replica", "cache"), outcomes, strict=True))


async def _database(pulse: Pulse, *, needed: bool) -> Outcome:
    started = time.monotonic()
    try:
        await pulse.beats(_LIMIT)
    except DatabaseTrouble as trouble:
        # Waiting in vain is fatal for either pool; a quick refusal only where nothing stands in.
        fatal = needed or trouble.reason in ("pool_timeout", "timeout")
        return Outcome(_ms(started), f"{trouble.reason}: {trouble}", fatal=fatal)
    except TimeoutError:
        return Outcome(_ms(started), f"no answer within {_LIMIT:g} s", fatal=True)
    return Outcome(_ms(started))


async def _timed(ping: Awaitable[None]) -> Outcome:
    started = time.monotonic()
    try:
        async with asyncio.timeout(_LIMIT):
            await ping
    except (RedisError, OSError) as error:
        return Outcome(_ms(started), repr(error))
    return Outcome(_ms(started))


def _ms(started: float) -> float:
    return (time.monotonic() - started) * 1000


def _why(checks: dict[str, Outcome], name: str) -> str:
    return (checks[name].detail or "") if name in checks else "this process is ending"
