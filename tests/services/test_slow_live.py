"""Where the databases' time goes, asked of real ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from lab.doors import Doors, open_doors
from lab.plans import plan_of, planned
from lab.slow import by_statement, slow_log
from lab.stack import Stack
from lab.statements import SERVERS, busiest, glance
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
        busy = busiest(doors, over_s=2, most=20)
        found = {(one.server, one.name): one for one in planned(doors.stack, busy, within_s=60)}
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


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT id FROM photos WHERE user_id = $1", True),
        ("SELECT id FROM photos WHERE user_id = $1;", True),
        ("UPDATE photos SET status = $1 WHERE id = $2", True),
        ("SELECT 1; CREATE TABLE owned (id int)", False),
        ("SELECT 1; DROP TABLE likes", False),
        ("SELECT 1 \\! touch /tmp/owned", False),
        ("SELECT 1 \\g /tmp/owned", False),
        ("CREATE TABLE owned AS SELECT 1", None),
        ("SELECT rolpassword FROM pg_authid", False),
        ("SELECT pg_read_file('/etc/passwd')", None),
        ("COMMIT; DROP TABLE likes", False),
        ("RESET ROLE", False),
        ("$ask$ $$ ' \" \\ :photos", False),
        ("(ANALYZE) SELECT pg_sleep(4)", False),
        ("", False),
    ],
)
def test_other_peoples_statements_are_explained_and_nothing_else(
    stack: Stack, server: str, query: str, told: bool | None
) -> None:
    """One statement, by who may do what the application may, and never carried out: whatever else
    it says has no plan, and leaves nothing, in the database, in the container, in the statistics or
    in the log."""
    begun = time.time()
    before = _footprint(stack, server)
    plan = plan_of(stack, server, query)
    assert time.time() - begun < 4
    if told is not None:
        assert bool(plan) is told, plan
    assert _footprint(stack, server) == before
    assert "ask" not in stack.logs(server, since=begun, until=time.time() + 1)


def _footprint(stack: Stack, server: str) -> list[object]:
    """What is there of tables, files, and statements that were counted."""
    tables = stack.psql("SELECT relname FROM pg_class WHERE relkind = 'r' ORDER BY 1")
    owned = stack.exec(server, ["sh", "-c", "ls /tmp/owned* 2>/dev/null"]).stdout
    counted = "SELECT count(*) FROM pg_stat_statements WHERE query ~ 'EXPLAIN|ask|owned'"
    return [tables, owned, stack.psql(counted, service=server)]


def test_what_runs_is_told_though_the_database_drowns(doors: Doors) -> None:
    """At once, and with a table that is locked: nothing waits for what everybody waits for."""
    stack = doors.stack
    locked = "BEGIN; LOCK photos IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(12); ROLLBACK"
    holder = threading.Thread(target=stack.psql, args=(locked,))
    holder.start()
    try:
        until(lambda: _sleeps(stack), bool, "the lock is held")
        begun = time.monotonic()
        assert None not in glance(stack).values()
        assert time.monotonic() - begun < 3
        assert plan_of(stack, "postgres-primary", "SELECT id FROM photos") == ()
        assert time.monotonic() - begun < 6
    finally:
        holder.join()
