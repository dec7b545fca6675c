"""The circle of a user: what those who follow them have made of late, best liked among them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from darkroom import schemas
from darkroom.cache import Cached
from darkroom.caller import INT_MAX, Reader
from darkroom.db import Query, as_dicts
from darkroom.reading import Loaded, read
from darkroom.services import ServicesDep

router = APIRouter(tags=["reading"])

#: Photos on the page, and how many of each follower's newest are considered.
SIZE = 24
OF_EACH = 30

#: One short index scan for each follower and one for each of their photos: cheap for most people,
#: and dear for those whom hundreds follow, whose circles are also what many ask for.
CIRCLE = Query(
    "circle",
    """
    SELECT page.id, page.user_id, users.handle, page.title, page.status, page.width, page.height,
           page.likes, page.created_at
    FROM (
        SELECT recent.*,
               (SELECT count(*) FROM likes JOIN follows AS fan
                    ON fan.follower_id = likes.user_id AND fan.followee_id = $1
                WHERE likes.photo_id = recent.id) AS among_them
        FROM follows
        CROSS JOIN LATERAL (
            SELECT id, user_id, title, status, width, height, likes, created_at
            FROM photos
            WHERE user_id = follows.follower_id AND status = 'ready'
            ORDER BY created_at DESC, id DESC
            LIMIT $2
        ) AS recent
        WHERE follows.followee_id = $1
        ORDER BY among_them DESC, recent.likes DESC, recent.id DESC
        LIMIT $3
    ) AS page
    JOIN users ON users.id = page.user_id
    ORDER BY page.among_them DESC, page.likes DESC, page.id DESC
    """,
)


@router.get(
    "/api/users/{user_id}/circle",
    response_model=schemas.Photos,
    responses=schemas.problems(422, 503),
    summary="What a user's followers have made of late, best liked among them",
)
async def circle(
    services: ServicesDep,
    user_id: Annotated[int, Path(ge=1, le=INT_MAX, examples=[1])],
    reader: Reader,
) -> Response:
    async def load(own_write: bool) -> Loaded:
        answer = await services.reads.rows(CIRCLE, user_id, OF_EACH, SIZE, own_write=own_write)
        items: list[dict[str, Any]] = as_dicts(answer.rows)
        for item in items:
            item["thumb"] = f"/media/{item['id']}/thumb.jpg"
        return Loaded({"items": items, "next_cursor": None}, answer.server)

    return await read(services, Cached("circle", user_id), "-", reader, load)
