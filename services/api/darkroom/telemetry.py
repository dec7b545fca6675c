"""Around every request: its id, one log line, its metrics, and a body that is not too large."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from darkroom import metrics
from darkroom.errors import Problem, problem_response

log = structlog.get_logger("darkroom.http")

#: Probes and scrapes are not customers: they would hide in the rates what customers see.
UNCOUNTED = frozenset({"/health", "/ready", "/metrics"})

#: For so many seconds what is on its way is thrown away after a body was refused.
LINGER_S = 2.0

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")


class RequestId:
    """Takes the front door's X-Request-ID or makes one; every answer carries it back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        scope["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")


class Telemetry:
    """Counts, times and logs each request. An event stream's time is that to its first byte."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNCOUNTED:
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        duration: float | None = None
        status = 500
        source = None

        async def watch(message: Message) -> None:
            nonlocal duration, status, source
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                status = message["status"]
                source = headers.get("x-source")
                if headers.get("content-type", "").startswith("text/event-stream"):
                    duration = time.monotonic() - started
            await send(message)

        metrics.http_requests_in_flight.inc()
        try:
            await self._app(scope, receive, watch)
        finally:
            metrics.http_requests_in_flight.dec()
            if duration is None:
                duration = time.monotonic() - started
            route = getattr(scope.get("route"), "path", "unmatched")
            metrics.http_requests.labels(route, scope["method"], status).inc()
            metrics.http_request_duration.labels(route).observe(duration)
            log.info(
                "request",
                method=scope["method"],
                route=route,
                path=scope["path"],
                status=status,
                duration_ms=round(duration * 1000, 2),
                source=source,
                user_id=Headers(scope=scope).get("x-user-id"),
            )


class Unforeseen:
    """The last resort: a mistake of ours becomes a 500 with the request's id, and a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            log.exception("unforeseen error", path=scope["path"])
            answer = problem_response(
                500,
                "A mistake of ours; it has been logged under this request's id.",
                request_id=scope.get("request_id"),
            )
            await answer(scope, receive, send)


class BodyLimit:
    """Refuses bodies of more than `most` bytes with 413, as soon as that many have come.

    Whoever closes a connection on which something is still on its way resets it, and a client loses
    the answer that it was about to read. So what comes is thrown away for a moment before.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        came = 0
        refused = False

        async def count() -> Message:
            nonlocal came, refused
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._most or (announced.isdecimal() and int(announced) > self._most):
                refused = message.get("more_body", False)
                raise Problem(
                    413,
                    f"The body is larger than {self._most:,} bytes.",
                    # Nobody waits for all that is still on its way, so the connection is of no use.
                    headers={"Connection": "close"},
                )
            return message

        async def linger(message: Message) -> None:
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not (refused and last):
                await send(message)
                return
            await send({**message, "more_body": True})
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    while (await receive()).get("more_body", False):
                        pass
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, count, linger)
