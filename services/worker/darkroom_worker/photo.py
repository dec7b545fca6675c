"""The photo that a task is about, and how its job begins."""

from __future__ import annotations

from dataclasses import dataclass

from darkroom_worker.db import Database, Query

#: Begins a run. No row: the job is over (a redelivery), or there is none.
BEGIN = Query(
    "job_begin",
    """
    WITH job AS (
        UPDATE jobs SET status = 'running', attempts = attempts + 1, updated_at = now()
        WHERE id = $1 AND status IN ('queued', 'running')
        RETURNING photo_id, attempts
    )
    SELECT photos.id, photos.user_id, photos.album_id, photos.checksum, job.attempts
    FROM job JOIN photos ON photos.id = job.photo_id
    """,
)


@dataclass(frozen=True, slots=True)
class Photo:
    """What the pipeline needs to know. `attempts` counts this run."""

    id: int
    user_id: int
    album_id: int | None
    checksum: str
    attempts: int


def begin(db: Database, job_id: str) -> Photo | None:
    """Marks the job as running; None when there is nothing left to do. DatabaseTrouble."""
    row = db.row(BEGIN, job_id)
    return None if row is None else Photo(**dict(row))
