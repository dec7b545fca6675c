"""Where the databases' time goes, asked of real ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from lab.doors import Doors, open_doors
from lab.slow import by_statement, slow_log
from lab.stack import Stack
from lab.statements import busiest
from tests.services.customer import Darkroom, until
from tests.services.flags import anybody

pytestmark = pytest.mark.docker

LOCKED = """
BEGIN;
SELECT id FROM photos WHERE id = 11 FOR UPDATE;
SELECT pg_sleep(2);
ROLLBACK;
"""


@pytest.fixture
def doors(stack: Stack) -> Iterator[Doors]:
    with open_doors(stack.home) as opened:
        yield opened


def test_the_busiest_statements_have_plans(doors: Doors, darkroom: Darkroom) -> None:
    """Feeds that nobody has asked for yet are read from the replica, by an index."""
    over = threading.Event()

    def readers() -> None:
        while not over.is_set():
            darkroom.get("/api/feed", user=anybody())

    reader = threading.Thread(target=readers)
    reader.start()
    try:
        found = {(one.server, one.name): one for one in busiest(doors, over_s=2, most=20)}
    finally:
        over.set()
        reader.join()
    feed = found["postgres-replica", "feed"]
    assert feed.calls > 1
    assert 0 < feed.mean_s < 1
    assert feed.plan
    assert feed.scans == ()


def test_what_does_not_end_is_seen(doors: Doors, darkroom: Darkroom) -> None:
    """A like that waits for a lock for longer than one looks has not ended, and may never: it would
    be cancelled, and counted nowhere."""
    stack = doors.stack
    holder = threading.Thread(
        target=stack.psql, args=(LOCKED.replace("pg_sleep(2)", "pg_sleep(3)"),)
    )
    holder.start()
    waiting = threading.Thread(target=darkroom.like, args=(11, anybody()))
    try:
        until(lambda: _sleeps(stack), bool, "the lock is held")
        waiting.start()
        found = {one.name: one for one in busiest(doors, over_s=1, most=20)}
    finally:
        holder.join()
        waiting.join()
    assert found["like"].running == 1
    assert found["like"].longest_s > 0.5
    assert found["like"].share > 0.4


def _sleeps(stack: Stack) -> bool:
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    return stack.psql(asleep) != [["0"]]


def test_what_was_slow_is_in_the_log(stack: Stack, darkroom: Darkroom) -> None:
    """A like that waits for somebody's lock for a second or two."""
    begun = time.time()
    holder = threading.Thread(target=stack.psql, args=(LOCKED,))
    holder.start()
    try:
        until(lambda: _sleeps(stack), bool, "the lock is held")
        assert darkroom.like(11, anybody()).status_code < 300
    finally:
        holder.join()
    (like,) = [
        one
        for one in by_statement(slow_log(stack, since=begun, until=time.time() + 1))
        if one.name == "like"
    ]
    assert like.server == "postgres-primary"
    assert like.worst_s > 0.2
