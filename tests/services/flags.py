"""Turning the application's flags as an operator does, and asking whether it has taken."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from lab.stack import Stack
from tests.services.customer import REPLICAS, Darkroom, until

READERS = 50


def unset(stack: Stack, darkroom: Darkroom) -> None:
    stack.exec("redis-broker", ["redis-cli", "DEL", "flags"])
    taken_up(darkroom, "", 0)


def turn(stack: Stack, darkroom: Darkroom, name: str, value: str, shown: float = 1) -> None:
    """Sets a flag as an operator does, and waits until each replica has it."""
    done = stack.exec("api-1", ["flags", "set", name, value])
    assert (done.code, done.stdout) == (0, f"{name} is {value}\n")
    taken_up(darkroom, name, shown)


def taken_up(darkroom: Darkroom, name: str, shown: float) -> None:
    series = f'darkroom_flag{{flag="{name}"}}' if name else "darkroom_flag"
    until(
        lambda: [darkroom.metric(replica, series) for replica in REPLICAS],
        lambda seen: seen == [shown] * len(REPLICAS),
        f"{series} is {shown:g} in each replica",
    )


def rush(darkroom: Darkroom, path: str, user: int) -> list[httpx.Response]:
    """Many readers of one thing, at the same moment."""
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda _: darkroom.get(path, user=user), range(READERS)))


@contextmanager
def feeds_held(stack: Stack, seconds: float) -> Iterator[None]:
    """From the block's begin on, and for so many seconds, whoever reads a feed from a database
    waits."""
    hold = (
        f"BEGIN; LOCK TABLE follows IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds}); ROLLBACK"
    )
    locked = (
        "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted "
        "AND relation = 'follows'::regclass"
    )
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(stack.psql, hold)
        until(
            lambda: stack.psql(locked, service="postgres-replica"),
            bool,
            "the lock has reached the replica",
            within=seconds,
        )
        yield
        holding.result()


def anybody() -> int:
    """A user whom hardly anybody has read before."""
    return random.randint(20_000, 49_000)
