"""Rate limiting (the flag `rate_limit`): more than so many requests a second are told 429."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from darkroom import metrics
from darkroom.buckets import Buckets
from darkroom.errors import problem_response
from darkroom.flags import RATE_LIMIT, Flags


class RateLimit:
    """Around the routes: what is refused here has cost next to nothing."""

    def __init__(self, app: ASGIApp, flags: Flags, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._flags = flags
        self._routes = routes
        self._buckets = Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rate = self._flags.number(RATE_LIMIT)
        if not rate or scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        user = Headers(scope=scope).get("x-user-id", "")[:20]
        wait, whose = self._buckets.ask(user, time.monotonic(), rate)
        if not wait:
            await self._app(scope, receive, send)
            return
        metrics.http_refused.labels(RATE_LIMIT.name, whose).inc()
        self._name_route(scope)
        refusal = problem_response(
            429,
            f"More requests than this {whose} may have; come again in {wait:.1f} s.",
            request_id=scope.get("request_id"),
            headers={"Retry-After": str(math.ceil(wait))},
            members={"reason": "rate_limit", "limit": whose},
        )
        await refusal(scope, receive, send)

    def _name_route(self, scope: Scope) -> None:
        """Metrics and logs name the route, which the router, not asked here, would have found."""
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                scope["route"] = route
                return
