"""The third party that signs and ranks: what it gives, and what is left without it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.services.customer import REPLICAS, Darkroom, until

pytestmark = pytest.mark.docker

SLOTS = 4
"""Places of each replica, by default (PARTNER_SLOTS)."""


def test_a_photo_comes_with_leave_to_download_it(darkroom: Darkroom) -> None:
    """Signed for who asks, and never for whoever asks next; the link leads to the file's path."""
    one, other = (darkroom.get("/api/photos/31", user=who).json() for who in (5, 6))
    assert one["download"]["url"].startswith("/media/31/1600.jpg?expires=")
    assert one["download"]["url"] != other["download"]["url"]
    assert {**one, "download": None} == {**other, "download": None}


def test_a_circle_is_ranked_and_then_kept(darkroom: Darkroom) -> None:
    """Best liked first, by the partner; the second reader has it from the cache."""
    first = darkroom.get("/api/users/12/circle")
    assert first.status_code == 200, first.text
    likes = [item["likes"] for item in first.json()["items"]]
    assert likes
    assert likes == sorted(likes, reverse=True)
    assert darkroom.get("/api/users/12/circle").headers["x-source"] == "cache"


def test_a_replica_has_so_many_signed_at_a_time(darkroom: Darkroom) -> None:
    """Of many at once each replica holds its places; the others wait, and are served."""

    def taken() -> list[float]:
        return [darkroom.metric(name, "partner_slots_in_use") for name in REPLICAS]

    with ThreadPoolExecutor(60) as pool:
        answers = [pool.submit(darkroom.get, f"/api/photos/{31 + n}") for n in range(60)]
        seen = until(taken, lambda now: max(now) == SLOTS, "the places are taken", within=10)
        assert max(seen) <= SLOTS
        assert [one.result().status_code for one in answers] == [200] * 60


def test_without_the_partner_the_rest_goes_on(darkroom: Darkroom) -> None:
    """Photos are told 503 and when to come again; feeds, profiles and albums do not need it, and no
    replica is taken for ill because somebody else is."""
    with darkroom.without("partner", "killed"):
        refused = darkroom.get("/api/photos/31")
        assert refused.status_code == 503
        # For a moment its name still leads to an address where nobody is any more.
        assert refused.json()["reason"] in ("connection", "timeout")
        assert "retry-after" in refused.headers
        for path in ("/api/users/31", "/api/users/31/photos", "/api/albums/31"):
            assert darkroom.get(path).status_code == 200, path
        assert [darkroom.ready(name)[0] for name in REPLICAS] == [200] * len(REPLICAS)
    assert darkroom.get("/api/photos/31").status_code == 200
