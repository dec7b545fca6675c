"""JSON answers, made here so that every route writes times, ids and errors alike."""

from __future__ import annotations

import orjson
from fastapi import Response


def dumps(value: object) -> bytes:
    """JSON; what orjson does not know (the database driver's own UUID) as text."""
    return orjson.dumps(value, default=str)


def answer(
    value: object,
    status: int = 200,
    headers: dict[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """`value` as the body of an answer."""
    return Response(dumps(value), status, headers, media_type=media_type)
