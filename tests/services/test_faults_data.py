"""What is done to the caches and the customers, against the real ones."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from customers.visits import LINKED

from lab import faults
from lab.errors import Failed
from lab.faults import FaultParams
from lab.faults._redis import in_step, lifetimes
from lab.faults.expire_together import ExpireTogetherParams
from lab.faults.load_multiplier import LoadMultiplierParams
from lab.faults.redis_flush import RedisFlushParams
from lab.faults.restart_service import RestartServiceParams
from lab.load import Load
from lab.stack import Stack
from tests.services.customer import until

pytestmark = pytest.mark.docker

RATE = 20.0


@pytest.fixture(scope="module")
def customers(stack: Stack) -> Iterator[Load]:
    """A few, for long enough that the cache is well in use."""
    with Load(stack.url("load")) as load:
        load.stop()
        load.start(RATE, 900, seed=3)
        try:
            yield load
        finally:
            load.stop()


@pytest.fixture
def warm(stack: Stack, customers: Load) -> None:  # noqa: ARG001 - they are what warms it
    """A cache that loses a little all the time, as it does in the middle of a day."""
    until(lambda: lifetimes(stack), _in_use, "the cache is well in use", within=60)


def _in_use(left: list[int]) -> bool:
    return len(left) > 50 and left[0] < 3_000 and not in_step(left)


def broken(stack: Stack, params: FaultParams) -> str:
    """The token of a fault that was injected and that its witness has confirmed."""
    token = faults.plan(stack, params)
    assert not faults.active(stack, params.fault, token)
    faults.inject(stack, params.fault, token)
    until(lambda: faults.active(stack, params.fault, token), bool, "the witness confirms it")
    return token


def healed(stack: Stack, params: FaultParams, token: str) -> None:
    """Twice is once."""
    for _ in range(2):
        faults.heal(stack, params.fault, token)
        assert not faults.active(stack, params.fault, token)


@pytest.mark.parametrize(
    "params",
    [
        RedisFlushParams(fault="redis_flush"),
        ExpireTogetherParams(fault="expire_together"),
        LoadMultiplierParams(fault="load_multiplier", times=3),
        RestartServiceParams(fault="restart_service", service="redis-cache"),
    ],
    ids=lambda params: params.fault,
)
@pytest.mark.usefixtures("warm")
def test_what_was_never_injected_is_not_there(stack: Stack, params: FaultParams) -> None:
    """Neither for the witness nor for healing."""
    token = faults.plan(stack, params)
    healed(stack, params, token)


@pytest.mark.usefixtures("warm")
def test_a_flushed_cache_fills_by_itself(stack: Stack) -> None:
    """As a whole it is over within seconds, with nobody's help."""
    params = RedisFlushParams(fault="redis_flush")
    token = broken(stack, params)
    until(
        lambda: faults.active(stack, "redis_flush", token),
        lambda active: not active,
        "it is over",
    )
    healed(stack, params, token)


