"""Event streams of uploads: nobody has all of them, and who has too many is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.services.customer import REPLICAS, Darkroom

pytestmark = pytest.mark.docker

OF_ONE_JOB = 5
OF_ONE_USER = 10


@contextmanager
def unfinished(darkroom: Darkroom, picture: Callable[..., bytes], user: int) -> Iterator[list[str]]:
    """The streams of some uploads that do not come to an end meanwhile."""
    with darkroom.without("worker", "paused"):
        accepted = [darkroom.upload(user, picture()) for _ in range(4)]
        yield [one.json()["job_url"] + "/events" for one in accepted]


def test_one_job_does_not_take_all_streams(
    darkroom: Darkroom, picture: Callable[..., bytes]
) -> None:
    """So many of one job at each replica, of one user a few more; then the answer says whose places
    are taken, what to do instead, and counts against nobody."""
    with unfinished(darkroom, picture, 2300) as (one, *others), ExitStack() as held:

        def listen(address: str, user: int) -> httpx.Response:
            headers = {"X-User-Id": str(user)}
            return held.enter_context(darkroom.client.stream("GET", address, headers=headers))

        many = [listen(one, 3000 + number) for number in range(OF_ONE_JOB * len(REPLICAS) + 5)]
        kept = [answer for answer in many if answer.status_code == 200]
        assert OF_ONE_JOB <= len(kept) <= OF_ONE_JOB * len(REPLICAS)
        refused = many[-1]
        assert refused.status_code == 429
        told = httpx.Response(429, content=refused.read()).json()
        assert (told["limit"], told["status"]) == ("job", 429)
        assert "5 streams for this job already; poll" in told["detail"]
        assert int(refused.headers["retry-after"]) > 0

        more = [listen(each, 4000) for each in others for _ in range(OF_ONE_JOB * len(REPLICAS))]
        kept = [answer for answer in more if answer.status_code == 200]
        assert OF_ONE_USER <= len(kept) <= OF_ONE_USER * len(REPLICAS)
        limits = {
            httpx.Response(429, content=each.read()).json()["limit"]
            for each in more
            if each.status_code == 429
        }
        assert "user" in limits
        assert listen(others[-1], 5000).status_code == 200
        assert all(darkroom.ready(name)[0] == 200 for name in REPLICAS)
