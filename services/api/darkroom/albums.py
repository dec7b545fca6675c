"""Albums: the album itself and a page of its published photos."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from darkroom import schemas
from darkroom.cache import Cached
from darkroom.caller import INT_MAX, Reader
from darkroom.db import Query
from darkroom.errors import not_found
from darkroom.listing import listing
from darkroom.pages import Paged
from darkroom.reading import Loaded, read
from darkroom.services import ServicesDep

router = APIRouter(tags=["reading"])

ALBUM = Query("album", "SELECT id, user_id, title, created_at FROM albums WHERE id = $1")
ALBUM_PHOTOS = Query(
    "album_photos",
    """
    SELECT page.id, page.user_id, users.handle, page.title, page.status, page.width, page.height,
           page.likes, page.created_at
    FROM (
        SELECT id, user_id, title, status, width, height, likes, created_at
        FROM photos
        WHERE album_id = $1 AND status = 'ready' AND (created_at, id) < ($2, $3)
        ORDER BY created_at DESC, id DESC
        LIMIT $4
    ) AS page
    JOIN users ON users.id = page.user_id
    ORDER BY page.created_at DESC, page.id DESC
    """,
)


@router.get(
    "/api/albums/{album_id}",
    response_model=schemas.Album,
    responses=schemas.problems(400, 404, 422, 503),
    summary="An album and its photos, newest first",
)
async def album(
    services: ServicesDep,
    album_id: Annotated[int, Path(ge=1, le=INT_MAX, examples=[84])],
    reader: Reader,
    page: Paged,
) -> Response:
    async def load(own_write: bool) -> Loaded:
        head = await services.reads.rows(ALBUM, album_id, own_write=own_write)
        if not head.rows:
            raise not_found("album", album_id)
        answer = await services.reads.rows(
            ALBUM_PHOTOS, album_id, page.at, page.id, page.limit, own_write=own_write
        )
        return Loaded({**dict(head.rows[0]), **listing(answer.rows, page)}, answer.server)

    return await read(services, Cached("album", album_id), page.field, reader, load)
