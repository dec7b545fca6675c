"""How a job ends: photo, job and the owner's notification in one statement, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from darkroom_worker.db import Database, Query
from darkroom_worker.renditions import Size

#: Only a photo still in processing gets an outcome, so a second run changes and notifies nothing.
FINISH = Query(
    "job_finish",
    """
    WITH photo AS (
        UPDATE photos
        SET status = $2, width = coalesce($5, width), height = coalesce($6, height),
            published_at = CASE WHEN $2 = 'ready' THEN now() END
        WHERE id = $1 AND status = 'processing'
        RETURNING id, user_id
    ), job AS (
        UPDATE jobs SET status = $3, error = $4, updated_at = now()
        WHERE photo_id = $1 AND status IN ('queued', 'running')
    )
    INSERT INTO notifications (user_id, photo_id, kind) SELECT user_id, id, $7 FROM photo
    ON CONFLICT DO NOTHING
    """,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The photo's final status, and why where it was not published."""

    status: Literal["ready", "rejected", "failed"]
    reason: str | None = None
    size: Size | None = None


_KINDS = {"ready": "published", "rejected": "rejected", "failed": "failed"}


def finish(db: Database, photo_id: int, outcome: Outcome) -> None:
    """Records `outcome`; repeating it does nothing. Raises DatabaseTrouble."""
    db.rows(
        FINISH,
        photo_id,
        outcome.status,
        "failed" if outcome.status == "failed" else "done",
        outcome.reason,
        outcome.size.width if outcome.size else None,
        outcome.size.height if outcome.size else None,
        _KINDS[outcome.status],
    )
