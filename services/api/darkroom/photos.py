"""One photo, and liking it."""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import APIRouter, Path, Response

from darkroom import schemas
from darkroom.answers import answer
from darkroom.cache import Cached
from darkroom.caller import BIGINT_MAX, Reader, User
from darkroom.db import Query
from darkroom.errors import Problem, not_found
from darkroom.reading import SOURCE_HEADER, Loaded, read
from darkroom.services import Services, ServicesDep
from darkroom.tracing import CLIENT, span

router = APIRouter()

#: What the worker publishes of each photo, by file name.
FILES = ("1600", "1080", "720", "480", "240", "thumb")

PHOTO = Query(
    "photo",
    """
    SELECT photos.id, photos.user_id, users.handle, photos.album_id, photos.title, photos.status,
           photos.width, photos.height, photos.likes, photos.created_at, photos.published_at
    FROM photos JOIN users ON users.id = photos.user_id
    WHERE photos.id = $1
    """,
)
#: The row and the counter in one statement. A like that exists changes nothing.
LIKE = Query(
    "like",
    """
    WITH liked AS (
        INSERT INTO likes (photo_id, user_id)
        SELECT id, $2 FROM photos WHERE id = $1 AND status = 'ready'
        ON CONFLICT DO NOTHING
        RETURNING photo_id
    )
    UPDATE photos SET likes = likes + 1 FROM liked WHERE photos.id = liked.photo_id
    RETURNING photos.likes
    """,
)
LIKES = Query("likes", "SELECT likes FROM photos WHERE id = $1 AND status = 'ready'")

PhotoId = Annotated[int, Path(ge=1, le=BIGINT_MAX, examples=[999_999])]


@router.get(
    "/api/photos/{photo_id}",
    tags=["reading"],
    response_model=schemas.Photo,
    responses=schemas.problems(404, 422, 503),
    summary="A photo",
    description="Only its owner sees a photo that is not published. The `download` of a published "
    "one is signed for this viewer, by a third party, each time.",
)
async def photo(services: ServicesDep, photo_id: PhotoId, reader: Reader) -> Response:
    async def load(own_write: bool) -> Loaded:
        found = await services.reads.rows(PHOTO, photo_id, own_write=own_write)
        row = found.rows[0] if found.rows else None
        published = row is not None and row["status"] == "ready"
        if row is None or not (published or row["user_id"] == reader):
            raise not_found("photo", photo_id)
        files = {name: f"/media/{photo_id}/{name}.jpg" for name in FILES} if published else {}
        return Loaded({**dict(row), "files": files}, found.server, cacheable=published)

    page = await read(services, Cached("photo", photo_id), "-", reader, load)
    return await _with_download(services, page, reader)


async def _with_download(services: Services, page: Response, reader: int | None) -> Response:
    """The page with leave to download the photo; signed for this reader, so never cached."""
    shown: dict[str, Any] = orjson.loads(page.body)
    path = shown["files"].get(FILES[0])
    shown["download"] = None
    if path is not None:
        leave = await services.partner.sign(path, reader)
        url = f"{path}?expires={leave.expires}&signature={leave.text}"
        shown["download"] = {"url": url, "expires": leave.expires}
    return answer(shown, headers={SOURCE_HEADER: page.headers[SOURCE_HEADER]})


@router.put(
    "/api/photos/{photo_id}/like",
    tags=["writing"],
    response_model=schemas.Liked,
    responses=schemas.problems(400, 401, 404, 422, 503),
    summary="Like a photo",
    description="Liking twice is liking once.",
)
async def like(
    services: ServicesDep,
    photo_id: PhotoId,
    user: User,
    body: schemas.LikeBody | None = None,  # noqa: ARG001  # checked, and says nothing new
) -> Response:
    async with services.primary.connection() as connection:
        try:
            row = await connection.row(LIKE, photo_id, user)
        except asyncpg.ForeignKeyViolationError as error:
            raise Problem(401, f"There is no user {user}.") from error
        row = row or await connection.row(LIKES, photo_id)
    if row is None:
        raise not_found("photo", photo_id)
    with span("cache forget", CLIENT, server__address="redis-cache"):
        await services.cache.wrote(user, Cached("photo", photo_id))
    return answer({"photo_id": photo_id, "liked": True, "likes": row["likes"]})
