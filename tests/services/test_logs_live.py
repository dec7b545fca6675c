"""One request id tells the whole story, on a real stack."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from lab.logs import Event, events
from lab.stack import Stack
from tests.services.customer import Darkroom, until

pytestmark = pytest.mark.docker


def way(stack: Stack, request: str) -> list[Event]:
    now = time.time()
    return events(stack, since=now - 120, until=now + 1, request=request)


def test_an_upload_is_followed_to_its_photo(
    stack: Stack, darkroom: Darkroom, picture: Callable[..., bytes]
) -> None:
    """From the front door through the API and the queue to the worker, with every duration."""
    accepted = darkroom.upload(11, picture())
    request = accepted.headers["x-request-id"]
    hops = until(
        lambda: way(stack, request),
        lambda found: {one.tier for one in found} == {"nginx", "api", "worker"},
        "everybody has written of it",
        20,
    )
    timed = [one for one in hops if one.seconds is not None]
    assert [one.tier for one in timed] == ["nginx", "api", "worker"]
    door, api, worker = timed
    assert door.outcome == api.outcome == "202"
    assert worker.outcome == "ready"
    assert api.seconds is not None
    assert door.seconds is not None
    assert api.seconds <= door.seconds + 0.01
    assert worker.began >= api.began


def test_one_service_may_be_asked_for(stack: Stack, darkroom: Darkroom) -> None:
    """One replica, or one tier; what fails is told from what does not."""
    now = time.time()
    answers = [darkroom.get("/api/photos/0"), darkroom.get("/api/feed", user=12)]
    assert [answer.status_code for answer in answers] == [422, 200]

    def seen(*services: str) -> list[Event]:
        return events(stack, since=now - 1, until=time.time() + 1, services=services)

    until(lambda: len(seen("nginx")), lambda count: count >= 2, "the front door has written")
    assert {one.tier for one in seen("nginx")} == {"nginx"}
    assert {one.service for one in seen("api-2")} <= {"api-2"}
    assert {one.tier for one in seen("api")} == {"api"}
