"""Accepting an upload: photo, job and idempotency key in one transaction, exactly once.

A key belongs to its user and to one body (by fingerprint). Of several requests with one key, also
at the same time, one inserts the row and the others wait at the unique index for its outcome.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from uuid import UUID, uuid4

from darkroom.db import Connection, Database, Query
from darkroom.errors import Problem, unavailable
from darkroom.originals import Originals, Staged
from darkroom.picture import Picture

CLAIM = Query(
    "upload_claim",
    """
    INSERT INTO idempotency_keys (user_id, key, fingerprint) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING RETURNING key
    """,
)
EARLIER = Query(
    "upload_earlier",
    """
    SELECT idempotency_keys.fingerprint, idempotency_keys.photo_id, jobs.id AS job_id
    FROM idempotency_keys JOIN jobs USING (photo_id)
    WHERE idempotency_keys.user_id = $1 AND idempotency_keys.key = $2
    """,
)
PERMIT = Query(
    "upload_permit",
    """
    SELECT EXISTS (SELECT FROM users WHERE id = $1) AS user_known,
           $2::int IS NULL OR EXISTS (SELECT FROM albums WHERE id = $2 AND user_id = $1)
           AS album_own
    """,
)
ACCEPT = Query(
    "upload_accept",
    """
    WITH photo AS (
        INSERT INTO photos (user_id, album_id, title, status, width, height, bytes, checksum)
        VALUES ($1, $2, $3, 'processing', $4, $5, $6, $7)
        RETURNING id
    ), job AS (
        INSERT INTO jobs (id, photo_id, request_id) SELECT $8, id, $9 FROM photo
    )
    UPDATE idempotency_keys SET photo_id = photo.id FROM photo
    WHERE idempotency_keys.user_id = $1 AND key = $10
    RETURNING photo.id AS photo_id
    """,
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A checked upload, its file staged."""

    user_id: int
    key: str
    title: str
    album_id: int | None
    picture: Picture
    staged: Staged
    request_id: str

    @property
    def fingerprint(self) -> str:
        """Equal for equal bodies, hex."""
        parts = (self.staged.checksum, self.title, str(self.album_id))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Whose job it became; `repeated` when an earlier request with the same key did it."""

    photo_id: int
    job_id: UUID
    repeated: bool


async def accept(primary: Database, originals: Originals, upload: Upload) -> Acceptance:
    """Makes `upload` durable, or finds that it is.

    Raises Problem: 401 (no such user), 422 (not the user's album; key used for another body), 503
    (the file could not be kept); and DatabaseTrouble, after which a repeat with the same key is
    safe. An original whose transaction fails at its very end stays on disk without a row: whether
    such a commit happened is not always known, and a row without its file would be worse.
    """
    async with primary.connection() as connection, connection.transaction():
        claimed = await connection.row(CLAIM, upload.user_id, upload.key, upload.fingerprint)
        if claimed is None:
            return await _earlier(connection, upload)
        permit = await connection.row(PERMIT, upload.user_id, upload.album_id)
        assert permit is not None
        if not permit["user_known"]:
            raise Problem(401, f"There is no user {upload.user_id}.")
        if not permit["album_own"]:
            raise Problem(422, f"Album {upload.album_id} is none of yours.")
        job_id = uuid4()
        row = await connection.row(
            ACCEPT, upload.user_id, upload.album_id, upload.title, upload.picture.width,
            upload.picture.height, upload.staged.bytes, upload.staged.checksum, job_id,
            upload.request_id, upload.key,
        )  # fmt: skip
        assert row is not None
        photo_id: int = row["photo_id"]
        try:
            await asyncio.to_thread(originals.keep, upload.staged, photo_id)
        except OSError as error:
            raise unavailable(f"The photo could not be stored: {error.strerror}.") from error
    return Acceptance(photo_id, job_id, repeated=False)


async def _earlier(connection: Connection, upload: Upload) -> Acceptance:
    row = await connection.row(EARLIER, upload.user_id, upload.key)
    assert row is not None, "a key is committed together with its job"
    if row["fingerprint"] != upload.fingerprint:
        raise Problem(422, "This Idempotency-Key was used for another upload.")
    return Acceptance(row["photo_id"], row["job_id"], repeated=True)
