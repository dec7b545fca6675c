"""The read path that every cached route takes: cache, then replica, then (once) primary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Response

from darkroom.answers import dumps
from darkroom.cache import Cached
from darkroom.services import Services

#: Tells where an answer is from: cache, replica or primary.
SOURCE_HEADER = "X-Source"


@dataclass(frozen=True, slots=True)
class Loaded:
    """An object fresh from a database: its JSON members, and whether others may see it cached."""

    body: dict[str, Any]
    server: str
    cacheable: bool = True


#: Loads the object; told whether the reader has just written it.
Load = Callable[[bool], Awaitable[Loaded]]


async def read(
    services: Services, cached: Cached, field: str, reader: int | None, load: Load
) -> Response:
    """The JSON answer for the variant `field` of `cached`; raises what `load` raises."""
    found = await services.cache.get(cached, field, reader)
    if found.body is not None:
        return _answer(found.body, "cache")
    loaded = await load(found.own_write)
    body = dumps(loaded.body)
    if loaded.cacheable:
        await services.cache.put(cached, field, body)
    return _answer(body, loaded.server)


def _answer(body: bytes, source: str) -> Response:
    return Response(body, media_type="application/json", headers={SOURCE_HEADER: source})
