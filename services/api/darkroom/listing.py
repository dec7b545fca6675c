"""Photos as lists show them: one shape for the feed, a user's photos and an album."""

from __future__ import annotations

from typing import Any

import asyncpg

from darkroom.db import as_dicts
from darkroom.pages import Page


def listing(rows: list[asyncpg.Record], page: Page) -> dict[str, Any]:
    """`items` and `next_cursor` for rows with the columns of `schemas.Item` but its thumb."""
    items = as_dicts(rows)
    cursor = page.next_cursor(items)
    for item in items:
        item["thumb"] = f"/media/{item['id']}/thumb.jpg"
    return {"items": items, "next_cursor": cursor}
