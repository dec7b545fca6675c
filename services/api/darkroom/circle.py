"""The circle of a user: what those who follow them have made of late, ranked by the partner."""

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

#: Photos on the page; how many followers are considered, and how many of each one's newest.
SIZE = 24
FOLLOWERS = 60
OF_EACH = 3

#: One short index scan for each follower. It is the ranking that is dear.
CIRCLE = Query(
    "circle",
    """
    SELECT recent.id, recent.user_id, users.handle, recent.title, recent.status, recent.width,
           recent.height, recent.likes, recent.created_at
    FROM (SELECT follower_id FROM follows WHERE followee_id = $1 LIMIT $2) AS fans
    CROSS JOIN LATERAL (
        SELECT id, user_id, title, status, width, height, likes, created_at
        FROM photos
        WHERE user_id = fans.follower_id AND status = 'ready'
        ORDER BY created_at DESC, id DESC
        LIMIT $3
    ) AS recent
    JOIN users ON users.id = recent.user_id
    """,
)


@router.get(
    "/api/users/{user_id}/circle",
    response_model=schemas.Photos,
    responses=schemas.problems(422, 503),
    summary="What a user's followers have made of late, best liked first",
)
async def circle(
    services: ServicesDep,
    user_id: Annotated[int, Path(ge=1, le=INT_MAX, examples=[1])],
    reader: Reader,
) -> Response:
    async def load(own_write: bool) -> Loaded:
        found = await services.reads.rows(CIRCLE, user_id, FOLLOWERS, OF_EACH, own_write=own_write)
        photos: dict[int, dict[str, Any]] = {one["id"]: one for one in as_dicts(found.rows)}
        # Nothing to rank where nobody follows.
        likes = [(one["id"], one["likes"]) for one in photos.values()]
        order = await services.partner.rank(likes) if likes else []
        items = [photos[one] for one in order[:SIZE]]
        for item in items:
            item["thumb"] = f"/media/{item['id']}/thumb.jpg"
        return Loaded({"items": items, "next_cursor": None}, found.server)

    return await read(services, Cached("circle", user_id), "-", reader, load)
