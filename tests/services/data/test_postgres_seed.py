"""What a pristine database holds, and who may do what with it."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.docker

# Of every seeded row; another value means other data, and recorded histories and answers may shift.
PHOTOS_DIGEST = "3986500577802385772405"


@pytest.fixture(scope="module", autouse=True)
def pristine(only_rig):
    """Both servers as they come from the image."""
    only_rig.forget("postgres-primary", "postgres-replica")
    only_rig.up("postgres-primary", "postgres-replica")


def test_the_seed_is_a_million_photos_over_fifty_thousand_users(rig):
    """Two builds hold the same rows: counts and a digest over all photos are constants."""
    counts = rig.stack.psql(
        """SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM albums),
                  (SELECT count(*) FROM follows), (SELECT count(*) FROM likes),
                  count(*), sum(hashtextextended(photos::text, 0)::numeric) FROM photos"""
    )
    assert counts == [["50000", "100000", "499778", "157832", "1000000", PHOTOS_DIGEST]]


def test_seeded_rows_keep_every_promise_of_the_schema(rig):
    """Foreign keys, owners of albums and counters of likes hold, though nothing checked them."""
    broken = rig.stack.psql(
        """SELECT 'photo without user' FROM photos AS p
               WHERE NOT EXISTS (SELECT FROM users WHERE id = p.user_id)
           UNION ALL SELECT 'album of somebody else' FROM photos AS p
               JOIN albums AS a ON a.id = p.album_id WHERE a.user_id <> p.user_id
           UNION ALL SELECT 'follow without user' FROM follows AS f
               WHERE NOT EXISTS (SELECT FROM users WHERE id = f.followee_id)
           UNION ALL SELECT 'likes miscounted' FROM photos AS p LEFT JOIN
               (SELECT photo_id, count(*) AS n FROM likes GROUP BY 1) AS l ON l.photo_id = p.id
               WHERE p.likes <> coalesce(l.n, 0)
           UNION ALL SELECT 'like without user' FROM likes AS l
               WHERE NOT EXISTS (SELECT FROM users WHERE id = l.user_id)
           UNION ALL SELECT 'photo of the future' FROM photos WHERE created_at > now()"""
    )
    assert broken == []


@pytest.mark.parametrize("server", ["postgres-primary", "postgres-replica"])
def test_a_users_newest_photos_come_from_the_index(rig, server):
    """On both servers, reading the newest photos of a busy user takes a few pages."""
    ((plan,),) = rig.stack.psql(
        """EXPLAIN (ANALYZE, BUFFERS, FORMAT json)
           SELECT * FROM photos WHERE user_id = 1 ORDER BY created_at DESC, id DESC LIMIT 20""",
        service=server,
    )
    top = json.loads(plan)[0]["Plan"]
    assert top["Plans"][0]["Index Name"] == "photos_user_recent_idx"
    assert top["Shared Hit Blocks"] + top["Shared Read Blocks"] < 30


def test_nothing_is_left_to_do_for_vacuum_and_analyze(rig):
    """Statistics are there and every page is frozen and visible, so first queries are fast ones."""
    ((pages, visible, rows),) = rig.stack.psql(
        "SELECT relpages, relallvisible, reltuples::int FROM pg_class WHERE relname = 'photos'"
    )
    assert pages == visible
    assert rows == "1000000"


def test_data_pages_carry_checksums(rig):
    """A torn or rotten page is noticed instead of served."""
    assert rig.sql("SHOW data_checksums") == "on"
    assert rig.sql("SHOW fsync") == "on"


def test_the_application_may_work_with_rows_and_nothing_else(rig):
    """Its role reads and writes its tables, cannot change the schema, and is bounded in time."""
    done = rig.as_role("darkroom", "postgres_app", "SHOW statement_timeout")
    assert done == (0, "5s\n")
    code, _ = rig.as_role("darkroom", "postgres_app", "SELECT * FROM users, likes LIMIT 1")
    assert code == 0
    for forbidden in ("DROP INDEX photos_user_recent_idx", "CREATE TABLE t ()"):
        code, said = rig.as_role("darkroom", "postgres_app", forbidden)
        assert code != 0
        assert "must be owner" in said or "permission denied" in said


@pytest.mark.parametrize(
    ("role", "secret"),
    [("darkroom", "postgres_monitor"), ("postgres", "postgres_app"), ("replicator", "redis_cache")],
)
def test_the_network_needs_the_right_password(rig, role, secret):
    """A wrong password is refused, and the superuser is refused whatever it says."""
    code, _ = rig.as_role(role, secret, "SELECT 1")
    assert code != 0


@pytest.mark.parametrize("service", ["postgres-primary", "postgres-replica", "redis-cache"])
def test_passwords_are_not_in_sight(rig, service):
    """Neither `docker inspect` nor a process list shows a password."""
    inspected = json.dumps(rig.stack.container(service).attrs)
    running = json.dumps(rig.stack.container(service).top(ps_args="-ef"))
    for path in rig.home.secrets.iterdir():
        password = path.read_text(encoding="utf-8")
        assert password not in inspected
        assert password not in running