@pytest.mark.usefixtures("warm")
def test_all_expires_at_one_moment(stack: Stack) -> None:
    """Seconds from now: what was there before goes within the same second, and not earlier."""
    before = len(lifetimes(stack))
    token = broken(stack, ExpireTogetherParams(fault="expire_together", in_s=8))
    first = lifetimes(stack)[: before // 2]
    assert max(first) - min(first) < 100
    # What is loaded after that lives for half a minute.
    until(lambda: lifetimes(stack), lambda left: min(left, default=0) > 10_000, "they have expired")
    faults.heal(stack, "expire_together", token)


@pytest.fixture
def crowd(stack: Stack, customers: Load) -> Iterator[None]:
    """All customers look at the same few photos, and the cache knows no other."""
    customers.stop()
    stack.exec("redis-cache", ["redis-cli", "FLUSHALL"])
    customers.start(2 * RATE, 900, seed=3, focus=1.0)
    yield
    customers.stop()
    customers.start(RATE, 900, seed=3)


@pytest.mark.parametrize(
    "params",
    [
        RedisFlushParams(fault="redis_flush", keys="photo:*"),
        ExpireTogetherParams(fault="expire_together", keys="photo:*", in_s=5),
    ],
    ids=["flushed", "expired together"],
)
@pytest.mark.usefixtures("crowd")
def test_what_is_popular_stays_in_step(stack: Stack, params: FaultParams) -> None:
    """It is loaded together and so expires together, round after round, until it is spread."""
    until(lambda: lifetimes(stack, "photo:*"), _all_back, "the crowd has come")
    token = broken(stack, params)
    for _ in range(2):
        until(lambda: lifetimes(stack, "photo:*"), _gone, "the round ends")
        until(lambda: lifetimes(stack, "photo:*"), _all_back, "all are back")
        assert faults.active(stack, params.fault, token)
    healed(stack, params, token)
    until(lambda: lifetimes(stack, "photo:*"), _gone, "the first one ends")


def _gone(left: list[int]) -> bool:
    return len(left) < len(set(LINKED))


def _all_back(left: list[int]) -> bool:
    return len(left) == len(set(LINKED))


def test_a_cache_that_nobody_uses_cannot_be_broken(stack: Stack) -> None:
    """Nobody would notice; the message says what is lacking."""
    for params in (
        RedisFlushParams(fault="redis_flush", keys="nothing:*"),
        ExpireTogetherParams(fault="expire_together", keys="nothing:*"),
    ):
        with pytest.raises(Failed, match="nobody would miss"):
            faults.plan(stack, params)


def test_customers_come_more_often(stack: Stack, customers: Load) -> None:
    """Three times as often, by their own count; healing gives back the rate."""
    params = LoadMultiplierParams(fault="load_multiplier", times=3)
    token = broken(stack, params)
    begun, came = time.monotonic(), customers.state().intended
    more = until(lambda: customers.state().intended - came, lambda n: n >= 200, "200 arrivals")
    assert more / (time.monotonic() - begun) > 2 * RATE
    healed(stack, params, token)
    assert customers.state().target_rate == RATE


def test_a_rate_that_somebody_else_has_set_stays(stack: Stack, customers: Load) -> None:
    """Healing takes back its own, and no other's."""
    params = LoadMultiplierParams(fault="load_multiplier", times=3)
    token = broken(stack, params)
    customers.set_rate(25)
    healed(stack, params, token)
    assert customers.state().target_rate == 25
    customers.set_rate(RATE)


def test_a_rate_beyond_the_bound_is_refused(stack: Stack, customers: Load) -> None:
    """Before anything is changed."""
    customers.set_rate(30)
    with pytest.raises(Failed, match="1500"):
        faults.plan(stack, LoadMultiplierParams(fault="load_multiplier", times=50))
    assert customers.state().target_rate == 30
    customers.set_rate(RATE)


def test_a_restart_is_over_soon(stack: Stack) -> None:
    """The same container has started later; healing waits until it has run for a while."""
    params = RestartServiceParams(fault="restart_service", service="redis-cache", fresh_s=3)
    before = stack.container("redis-cache")
    token = broken(stack, params)
    after = stack.container("redis-cache")
    assert after.id == before.id
    assert after.attrs["State"]["StartedAt"] > before.attrs["State"]["StartedAt"]
    healed(stack, params, token)
    assert stack.healthy("redis-cache")


def test_healing_starts_what_an_operator_has_stopped(stack: Stack) -> None:
    """It must run when all is over."""
    params = RestartServiceParams(fault="restart_service", service="redis-cache", fresh_s=3)
    token = broken(stack, params)
    stack.container("redis-cache").stop()
    healed(stack, params, token)
    until(lambda: stack.healthy("redis-cache"), bool, "it answers")


@pytest.mark.parametrize("service", ["prometheus", "load", "redis-exporter", "memcached"])
def test_what_measures_the_night_does_not_restart(stack: Stack, service: str) -> None:
    """Nor what does not exist."""
    with pytest.raises(Failed, match=service):
        faults.plan(stack, RestartServiceParams(fault="restart_service", service=service))
