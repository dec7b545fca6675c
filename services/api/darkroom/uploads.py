"""POST /api/photos: check, stage, accept, tell the worker, answer 202."""

from __future__ import annotations

import asyncio
import unicodedata
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, File, Form, Header, Request, Response, UploadFile

from darkroom import picture, schemas
from darkroom.acceptance import Upload, accept
from darkroom.answers import answer
from darkroom.broker import Task
from darkroom.cache import Cached
from darkroom.caller import INT_MAX, User
from darkroom.errors import Problem, unavailable
from darkroom.originals import Staged
from darkroom.services import Services, ServicesDep
from darkroom.tracing import CLIENT, span

router = APIRouter(tags=["writing"])
log = structlog.get_logger("darkroom.uploads")

_EXAMPLE_KEY = "5f0c1d1e-8f0e-4c9b-9c55-0f3f7a9b6c11"


async def _multipart(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Problem(415, f"Send multipart/form-data with a file field image, not {kind or '?'}.")


@router.post(
    "/api/photos",
    status_code=202,
    response_model=schemas.Accepted,
    responses=schemas.problems(400, 401, 413, 415, 422, 503),
    dependencies=[Depends(_multipart)],
    summary="Upload a photo",
    description="Answered as soon as the photo is safe; its job says when it is published. "
    "The same Idempotency-Key with the same body gives the same answer and no second photo.",
)
async def upload_photo(
    request: Request,
    services: ServicesDep,
    user: User,
    idempotency_key: Annotated[
        str,
        Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,128}$", examples=[_EXAMPLE_KEY]),
    ],
    image: Annotated[UploadFile, File(description=picture.TAKEN)],
    title: Annotated[str, Form(min_length=1, max_length=200, examples=["Harbour"])],
    album_id: Annotated[int | None, Form(ge=1, le=INT_MAX, examples=[84])] = None,
) -> Response:
    _check_title(title)
    with span("look at the picture"):
        judged = await _judge(image)
    with span("store the original"):
        staged = await _stage(services, image)
    try:
        upload = Upload(
            user_id=user,
            key=idempotency_key,
            title=title,
            album_id=album_id,
            picture=judged,
            staged=staged,
            request_id=request.scope["request_id"],
        )
        acceptance = await accept(services.primary, services.originals, upload)
    finally:
        await asyncio.to_thread(staged.discard)
    photo_id, job_id = acceptance.photo_id, acceptance.job_id
    if not acceptance.repeated:
        touched = [Cached("photo", photo_id), Cached("user_photos", user)]
        if album_id is not None:
            touched.append(Cached("album", album_id))
        with span("cache forget", CLIENT, server__address="redis-cache"):
            await services.cache.wrote(user, *touched)
        await services.broker.publish(Task(photo_id, job_id, upload.request_id))
        log.info("upload accepted", photo_id=photo_id, job_id=str(job_id), bytes=staged.bytes)
    job_url = f"/api/jobs/{job_id}"
    body = {"photo_id": photo_id, "job_id": job_id, "status": "queued", "job_url": job_url}
    return answer(body, 202, {"Location": job_url})


def _check_title(title: str) -> None:
    # Postgres stores no NUL, and nobody has a use for the others in a title.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in title):
        raise Problem(422, "The title has control characters.")
    if not title.strip():
        raise Problem(422, "The title is blank.")


async def _judge(image: UploadFile) -> picture.Picture:
    try:
        return await asyncio.to_thread(picture.judge, image.file)
    except picture.NotAPicture as error:
        raise Problem(415, f"The file is not an image that we take: {error}.") from error
    except picture.TooLarge as error:
        raise Problem(422, f"The image is too large to decode: {error}.") from error
    except OSError as error:
        raise unavailable(f"The photo could not be read: {error.strerror}.") from error


async def _stage(services: Services, image: UploadFile) -> Staged:
    try:
        return await asyncio.to_thread(services.originals.stage, image.file)
    except OSError as error:
        raise unavailable(f"The photo could not be stored: {error.strerror}.") from error
