"""The feed: the newest photos of the people whom the caller follows."""

from __future__ import annotations

from fastapi import APIRouter, Response

from darkroom import schemas
from darkroom.cache import Cached
from darkroom.caller import User
from darkroom.db import Query
from darkroom.listing import listing
from darkroom.pages import Paged
from darkroom.reading import Loaded, read
from darkroom.services import ServicesDep

router = APIRouter(tags=["reading"])

#: Per followed user the newest few from the index, then the newest of those: about ten short
#: index scans. Names are looked up for the page alone.
FEED = Query(
    "feed",
    """
    SELECT page.id, page.user_id, users.handle, page.title, page.status, page.width, page.height,
           page.likes, page.created_at
    FROM (
        SELECT recent.*
        FROM follows
        CROSS JOIN LATERAL (
            SELECT id, user_id, title, status, width, height, likes, created_at
            FROM photos
            WHERE user_id = follows.followee_id AND status = 'ready'
              AND (created_at, id) < ($2, $3)
            ORDER BY created_at DESC, id DESC
            LIMIT $4
        ) AS recent
        WHERE follows.follower_id = $1
        ORDER BY recent.created_at DESC, recent.id DESC
        LIMIT $4
    ) AS page
    JOIN users ON users.id = page.user_id
    ORDER BY page.created_at DESC, page.id DESC
    """,
)


@router.get(
    "/api/feed",
    response_model=schemas.Photos,
    responses=schemas.problems(400, 401, 422, 503),
    summary="The newest photos of those you follow",
)
async def feed(services: ServicesDep, user: User, page: Paged) -> Response:
    async def load(own_write: bool) -> Loaded:
        answer = await services.reads.rows(
            FEED, user, page.at, page.id, page.limit, own_write=own_write
        )
        return Loaded(listing(answer.rows, page), answer.server)

    return await read(services, Cached("feed", user), page.field, user, load)
