"""Bad days: each part away in turn. Reads and what was accepted survive; the rest is told 503."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lab.stack import Stack
from tests.services.customer import REPLICAS, Darkroom, until

pytestmark = pytest.mark.docker

Picture = Callable[..., bytes]


def reads(darkroom: Darkroom) -> list[httpx.Response]:
    """A few reads, side by side, of things that hardly anybody has read before."""
    one, two, three, four = random.sample(range(2, 40_000), 4)
    asked = [
        ("/api/feed", one),
        (f"/api/users/{two}", None),
        (f"/api/users/{three}/photos", None),
        (f"/api/albums/{four}", None),
    ]
    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda ask: darkroom.get(*ask), asked))


def total(darkroom: Darkroom, series: str) -> float:
    """The sum of a series over the replicas."""
    return sum(darkroom.metric(name, series) for name in REPLICAS)


@pytest.mark.parametrize("how", ["paused", "killed"])
def test_reads_survive_the_cache(darkroom: Darkroom, picture: Picture, how: str) -> None:
    """Without the cache reads and uploads go on, errors are counted, and replicas stay ready."""
    with darkroom.without("redis-cache", how):
        for _ in range(3):
            assert {answer.status_code for answer in reads(darkroom)} == {200}
        accepted = darkroom.upload(3000, picture())
        assert accepted.status_code == 202, accepted.text
        status, body = darkroom.ready("api-1")
        assert (status, body["status"], body["checks"]["cache"]["ok"]) == (200, "degraded", False)
        assert total(darkroom, 'cache_requests_total{result="error"}') > 0
        assert darkroom.finished(accepted)["photo_status"] == "ready"
    until(lambda: _seconds(darkroom), lambda took: took < 3, "reads are as quick as before")


def _seconds(darkroom: Darkroom) -> float:
    """How long some reads take."""
    started = time.monotonic()
    reads(darkroom)
    return time.monotonic() - started


@pytest.mark.parametrize("how", ["paused", "killed"])
def test_reads_fall_back_from_the_replica(darkroom: Darkroom, how: str) -> None:
    """Without the replica every read is answered by the primary, once, and counted as such."""
    before = total(darkroom, 'db_reads_total{pool="primary",reason="fallback"}')
    with darkroom.without("postgres-replica", how):
        answers = [answer for _ in range(2) for answer in reads(darkroom)]
        assert {answer.status_code for answer in answers} <= {200, 503}
        # What was under way when the server fell silent may have used up its client's patience.
        late = until(
            lambda: reads(darkroom),
            lambda answers: {answer.status_code for answer in answers} == {200},
            "all reads are answered",
        )
        assert {answer.headers["x-source"] for answer in late} <= {"primary", "cache"}
        assert total(darkroom, 'db_reads_total{pool="primary",reason="fallback"}') > before
        # A server that refuses costs nothing; one that is silent costs each read its time-out. For
        # a moment a killed one is silent too: its name is still known when its address is gone.
        expected = (503 if how == "paused" else 200, False)
        until(
            lambda: _readiness(darkroom, "replica"),
            lambda seen: seen == expected,
            f"readiness and its check of the replica are {expected}",
        )


def _readiness(darkroom: Darkroom, part: str) -> tuple[int, bool]:
    """The status of one API's readiness, and what its check of `part` says."""
    status, body = darkroom.ready("api-1")
    return status, body["checks"][part]["ok"]


@pytest.mark.parametrize("how", ["paused", "killed"])
def test_writes_are_refused_without_the_primary(
    darkroom: Darkroom, picture: Picture, how: str
) -> None:
    """Without the primary reads go on; writes get 503 and Retry-After in time; then all is well."""
    with darkroom.without("postgres-primary", how):
        started = time.monotonic()
        like = darkroom.like(700003, user=5000)
        assert time.monotonic() - started < 9
        assert like.status_code == 503
        assert like.headers["content-type"] == "application/problem+json"
        assert int(like.headers["retry-after"]) > 0
        assert darkroom.upload(3100, picture()).status_code == 503
        assert {answer.status_code for answer in reads(darkroom)} == {200}
        status, body = darkroom.ready("api-1")
        assert status == 503
        assert body["failing"] == ["primary"]
        assert body["checks"]["replica"]["ok"]
    assert darkroom.like(700003, user=5000).status_code == 200
    assert darkroom.finished(darkroom.upload(3100, picture()))["photo_status"] == "ready"
    # Zero between the probes: no connection was lost to the silent server.
    for name in REPLICAS:
        until(
            lambda name=name: darkroom.metric(name, "db_pool_in_use"),  # type: ignore[misc]
            lambda in_use: in_use == 0,
            f"the pools of {name} are at rest",
        )


@pytest.mark.parametrize("how", ["paused", "killed"])
def test_upload_survives_the_broker(darkroom: Darkroom, picture: Picture, how: str) -> None:
    """What was accepted while the broker was away is processed once it is back."""
    with darkroom.without("redis-broker", how):
        uploads = [darkroom.upload(3200, picture()) for _ in range(3)]
        assert {answer.status_code for answer in uploads} == {202}
        assert darkroom.metric("queue-exporter", "queue_up") == 0
    for accepted in uploads:
        assert darkroom.finished(accepted, within=60)["photo_status"] == "ready"


def test_accepted_upload_outlives_its_message(
    darkroom: Darkroom, picture: Picture, stack: Stack
) -> None:
    """A broker that has lost everything loses no upload: the worker finds the jobs."""
    worker = stack.container("worker")
    worker.pause()
    try:
        uploads = [darkroom.upload(3300, picture()) for _ in range(3)]
        until(
            lambda: darkroom.metric("queue-exporter", "queue_depth"),
            lambda depth: depth >= 1,
            "uploads wait",
        )
        flush = 'REDISCLI_AUTH="$(cat /run/secrets/redis_broker)" redis-cli del photos'
        assert stack.exec("redis-broker", ["sh", "-c", flush]).code == 0
    finally:
        worker.unpause()
    for accepted in uploads:
        assert darkroom.finished(accepted, within=60)["photo_status"] == "ready"


def test_killed_worker_loses_nothing(darkroom: Darkroom, picture: Picture, stack: Stack) -> None:
    """Tasks that a killed worker had in hand are done after its return, each photo once."""
    worker = stack.container("worker")
    big = [picture(3200, 2400) for _ in range(6)]
    uploads = [darkroom.upload(3400, image) for image in big]
    until(
        lambda: [darkroom.job(accepted)["status"] for accepted in uploads],
        lambda statuses: "running" in statuses,
        "the worker has begun",
    )
    worker.kill()
    left = [darkroom.job(accepted)["status"] for accepted in uploads]
    assert set(left) - {"done"}, "killed too late to matter"
    worker.start()
    jobs = [darkroom.finished(accepted, within=120) for accepted in uploads]
    assert {job["photo_status"] for job in jobs} == {"ready"}
    notified = stack.psql("SELECT photo_id FROM notifications WHERE user_id = 3400")
    for job in jobs:
        assert notified.count([str(job["photo_id"])]) == 1
    darkroom.recovered()


def test_stopping_a_replica_loses_no_request(darkroom: Darkroom, stack: Stack) -> None:
    """SIGTERM ends a replica within its grace period with exit code 0; customers notice nothing."""
    container = stack.container("api-2")
    container.stop()
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 0
    assert {answer.status_code for answer in reads(darkroom)} == {200}
    container.start()
    darkroom.recovered()
