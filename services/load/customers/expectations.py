"""What a good answer is: a status says that there was one, not that it is what was asked for.

Customers know what they came for, what they wrote themselves, and what others got. An empty page,
somebody else's, one copy for everybody and an error page with a friendly status are none of these.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from customers.visits import CIRCLE, STARS, Visit

#: Seconds for which a writer sees their own write wherever they look (read-your-writes).
PROMISED_S = 10.0

#: So many others with the very same page, and it was not made for whoever asked.
SAME_FOR = 3

#: Photos on a page, as the service sends it unasked.
PAGE = 20

K = TypeVar("K")
V = TypeVar("V")

STATUSES = ("processing", "ready", "rejected", "failed")

#: What an owner may be told of a photo when its time is up: here it is, or that it never will be.
DONE = ("ready", "rejected")


@dataclass(frozen=True, slots=True)
class Own:
    """What somebody wrote: their photo, or their like of one, which then had `likes` at least.

    `at` is when they sent it, in seconds of this process's monotonic clock.
    """

    user_id: int
    photo_id: int
    at: float
    likes: int | None = None


@dataclass
class Expectations:
    """What the customers of one run expect; what they remember of others' answers is bounded."""

    pages: dict[str, deque[tuple[int, tuple[int, ...]]]] = field(default_factory=dict)
    links: dict[str, int] = field(default_factory=dict)
    uploads: dict[int, str] = field(default_factory=dict)

    def page(self, visit: Visit, body: bytes, *, own: Own | None = None, now: float = 0.0) -> bool:
        """Whether `body` is the page that `visit` asked for.

        `own` is what the visitor wrote themselves and is looking for; `now` is when it came.
        """
        shown = _object(body)
        if own is not None and now - own.at >= PROMISED_S:
            own = None
        try:
            return shown is not None and bool(_PAGES[visit.operation](self, visit, shown, own))
        except (KeyError, TypeError, ValueError, AttributeError):
            return False

    def acknowledged(self, key: str, body: bytes) -> tuple[int, str] | None:
        """Photo and job of an acknowledged upload; None where it does not say what became of it,
        or says what was said of another."""
        said = _object(body) or {}
        try:
            photo, job = int(said["photo_id"]), str(said["job_id"])
        except (KeyError, TypeError, ValueError):
            return None
        if _first(self.uploads, photo, key) != key:
            return None
        return photo, job

    def _photo(self, visit: Visit, shown: Mapping[str, Any], own: Own | None) -> bool:
        if shown["id"] != visit.subject or shown["status"] not in STATUSES or not shown["title"]:
            return False
        if own is not None and own.likes is not None and shown["likes"] < own.likes:
            return False
        if shown["status"] != "ready":
            return bool(shown["user_id"] == visit.user_id)
        link = str(shown["download"]["url"])
        mine = link.startswith(f"/media/{visit.subject}/")
        return mine and _first(self.links, link, visit.user_id) == visit.user_id

    def _user(self, visit: Visit, shown: Mapping[str, Any], _: Own | None) -> bool:
        # The seed numbers the handles.
        return shown["id"] == visit.subject and shown["handle"].endswith(str(visit.subject))

    def _user_photos(self, visit: Visit, shown: Mapping[str, Any], own: Own | None) -> bool:
        items = shown["items"]
        if not items or not _newest_first(items):
            return False
        if any(item["user_id"] != visit.subject for item in items):
            return False
        ids = [item["id"] for item in items]
        # A whole page of later ones has none of it.
        return own is None or own.photo_id in ids or (len(ids) == PAGE and min(ids) > own.photo_id)

    def _album(self, visit: Visit, shown: Mapping[str, Any], _: Own | None) -> bool:
        # In the seed, albums 2u-1 and 2u are user u's.
        owner = (visit.subject + 1) // 2
        of_theirs = all(item["user_id"] == owner for item in shown["items"])
        return shown["id"] == visit.subject and shown["user_id"] == owner and of_theirs

    def _feed(self, visit: Visit, shown: Mapping[str, Any], _: Own | None) -> bool:
        # In the seed, everybody follows somebody, and everybody has photos.
        items = shown["items"]
        return bool(items) and _newest_first(items) and self._for_them("feed", visit.user_id, items)

    def _circle(self, visit: Visit, shown: Mapping[str, Any], _: Own | None) -> bool:
        items = shown["items"]
        if not items:
            return visit.subject not in STARS
        own = any(item["user_id"] == visit.subject for item in items)  # nobody follows themselves
        return not own and self._for_them(CIRCLE, visit.subject, items)

    def _for_them(self, operation: str, whose: int, items: list[Mapping[str, Any]]) -> bool:
        ids = tuple(int(item["id"]) for item in items)
        pages = self.pages.setdefault(operation, deque(maxlen=4 * SAME_FOR))
        others = {user for user, page in pages if page == ids} - {whose}
        pages.append((whose, ids))
        return len(others) < SAME_FOR


_PAGES = {
    "photo": Expectations._photo,
    "user": Expectations._user,
    "user_photos": Expectations._user_photos,
    "album": Expectations._album,
    "feed": Expectations._feed,
    CIRCLE: Expectations._circle,
}


def likes(photo_id: int, body: bytes) -> int | None:
    """How many like the photo, one's own included; None where the answer does not say that."""
    said = _object(body) or {}
    if said.get("photo_id") != photo_id or said.get("liked") is not True:
        return None
    count = said.get("likes")
    return count if isinstance(count, int) and count > 0 else None


def photo_status(photo_id: int, job_id: str, body: bytes) -> str | None:
    """What a job's answer says of its photo; None where it does not, or speaks of another."""
    said = _object(body) or {}
    if said.get("photo_id") != photo_id or said.get("job_id") != job_id:
        return None
    status = said.get("photo_status")
    return status if status in STATUSES else None


def is_jpeg(body: bytes) -> bool:
    """Whether these are the bytes of a picture as the service publishes them, to the end."""
    return body.startswith(b"\xff\xd8\xff") and body.endswith(b"\xff\xd9")


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _newest_first(items: list[Mapping[str, Any]]) -> bool:
    order = [(datetime.fromisoformat(item["created_at"]), item["id"]) for item in items]
    return order == sorted(order, reverse=True)


def _first(known: dict[K, V], key: K, value: V, most: int = 1000) -> V:
    """What is known of `key`, which is `value` if nothing was; the oldest is forgotten."""
    found = known.setdefault(key, value)
    if len(known) > most:
        del known[next(iter(known))]
    return found
