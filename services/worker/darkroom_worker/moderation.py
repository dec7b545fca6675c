"""May this photo be published? Judged by its bytes and by what its owner did lately."""

from __future__ import annotations

from darkroom_worker.db import Database, Query
from darkroom_worker.photo import Photo

#: The same bytes were refused before.
KNOWN_BAD = Query(
    "moderation_checksum",
    "SELECT EXISTS (SELECT FROM photos WHERE checksum = $1 AND status = 'rejected') AS known_bad",
)
TODAY = Query(
    "moderation_today",
    """
    SELECT count(*) AS uploads FROM photos
    WHERE user_id = $1 AND created_at > now() - interval '1 day'
    """,
)
LATEST = Query(
    "moderation_latest",
    """
    SELECT id, checksum FROM photos WHERE user_id = $1
    ORDER BY created_at DESC, id DESC LIMIT 20
    """,
)

MOST_A_DAY = 5_000
#: Of one's 20 latest photos this many with the same bytes are a flood.
FLOOD = 15


def refusal(db: Database, photo: Photo) -> str | None:
    """Why `photo` may not be published, or None when it may; raises DatabaseTrouble."""
    known = db.row(KNOWN_BAD, photo.checksum)
    if known is not None and known["known_bad"]:
        return "the same picture was refused before"
    today = db.row(TODAY, photo.user_id)
    if today is not None and today["uploads"] > MOST_A_DAY:
        return f"more than {MOST_A_DAY:,} uploads within a day"
    latest = db.rows(LATEST, photo.user_id)
    if sum(row["checksum"] == photo.checksum for row in latest) >= FLOOD:
        return "the same picture over and over"
    return None
