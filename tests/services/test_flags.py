"""The operator's flags on the real stack: how they are turned, and what is turned away by them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import pytest

from lab.prometheus import Prometheus
from lab.stack import Stack
from tests.services.customer import REPLICAS, Darkroom, until
from tests.services.flags import READERS, anybody, feeds_held, rush, taken_up, turn, unset

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def all_off(stack: Stack, darkroom: Darkroom) -> Iterator[None]:
    """Each test begins and ends with every flag off, in every replica."""
    unset(stack, darkroom)
    yield
    unset(stack, darkroom)


def test_the_command_lists_and_refuses(stack: Stack) -> None:
    """`flags` has a line for each flag; unknown names and values are exit code 2 and say why."""
    listed = stack.exec("api-1", ["flags"])
    assert listed.code == 0
    [head, *lines] = listed.stdout.splitlines()
    assert head.split() == ["FLAG", "VALUE", "DEFAULT", "MEANING"]
    assert {line.split()[1] for line in lines} == {"off", "0"}
    assert {"single_flight", "rate_limit", "shed"} < {line.split()[0] for line in lines}
    for argv, words in (
        (["set", "single_fligt", "on"], "did you mean single_flight?"),
        (["set", "single_flight", "onn"], "did you mean on?"),
        (["unset", "tea"], "there is no flag"),
        (["brew"], "flags help"),
    ):
        done = stack.exec("api-1", ["flags", *argv])
        assert (done.code, done.stdout) == (2, "")
        assert words in done.stderr


def test_redis_cli_does_as_well_and_the_signal_shows_it(stack: Stack, darkroom: Darkroom) -> None:
    """A field of the hash is the flag, seen by every replica and by Prometheus; nonsense is told
    once, and ignored."""
    since = int(time.time())
    cli = ["redis-cli", "HSET", "flags", "ttl_jitter", "on", "serve_stale", "maybe", "tea", "on"]
    assert stack.exec("redis-broker", cli).code == 0
    taken_up(darkroom, "", 1)
    with Prometheus(stack.url("prometheus")) as prometheus:
        until(
            lambda: {s.labels["flag"]: s.value for s in prometheus.query("api:flag")},
            lambda seen: seen.get("ttl_jitter") == 1 and seen.get("serve_stale") == 0,
            "the signal shows the flag",
        )
    said = stack.container("api-2").logs(since=since).decode().splitlines()
    told = [line for line in said if '"flag ' in line]
    assert sum("ttl_jitter is on, was off" in line for line in told) == 1
    assert sum("serve_stale is on or off, not 'maybe'" in line for line in told) == 1
    assert len(told) == 3


def test_flags_survive_the_broker(stack: Stack, darkroom: Darkroom) -> None:
    """While the broker is away the values stay what they were; a restart of it keeps them."""
    turn(stack, darkroom, "ttl_jitter", "on")
    with darkroom.without("redis-broker", "killed"):
        until(
            lambda: [stack.logs(name, 200).count("flags stay as they are") for name in REPLICAS],
            all,
            "each replica has asked in vain",
        )
        taken_up(darkroom, "ttl_jitter", 1)
        done = stack.exec("api-1", ["flags"])
        assert (done.code, done.stdout) == (1, "")
        assert "redis-broker does not answer" in done.stderr
    taken_up(darkroom, "ttl_jitter", 1)


def test_shed_keeps_photos_and_uploads_when_feeds_pile_up(
    stack: Stack, darkroom: Darkroom, picture: Callable[..., bytes]
) -> None:
    """While feeds pile up in front of the database, most are refused at once, photos and uploads
    are as quick as ever, and the front door takes no replica out for having refused."""
    turn(stack, darkroom, "shed", "on")
    with feeds_held(stack, 3), ThreadPoolExecutor(READERS) as pool:
        feeds = [pool.submit(darkroom.get, "/api/feed", user=anybody()) for _ in range(READERS)]
        until(
            lambda: sum(
                darkroom.metric(name, 'http_refused_total{flag="shed"}') for name in REPLICAS
            ),
            lambda refused: refused > 0,
            "feeds are refused",
        )
        photos = [darkroom.get(f"/api/photos/{random.randint(2, 900_000)}") for _ in range(10)]
        upload = darkroom.upload(3500, picture())
        front = stack.exec("nginx", ["curl", "-fsS", "http://127.0.0.1:9145/metrics"]).stdout
        answers = [feed.result() for feed in feeds]
    assert {photo.status_code for photo in photos} <= {200, 404}
    # Whoever waits for the database waits for seconds; one of many may be late for other reasons.
    assert median(photo.elapsed.total_seconds() for photo in photos) < 1
    assert upload.status_code == 202
    for name in REPLICAS:
        assert f'nginx_upstream_passive_up{{upstream="{name}"}} 1\n' in front
    assert {answer.status_code for answer in answers} == {200, 503}
    shed = [answer for answer in answers if answer.status_code == 503]
    assert {answer.json()["reason"] for answer in shed} == {"shed"}
    assert len(shed) >= READERS / 2
    assert all(int(answer.headers["retry-after"]) > 0 for answer in shed)
    assert median(answer.elapsed.total_seconds() for answer in shed) < 1


def test_shed_loads_everything_when_there_is_little_to_do(stack: Stack, darkroom: Darkroom) -> None:
    """Every kind of object has its share: at rest, nothing is refused."""
    turn(stack, darkroom, "shed", "on")
    user = anybody()
    pages = ["feed", f"users/{user}", f"users/{user}/photos", f"users/{user}/circle"]
    pages += [f"albums/{2 * user}", f"photos/{20 * user + 2}"]
    answers = [darkroom.get(f"/api/{page}", user=user + 1) for page in pages]
    assert [answer.status_code for answer in answers] == [200] * len(pages)
    assert {answer.headers["x-source"] for answer in answers} == {"replica"}


def test_rate_limit_refuses_what_is_too_much(stack: Stack, darkroom: Darkroom) -> None:
    """One user's hurry is told 429 and when to come again, and another user does not feel it."""
    assert {answer.status_code for answer in rush(darkroom, "/api/feed", 7)} == {200}
    turn(stack, darkroom, "rate_limit", "60", shown=60)
    answers = rush(darkroom, "/api/feed", 7)
    refused = [answer for answer in answers if answer.status_code == 429]
    # Six at once in each replica, and what comes back while the others are answered.
    assert len(REPLICAS) * 6 <= len(answers) - len(refused) <= 35
    problem = refused[0]
    assert problem.headers["content-type"] == "application/problem+json"
    assert int(problem.headers["retry-after"]) > 0
    assert problem.json()["limit"] == "user"
    assert darkroom.get("/api/feed", user=8).status_code == 200
    counted = 'http_requests_total{route="/api/feed",status="429"}'
    assert sum(darkroom.metric(name, counted) for name in REPLICAS) >= len(refused)
