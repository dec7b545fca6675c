"""The flags of the cache on the real stack: each one's promise, measured without and with it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from statistics import median

import pytest
from docker.errors import APIError
from docker.models.containers import Container

from lab.stack import Stack
from tests.services.customer import REPLICAS, Darkroom, until
from tests.services.flags import READERS, anybody, feeds_held, rush, turn, unset

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def all_off(stack: Stack, darkroom: Darkroom) -> Iterator[None]:
    """Each test begins and ends with every flag off, in every replica."""
    unset(stack, darkroom)
    yield
    unset(stack, darkroom)


def loads(darkroom: Darkroom) -> int:
    """Statements for a feed that the databases have been asked, so far."""
    series = 'db_query_duration_seconds_count{query="feed"}'
    return int(sum(darkroom.metric(name, series) for name in REPLICAS))


def cached(stack: Stack, key: str, command: str = "PTTL") -> int:
    return int(stack.exec("redis-cache", ["redis-cli", command, key]).stdout)


def freeze(container: Container) -> bool:
    with suppress(APIError):
        container.pause()
    container.reload()
    return bool(container.status == "paused")


@contextmanager
def silent(darkroom: Darkroom, *services: str) -> Iterator[None]:
    """The block runs with all of `services` frozen."""
    containers = [darkroom.stack.container(name) for name in services]
    try:
        for container in containers:
            # On a very busy machine the engine may need several tries to freeze a process.
            until(lambda one=container: freeze(one), bool, "it is paused", 20)  # type: ignore[misc]
        yield
    finally:
        for container in containers:
            with suppress(APIError):
                container.unpause()
        darkroom.recovered()


def test_single_flight_loads_once(stack: Stack, darkroom: Darkroom) -> None:
    """Fifty readers of one cold feed are many statements without the flag, and one with it."""

    def loaded() -> int:
        """How many statements a rush costs, in which everybody gets the same."""
        user = anybody()
        stack.exec("redis-cache", ["redis-cli", "DEL", f"feed:{user}"])
        before = loads(darkroom)
        with feeds_held(stack, 1.5):
            answers = rush(darkroom, "/api/feed", user)
        assert Counter(answer.status_code for answer in answers) == {200: READERS}
        assert len({answer.content for answer in answers}) == 1
        return loads(darkroom) - before

    assert loaded() > len(REPLICAS)
    # Fifty statements that waited have held every connection: replicas may call themselves unready.
    darkroom.recovered()
    turn(stack, darkroom, "single_flight", "on")
    assert [loaded() for _ in range(3)] == [1, 1, 1]


def test_single_flight_waits_only_for_a_while(stack: Stack, darkroom: Darkroom) -> None:
    """A replica that holds the lease and never delivers costs seconds, not an answer."""
    turn(stack, darkroom, "single_flight", "on")
    user = anybody()
    darkroom.get("/api/feed", user=user)
    field = stack.exec("redis-cache", ["redis-cli", "HKEYS", f"feed:{user}"]).stdout.strip()
    stack.exec("redis-cache", ["redis-cli", "DEL", f"feed:{user}"])
    lease = f"loading:feed:{user}:{field}"
    stack.exec("redis-cache", ["redis-cli", "SET", lease, "somebody", "PX", "20000"])
    answer = darkroom.get("/api/feed", user=user)
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() > 2
    assert cached(stack, lease) > 0  # still theirs: it did not wait for their end


def test_jitter_spreads_the_ends(stack: Stack, darkroom: Darkroom) -> None:
    """Things read within one moment expire within one moment; with the flag, over a TTL's width."""

    def ends() -> tuple[list[int], float]:
        """When they expire, in ms from now, and how long reading them all took."""
        begun = time.monotonic()
        users = random.sample(range(20_000, 49_000), 40)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda user: darkroom.get(f"/api/users/{user}"), users))
        lua = "local t={} for i,k in ipairs(KEYS) do t[i]=redis.call('pttl',k) end return t"
        keys = [f"user:{user}" for user in users]
        argv = ["redis-cli", "EVAL", lua, str(len(keys)), *keys]
        left = sorted(int(line) for line in stack.exec("redis-cache", argv).stdout.split())
        return left, 1000 * (time.monotonic() - begun)

    together, took = ends()
    assert 30_000 - took <= together[0] <= together[-1] <= 30_000
    turn(stack, darkroom, "ttl_jitter", "on")
    apart, took = ends()
    assert apart[-1] - apart[0] > 15_000
    assert 15_000 - took <= apart[0] < 30_000 < apart[-1] <= 45_000


