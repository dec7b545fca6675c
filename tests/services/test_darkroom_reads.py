"""Reading: feed, users, albums, photos; pages, cache, and what is refused."""

from __future__ import annotations

import uuid

import httpx
import pytest

from lab.stack import Stack
from tests.services.customer import REPLICAS, Darkroom, until

pytestmark = pytest.mark.docker


def test_feed_is_what_followed_users_published(darkroom: Darkroom, stack: Stack) -> None:
    """The feed has the newest published photos of those one follows, newest first."""
    expected = stack.psql(
        """SELECT p.id FROM follows f JOIN photos p ON p.user_id = f.followee_id
           WHERE f.follower_id = 77 AND p.status = 'ready'
           ORDER BY p.created_at DESC, p.id DESC LIMIT 30"""
    )
    feed = darkroom.get("/api/feed?limit=30", user=77).json()
    assert [item["id"] for item in feed["items"]] == [int(row[0]) for row in expected]
    assert feed["items"][0]["thumb"] == f"/media/{feed['items'][0]['id']}/thumb.jpg"


def test_pages_join_without_gap_or_overlap(darkroom: Darkroom, stack: Stack) -> None:
    """Following next_cursor to its end visits each photo of a list exactly once, in order."""
    expected = stack.psql(
        """SELECT id FROM photos WHERE user_id = 42000 AND status = 'ready'
           ORDER BY created_at DESC, id DESC"""
    )
    seen: list[int] = []
    path = "/api/users/42000/photos?limit=3"
    while True:
        page = darkroom.get(path).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        path = f"/api/users/42000/photos?limit=3&cursor={page['next_cursor']}"
    assert seen == [int(row[0]) for row in expected]


def without_download(answer: httpx.Response) -> dict[str, object]:
    """What an answer shows, but for what is made for each reader anew."""
    shown: dict[str, object] = answer.json()
    shown.pop("download", None)
    return shown


def test_second_read_is_from_the_cache(darkroom: Darkroom) -> None:
    """What was read a moment ago is answered from the cache, with the same body."""
    for path in ("/api/users/31", "/api/albums/31", "/api/photos/31", "/api/users/31/photos"):
        first = darkroom.get(path)
        second = darkroom.get(path)
        assert first.status_code == 200
        assert second.headers["x-source"] == "cache", path
        assert without_download(second) == without_download(first)


def test_reads_go_to_the_replica(darkroom: Darkroom) -> None:
    """A read that nothing speaks against is answered by the replica."""
    answer = darkroom.get("/api/photos/123456?fresh")
    assert answer.headers["x-source"] in ("replica", "cache")
    assert darkroom.get("/api/users/40123").headers["x-source"] == "replica"


def test_unpublished_photo_is_its_owners_alone(darkroom: Darkroom, stack: Stack) -> None:
    """A rejected photo is there for its owner, and for nobody else."""
    owner = int(stack.psql("SELECT user_id FROM photos WHERE id = 5000")[0][0])
    assert darkroom.get("/api/photos/5000", user=owner).json()["status"] == "rejected"
    assert darkroom.get("/api/photos/5000", user=owner + 1).status_code == 404
    assert darkroom.get("/api/photos/5000").status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/api/users/50001", 404, "user"),
        ("/api/albums/2000000", 404, "album"),
        ("/api/photos/9223372036854775807", 404, "photo"),
        ("/api/photos/9223372036854775808", 422, "photo_id"),
        ("/api/users/2147483648", 422, "user_id"),
        ("/api/users/0", 422, "user_id"),
        ("/api/users/-1/photos", 422, "user_id"),
        ("/api/users/x", 422, "user_id"),
        ("/api/feed?limit=0", 422, "limit"),
        ("/api/feed?limit=101", 422, "limit"),
        ("/api/feed?limit=ten", 422, "limit"),
        ("/api/feed?cursor=", 400, "cursor"),
        ("/api/feed?cursor=Zm9v", 400, "cursor"),
        ("/api/feed?cursor=%F0%9F%93%B7", 400, "cursor"),
        ("/api/feed?cursor=f_________9_________w", 400, "cursor"),
        ("/api/feed?cursor=gAAAAAAAAACAAAAAAAAAAA", 400, "cursor"),
        ("/api/feed?cursor=" + "A" * 65, 422, "cursor"),
        ("/api/jobs/1", 422, "job_id"),
        ("/api/jobs/00000000-0000-0000-0000-000000000000", 404, "job"),
        ("/api/jobs/00000000-0000-0000-0000-000000000000/events", 404, "job"),
        ("/api/nothing", 404, "Not Found"),
    ],
)
def test_bad_requests_are_refused_with_a_reason(
    darkroom: Darkroom, path: str, status: int, word: str
) -> None:
    """Wrong ids, limits and cursors get a 4xx problem that names what was wrong."""
    answer = darkroom.get(path, user=1)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert word in problem["detail"]


@pytest.mark.parametrize(
    ("header", "status"), [(None, 401), ("", 422), ("x", 422), ("0", 422), ("3000000000", 422)]
)
def test_feed_wants_to_know_who_asks(darkroom: Darkroom, header: str | None, status: int) -> None:
    """Without a user the feed is refused with 401, with a malformed one with 422."""
    headers = {} if header is None else {"X-User-Id": header}
    assert darkroom.client.get("/api/feed", headers=headers).status_code == status


def test_request_id_is_in_answer_and_log(darkroom: Darkroom, stack: Stack) -> None:
    """The request id is in the answer, the problem's body and the replica's log line."""
    request_id = f"absent-photo-{uuid.uuid4().hex}"
    answer = darkroom.get("/api/photos/88888888", **{"X-Request-ID": request_id})
    assert answer.headers["x-request-id"] == request_id
    assert answer.json()["request_id"] == request_id
    found = until(
        lambda: [
            line
            for name in REPLICAS
            for line in stack.logs(name, 200).splitlines()
            if request_id in line
        ],
        lambda lines: len(lines) == 1,
        "one log line has the request id",
    )
    for part in ('"route":"/api/photos/{photo_id}"', '"status":404', '"duration_ms":', '"replica"'):
        assert part in found[0]


def test_every_route_is_documented_with_an_example(darkroom: Darkroom) -> None:
    """OpenAPI has an example for the good answer of every route."""
    spec = darkroom.get("/openapi.json").json()
    shapes = spec["components"]["schemas"]
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            good = next(answer for status, answer in operation["responses"].items() if status < "3")
            for content in good["content"].values():
                name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
                assert "example" in content or shapes[name]["examples"], f"{method} {path}"
