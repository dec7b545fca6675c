"""The application: its routes, and what is around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from darkroom import albums, circle, errors, feed, health, jobs, photos, tracing, uploads, users
from darkroom.rate_limit import RateLimit
from darkroom.services import Services
from darkroom.telemetry import BodyLimit, Telemetry, Unforeseen

_PARTS = (feed, users, circle, albums, photos, uploads, jobs, health)
#: Multipart boundaries, part headers and the other fields, on top of the file itself.
_MULTIPART_ALLOWANCE = 64 * 1024


def create_app(services: Services) -> FastAPI:
    """Darkroom on `services`, which are opened at start and closed at the end."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await services.open()
        try:
            yield
        finally:
            await services.close()

    app = FastAPI(
        title="Darkroom",
        version="1.0",
        description="A small photo-sharing service. Who is asking says the header X-User-Id, as an "
        "authenticating gateway would set it. Errors are application/problem+json; 429 and 503 say "
        "in Retry-After when to come again.",
        lifespan=lifespan,
        # Their pages come from somebody else's servers, which a stack without internet never sees.
        docs_url=None,
        redoc_url=None,
        telemetry=tracing.of_requests(services.config),
    )
    app.state.services = services
    for part in _PARTS:
        app.include_router(part.router)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)
    errors.install(app)
    # The last one added is the outermost.
    limit = services.config.upload_max_bytes + _MULTIPART_ALLOWANCE
    app.add_middleware(BodyLimit, most=limit)
    app.add_middleware(Unforeseen)
    routes = [route for part in _PARTS for route in part.router.routes]
    app.add_middleware(RateLimit, flags=services.flags, routes=routes)
    if services.config.telemetry_enabled:
        app.add_middleware(Telemetry)
    return app


async def _metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
