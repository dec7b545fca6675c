"""The shapes of answers, with examples: what /openapi.json tells. Handlers send ready-made JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

_AT = "2026-10-01T00:00:00Z"
_ITEM: dict[str, Any] = {
    "id": 999_999,
    "user_id": 42,
    "handle": "chidi42",
    "title": "Harbour 3",
    "status": "ready",
    "width": 4032,
    "height": 3024,
    "likes": 2,
    "created_at": _AT,
    "thumb": "/media/999999/thumb.jpg",
}
_CURSOR = "AAZSvhWwAAAAAAAAAA9CQA"
_JOB_ID = "0b7f3c9e-5d43-4d7e-9a53-1a4f6e0f9b11"

Status = Literal["processing", "ready", "rejected", "failed"]
JobStatus = Literal["queued", "running", "done", "failed"]


class _Shape(BaseModel):
    @classmethod
    def like(cls, example: dict[str, Any]) -> ConfigDict:
        return ConfigDict(json_schema_extra={"examples": [example]})


class Problem(BaseModel):
    """An error, RFC 9457."""

    model_config = _Shape.like(
        {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "There is no photo 12.",
            "request_id": "8c1f0b6f2d9a4c0d8a53f1f4b7a9e2c1",
        }
    )

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None


class Item(BaseModel):
    """A photo in a list."""

    model_config = _Shape.like(_ITEM)

    id: int
    user_id: int
    handle: str
    title: str
    status: Status
    width: int
    height: int
    likes: int = Field(description="May be as old as the cached list (30 s).")
    created_at: datetime
    thumb: str


class Photos(BaseModel):
    """A page of photos, newest first."""

    model_config = _Shape.like({"items": [_ITEM], "next_cursor": _CURSOR})

    items: list[Item]
    next_cursor: str | None = Field(description="Null at the end of the list.")


class Download(BaseModel):
    """Leave to download the largest size of a photo, until `expires` (Unix seconds)."""

    url: str
    expires: int


class Photo(BaseModel):
    """One photo, with the address of each published size."""

    model_config = _Shape.like(
        {
            **{name: value for name, value in _ITEM.items() if name != "thumb"},
            "album_id": 84,
            "published_at": _AT,
            "files": {
                name: f"/media/999999/{name}.jpg"
                for name in ("1600", "1080", "720", "480", "240", "thumb")
            },
            "download": {
                "url": "/media/999999/1600.jpg?expires=1790812800&signature=5f0c8e",
                "expires": 1_790_812_800,
            },
        }
    )

    id: int
    user_id: int
    handle: str
    album_id: int | None
    title: str
    status: Status
    width: int
    height: int
    likes: int
    created_at: datetime
    published_at: datetime | None
    files: dict[str, str]
    download: Download | None


class User(BaseModel):
    """Somebody's public profile."""

    model_config = _Shape.like(
        {"id": 42, "handle": "chidi42", "name": "Chidi Garcia", "created_at": _AT, "following": 11}
    )

    id: int
    handle: str
    name: str
    created_at: datetime
    following: int


class Album(BaseModel):
    """An album and a page of its photos."""

    model_config = _Shape.like(
        {
            "id": 84,
            "user_id": 42,
            "title": "Street",
            "created_at": _AT,
            "items": [_ITEM],
            "next_cursor": None,
        }
    )

    id: int
    user_id: int
    title: str
    created_at: datetime
    items: list[Item]
    next_cursor: str | None


class Accepted(BaseModel):
    """An upload that is safe with us; its processing goes on."""

    model_config = _Shape.like(
        {
            "photo_id": 1_000_001,
            "job_id": _JOB_ID,
            "status": "queued",
            "job_url": f"/api/jobs/{_JOB_ID}",
        }
    )

    photo_id: int
    job_id: UUID
    status: Literal["queued"]
    job_url: str


class LikeBody(BaseModel):
    """Optional: says what PUT means anyway."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"liked": True}]})

    liked: Literal[True] = True


class Liked(BaseModel):
    """The like is there, whether or not it was before."""

    model_config = _Shape.like({"photo_id": 999_999, "liked": True, "likes": 3})

    photo_id: int
    liked: Literal[True]
    likes: int


class Job(BaseModel):
    """How far an upload's processing is."""

    model_config = _Shape.like(
        {
            "job_id": _JOB_ID,
            "photo_id": 1_000_001,
            "status": "done",
            "photo_status": "ready",
            "attempts": 1,
            "error": None,
            "created_at": _AT,
            "updated_at": _AT,
        }
    )

    job_id: UUID
    photo_id: int
    status: JobStatus
    photo_status: Status
    attempts: int
    error: str | None
    created_at: datetime
    updated_at: datetime


class Check(BaseModel):
    """One readiness check; `ms` is how long it took."""

    ok: bool
    ms: float
    detail: str | None = None


class Ready(BaseModel):
    """This replica can serve. A failed check that it can live without makes it degraded."""

    model_config = _Shape.like(
        {
            "status": "ready",
            "checks": {
                "primary": {"ok": True, "ms": 1.2, "detail": None},
                "replica": {"ok": True, "ms": 1.1, "detail": None},
                "cache": {"ok": True, "ms": 0.4, "detail": None},
            },
        }
    )

    status: Literal["ready", "degraded"]
    checks: dict[str, Check]


class Alive(BaseModel):
    """The process answers."""

    model_config = _Shape.like({"status": "alive", "replica": "api-1"})

    status: Literal["alive"]
    replica: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may refuse with `statuses`."""
    return {
        status: {"model": Problem, "content": {"application/problem+json": {}}}
        for status in statuses
    }
