"""Pages of photos, newest first, by keyset: a cursor names the last photo that was seen."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Query

from darkroom.errors import Problem

MOST = 100
DEFAULT = 20

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMAT = struct.Struct(">qq")
#: Later than any photo: the first page begins after it.
_TOP = (datetime(9999, 1, 1, tzinfo=UTC), 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that is asked for: at most `limit` photos older than (`at`, `id`)."""

    limit: int
    at: datetime
    id: int

    @property
    def field(self) -> str:
        """Tells this page from the object's other pages in the cache."""
        return f"{self.limit}:{encode(self.at, self.id)}"

    def next_cursor(self, rows: list[dict[str, Any]]) -> str | None:
        """The cursor after `rows` (with created_at and id), or None at the end of the list."""
        if len(rows) < self.limit:
            return None
        return encode(rows[-1]["created_at"], rows[-1]["id"])


def encode(at: datetime, identifier: int) -> str:
    """An opaque, URL-safe cursor."""
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(_FORMAT.pack(micros, identifier)).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, int]:
    """The position that `cursor` names; raises Problem (400) for what `encode` never made."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True)
        micros, identifier = _FORMAT.unpack(packed)
        at = _EPOCH + timedelta(microseconds=micros)
        if identifier <= 0 or at > _TOP[0] or encode(at, identifier) != cursor:
            raise ValueError("out of range")
    except (binascii.Error, struct.error, ValueError, OverflowError) as error:
        raise Problem(400, "The cursor is none of ours; take it from next_cursor.") from error
    return at, identifier


async def _page(
    limit: Annotated[int, Query(ge=1, le=MOST, description="Photos on the page.")] = DEFAULT,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> Page:
    at, identifier = decode(cursor) if cursor is not None else _TOP
    return Page(limit, at, identifier)


Paged = Annotated[Page, Depends(_page)]
