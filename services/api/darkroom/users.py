"""Users: the profile, and a user's photos."""

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

USER = Query(
    "user",
    """
    SELECT id, handle, name, created_at,
           (SELECT count(*) FROM follows WHERE follower_id = users.id) AS following
    FROM users WHERE id = $1
    """,
)
#: $5: the owner is asking, who also sees what is not published (yet).
USER_PHOTOS = Query(
    "user_photos",
    """
    SELECT page.id, page.user_id, users.handle, page.title, page.status, page.width, page.height,
           page.likes, page.created_at
    FROM (
        SELECT id, user_id, title, status, width, height, likes, created_at
        FROM photos
        WHERE user_id = $1 AND (created_at, id) < ($2, $3) AND (status = 'ready' OR $5::boolean)
        ORDER BY created_at DESC, id DESC
        LIMIT $4
    ) AS page
    JOIN users ON users.id = page.user_id
    ORDER BY page.created_at DESC, page.id DESC
    """,
)

UserId = Annotated[int, Path(ge=1, le=INT_MAX, examples=[42])]


@router.get(
    "/api/users/{user_id}",
    response_model=schemas.User,
    responses=schemas.problems(404, 422, 503),
    summary="A user's profile",
)
async def user(services: ServicesDep, user_id: UserId, reader: Reader) -> Response:
    async def load(own_write: bool) -> Loaded:
        answer = await services.reads.rows(USER, user_id, own_write=own_write)
        if not answer.rows:
            raise not_found("user", user_id)
        return Loaded(dict(answer.rows[0]), answer.server)

    return await read(services, Cached("user", user_id), "-", reader, load)


@router.get(
    "/api/users/{user_id}/photos",
    response_model=schemas.Photos,
    responses=schemas.problems(400, 422, 503),
    summary="A user's photos, newest first",
    description="The owner also sees photos that are still processing, or were refused. "
    "Nobody's photos are an empty list.",
)
async def user_photos(
    services: ServicesDep, user_id: UserId, reader: Reader, page: Paged
) -> Response:
    own = reader == user_id

    async def load(own_write: bool) -> Loaded:
        answer = await services.reads.rows(
            USER_PHOTOS, user_id, page.at, page.id, page.limit, own, own_write=own_write
        )
        return Loaded(listing(answer.rows, page), answer.server)

    field = f"{'own' if own else 'public'}:{page.field}"
    return await read(services, Cached("user_photos", user_id), field, reader, load)