def test_early_refresh_leaves_no_reader_without(stack: Stack, darkroom: Darkroom) -> None:
    """An entry that was dear to load and is in demand is loaded again before it expires, once,
    while everybody is answered from the cache."""
    turn(stack, darkroom, "early_refresh", "on")
    user = anybody()
    darkroom.get("/api/feed", user=user)
    # As if it had taken 15 s to load and had 18 s left: about one reader in three is early.
    lua = """
    local field = redis.call('hkeys', KEYS[1])[1]
    local body = redis.call('hget', KEYS[1], field):match('\\n(.*)$')
    local ends = redis.call('time')[1] + 18
    redis.call('hset', KEYS[1], field, ends .. ' 15.0\\n' .. body)
    return redis.call('pexpire', KEYS[1], 18000)
    """
    done = stack.exec("redis-cache", ["redis-cli", "EVAL", lua, "1", f"feed:{user}"])
    assert done.stdout.strip() == "1"
    before = loads(darkroom)
    sources = Counter(
        darkroom.get("/api/feed", user=user).headers["x-source"] for _ in range(READERS)
    )
    assert set(sources) == {"cache"}
    until(lambda: cached(stack, f"feed:{user}"), lambda left: left > 20_000, "it is renewed")
    assert 1 <= loads(darkroom) - before <= 3


def test_stale_answers_stand_in_for_the_databases(stack: Stack, darkroom: Darkroom) -> None:
    """With both databases silent, what has expired is served at once and says so; back again, it
    is refreshed by itself. What a user writes is not served stale to anybody."""
    turn(stack, darkroom, "serve_stale", "on")
    user = anybody()
    fresh = darkroom.get("/api/feed", user=user)
    lua = """
    local field = redis.call('hkeys', KEYS[1])[1]
    local body = redis.call('hget', KEYS[1], field):match('\\n(.*)$')
    return redis.call('hset', KEYS[1], field, '1.0 0.01\\n' .. body)
    """
    expire = ["redis-cli", "EVAL", lua, "1", f"feed:{user}"]
    waited: list[float] = []
    with silent(darkroom, "postgres-replica", "postgres-primary"):
        assert stack.exec("redis-cache", expire).code == 0
        for _ in range(6):
            answer = darkroom.get("/api/feed", user=user)
            assert (answer.status_code, answer.headers["x-source"]) == (200, "stale")
            assert answer.content == fresh.content
            waited.append(answer.elapsed.total_seconds())
    # Each try of a silent database would cost seconds.
    assert median(waited) < 0.5
    until(
        lambda: darkroom.get("/api/feed", user=user).headers["x-source"],
        lambda source: source == "cache",
        "it is fresh again",
    )


def test_what_was_kept_for_long_ends_with_the_flag(stack: Stack, darkroom: Darkroom) -> None:
    """Turned off again, serve_stale leaves no entry behind that is served past its TTL."""
    turn(stack, darkroom, "serve_stale", "on")
    user = anybody()
    darkroom.get("/api/feed", user=user)
    assert cached(stack, f"feed:{user}") > 300_000
    unset(stack, darkroom)
    darkroom.get("/api/feed?limit=7", user=user)
    assert 0 < cached(stack, f"feed:{user}") <= 30_000
