"""An upload's job: ask for it, or be told when it changes.

Jobs are read on the primary: whoever asks for one has just made it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from darkroom import schemas
from darkroom.answers import answer, dumps
from darkroom.caller import Reader
from darkroom.db import DatabaseTrouble, Query
from darkroom.errors import REFUSED_HEADER, RETRY_AFTER, Problem, not_found
from darkroom.places import Crowded, Places
from darkroom.reading import SOURCE_HEADER
from darkroom.services import Services, ServicesDep

router = APIRouter(tags=["jobs"])

JOB = Query(
    "job",
    """
    SELECT jobs.id AS job_id, jobs.photo_id, jobs.status, photos.status AS photo_status,
           jobs.attempts, jobs.error, jobs.created_at, jobs.updated_at
    FROM jobs JOIN photos ON photos.id = jobs.photo_id
    WHERE jobs.id = $1
    """,
)

_ENDED = ("done", "failed")
#: A stream looks this often (seconds), for this long; then the client connects again.
_POLL_SECONDS = 0.5
_STREAM_SECONDS = 60.0
#: Streams at a time per replica, as each costs two statements a second; of one job, and for one
#: user (whoever does not say who they are is one): nobody has all of them.
_STREAMS = 50
_SHARES = {"job": 5, "user": 10}

_places = Places(_STREAMS, _SHARES)

JobId = Annotated[UUID, Path(examples=["0b7f3c9e-5d43-4d7e-9a53-1a4f6e0f9b11"])]


async def _find(services: Services, job_id: UUID) -> dict[str, Any]:
    found = await services.reads.rows(JOB, job_id, own_write=True)
    if not found.rows:
        raise not_found("job", job_id)
    return dict(found.rows[0])


@router.get(
    "/api/jobs/{job_id}",
    response_model=schemas.Job,
    responses=schemas.problems(404, 422, 503),
    summary="How far an upload is",
)
async def job(services: ServicesDep, job_id: JobId) -> Response:
    return answer(await _find(services, job_id), headers={SOURCE_HEADER: "primary"})


async def _known_job(
    services: ServicesDep, job_id: JobId, reader: Reader
) -> AsyncIterator[dict[str, Any]]:
    """The job, and a place among the streams for as long as the answer lasts."""
    with ExitStack() as until_end:
        try:
            until_end.enter_context(_places.one(job=str(job_id), user=str(reader)))
        except Crowded as crowded:
            raise _no_place(crowded) from crowded
        yield await _find(services, job_id)


def _no_place(crowded: Crowded) -> Problem:
    """429 where it is the caller's own doing, 503 where others have all places: nothing to count
    against this replica in either case."""
    whose = f" for this {crowded.whose}" if crowded.whose else ""
    return Problem(
        429 if crowded.whose else 503,
        f"There are {crowded.most} streams{whose} already; poll the job instead.",
        headers={"Retry-After": str(RETRY_AFTER), REFUSED_HEADER: "streams"},
        limit=crowded.whose or "replica",
    )


@router.get(
    "/api/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "An event `status` now and at each change, its data as of GET "
            "/api/jobs/{job_id}; the stream ends with the job, or after a minute. "
            f"At most {_SHARES['job']} of a job and {_SHARES['user']} of a user at a time.",
            "content": {
                "text/event-stream": {
                    "example": 'event: status\ndata: {"status":"done","photo_id":1000001}\n\n'
                }
            },
        },
        **schemas.problems(404, 422, 429, 503),
    },
    summary="Be told how far an upload is",
)
async def job_events(
    services: ServicesDep, job_id: JobId, known: Annotated[dict[str, Any], Depends(_known_job)]
) -> AsyncIterator[ServerSentEvent]:
    ends = time.monotonic() + _STREAM_SECONDS
    seen = None
    now = known
    while True:
        if now != seen:
            seen = now
            data = dumps(now).decode()
            yield ServerSentEvent(event="status", raw_data=data, retry=1000)
        if now["status"] in _ENDED or time.monotonic() > ends or services.stopping.is_set():
            return
        await asyncio.sleep(_POLL_SECONDS)
        try:
            now = await _find(services, job_id)
        except DatabaseTrouble:
            yield ServerSentEvent(comment="the database does not answer")
