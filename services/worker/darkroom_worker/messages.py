"""What an entry of the queue says, which may be anything: the broker takes whatever it is given."""

from __future__ import annotations

import base64
import math
import time
from typing import Any

import orjson

#: How far two machines' clocks may be apart; seconds.
_AHEAD = 3600.0
#: What is wrong with an entry shows as one of these.
_WRONG = (KeyError, IndexError, TypeError, ValueError, AttributeError)


def is_task(entry: bytes) -> bool:
    """Whether Celery can take it: a message with a body, and what a delivery needs to be known."""
    try:
        message = orjson.loads(entry)
        _args, kwargs, _embed = _body(message)
        headers, properties = message["headers"], message["properties"]
        return (
            isinstance(kwargs, dict)
            and isinstance(kwargs["photo_id"], int)
            and isinstance(headers["task"], str)
            and headers["id"] == kwargs["job_id"]
            and isinstance(properties["delivery_tag"], str)
            and isinstance(properties["delivery_info"], dict)
        )
    except _WRONG:
        return False


def enqueued_at(entry: bytes, *, taken: bool = False) -> float | None:
    """When the API sent it (Unix time); None for what is no message of ours.

    One that a worker has `taken` is kept as a list, of which it is the first.
    """
    try:
        message = orjson.loads(entry)
        _args, kwargs, _embed = _body(message[0] if taken else message)
        at = float(kwargs["enqueued_at"])
    except _WRONG:
        return None
    # No clock says so, and no oldest task may be younger than all.
    return at if math.isfinite(at) and 0 < at < time.time() + _AHEAD else None


def _body(message: dict[str, Any]) -> Any:
    return orjson.loads(base64.b64decode(message["body"]))
