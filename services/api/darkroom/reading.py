"""The read path that every cached route takes: cache, then replica, then (once) primary."""

from __future__ import annotations

from fastapi import Response

from darkroom.cache import Cached, Lookup
from darkroom.loading import Load, Loaded
from darkroom.services import Services
from darkroom.tracing import CLIENT, span

__all__ = ["SOURCE_HEADER", "Load", "Loaded", "read"]

#: Tells where an answer is from: cache, stale (the cache, past its TTL), replica or primary.
SOURCE_HEADER = "X-Source"


async def read(
    services: Services, cached: Cached, field: str, reader: int | None, load: Load
) -> Response:
    """The JSON answer for the variant `field` of `cached`; raises what `load` raises."""
    with span("cache get", CLIENT, server__address="redis-cache", cache__object=cached.key) as step:
        found = await services.cache.get(cached, field, reader)
        step.set_attribute("cache.result", _said(found))
    if found.body is not None:
        if found.refresh:
            services.loading.refresh(cached, field, load, stale=found.stale)
        return _answer(found.body, "stale" if found.stale else "cache")
    filled = await services.loading.fill(cached, field, load, own_write=found.own_write)
    return _answer(filled.body, filled.source)


def _said(found: Lookup) -> str:
    if found.own_write:
        return "own write"
    return "miss" if found.body is None else "stale" if found.stale else "hit"


def _answer(body: bytes, source: str) -> Response:
    return Response(body, media_type="application/json", headers={SOURCE_HEADER: source})
