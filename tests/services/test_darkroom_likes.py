"""Liking: once per user, whatever the number of tries, and visible at once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.stack import Stack
from tests.services.customer import Darkroom

pytestmark = pytest.mark.docker


def test_a_like_counts_once(darkroom: Darkroom, stack: Stack) -> None:
    """Ten likes of one user at the same time are one like; another user's is a second."""
    one, other = random.sample(range(1, 50_001), 2)
    before = int(stack.psql("SELECT likes FROM photos WHERE id = 700003")[0][0])
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: darkroom.like(700003, user=one), range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].json() == {"photo_id": 700003, "liked": True, "likes": before + 1}
    assert darkroom.like(700003, user=other).json()["likes"] == before + 2
    liked = stack.psql("SELECT user_id FROM likes WHERE photo_id = 700003")
    assert liked.count([str(one)]) == liked.count([str(other)]) == 1


def test_own_like_is_visible_at_once(darkroom: Darkroom) -> None:
    """Whoever has just liked a photo reads it from the primary, cached or not, with the like."""
    for user in random.sample(range(1, 50_001), 10):
        before = darkroom.get("/api/photos/700004", user=user).json()["likes"]
        darkroom.like(700004, user=user)
        after = darkroom.get("/api/photos/700004", user=user)
        assert after.json()["likes"] == before + 1
        assert after.headers["x-source"] == "primary"


def test_only_published_photos_of_known_users_are_liked(darkroom: Darkroom) -> None:
    """A photo that is absent or not published is 404, an unknown user 401."""
    assert darkroom.like(77777777, user=1).status_code == 404
    assert darkroom.like(5000, user=1).status_code == 404
    assert darkroom.like(700003, user=60000).status_code == 401
    assert darkroom.client.put("/api/photos/700003/like").status_code == 401


@pytest.mark.parametrize("body", ["{", "[]", '{"liked": false}', '{"stars": 5}', "\\ud800", "nul"])
def test_bad_json_is_refused(darkroom: Darkroom, body: str) -> None:
    """A body that is no JSON, or says something else than a like does, gets a 4xx problem."""
    headers = {"X-User-Id": "1", "Content-Type": "application/json"}
    answer = darkroom.client.put("/api/photos/700003/like", headers=headers, content=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
