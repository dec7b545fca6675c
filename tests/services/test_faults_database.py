"""drop_index against a real Postgres: what it leaves, what operators leave, and what it hides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import faults
from lab.command import CommandFailed
from lab.faults.drop_index import DropIndexParams
from lab.stack import Stack

pytestmark = pytest.mark.docker

INDEX = "photos_user_recent_idx"
COLUMNS = "(user_id, created_at DESC, id DESC)"
CHECKSUMS = "photos_checksum_idx"


def indexes(stack: Stack) -> dict[str, str]:
    """The definition of each index of the table, by name; invalid ones say so."""
    rows = stack.psql(
        "SELECT c.relname, pg_get_indexdef(c.oid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' "
        "END FROM pg_index i JOIN pg_class c ON c.oid = indexrelid "
        "WHERE indrelid = 'public.photos'::regclass"
    )
    return {name: definition for name, definition in rows}  # noqa: C416 - rows are lists


@pytest.fixture
def token(stack: Stack, request: pytest.FixtureRequest) -> Iterator[str]:
    """The token of a dropped index; afterwards the table has the indexes that it had."""
    before = indexes(stack)
    index = getattr(request, "param", INDEX)
    planned = faults.plan(stack, DropIndexParams(fault="drop_index", table="photos", index=index))
    assert indexes(stack) == before
    faults.inject(stack, "drop_index", planned)
    try:
        yield planned
    finally:
        stack.psql("DROP INDEX IF EXISTS operators_own")
        faults.heal(stack, "drop_index", planned)
    assert indexes(stack) == before


def test_it_is_gone_until_it_is_healed(stack: Stack, token: str) -> None:
    """The witness asks the database; healing twice is healing once."""
    assert INDEX not in indexes(stack)
    assert faults.active(stack, "drop_index", token)
    faults.heal(stack, "drop_index", token)
    assert not faults.active(stack, "drop_index", token)
    healed = indexes(stack)
    faults.heal(stack, "drop_index", token)
    assert indexes(stack) == healed


@pytest.mark.parametrize(
    ("token", "columns", "serves"),
    [
        (INDEX, COLUMNS, True),
        (INDEX, "(user_id DESC, created_at, id)", True),
        (INDEX, "(user_id, created_at)", True),
        (INDEX, "USING hash (user_id)", True),
        (INDEX, "(created_at)", False),
        (INDEX, f"{COLUMNS} WHERE user_id = 1", False),
        # The feed and the profile ask for what is ready; the worker, for all.
        (INDEX, f"{COLUMNS} WHERE status = 'ready'", False),
        (CHECKSUMS, "USING hash (checksum)", True),
        # The worker asks whether this picture has been rejected before, and nothing else.
        (CHECKSUMS, "(checksum) WHERE status = 'rejected'", True),
        (CHECKSUMS, "(checksum) WHERE status = 'ready'", False),
    ],
    ids=[
        *("the same", "in reverse", "shorter", "hash", "another", "of one user", "of some readers"),
        *("checksums by hash", "of those asked for", "of others"),
    ],
    indirect=["token"],
)
def test_an_operators_own_index_counts_where_it_is_used(
    stack: Stack, token: str, columns: str, *, serves: bool
) -> None:
    """By any name and in any form with which the planner finds what the application asks for about
    as cheaply, and only then."""
    stack.psql(f"CREATE INDEX CONCURRENTLY operators_own ON photos {columns}", timeout=120)
    assert faults.active(stack, "drop_index", token) is not serves


def test_an_interrupted_build_does_not_count(stack: Stack, token: str) -> None:
    """It leaves an invalid index of the very name, which serves nobody and is cleared away."""
    with pytest.raises(CommandFailed):
        stack.psql(
            f"SET statement_timeout = '200ms';CREATE INDEX CONCURRENTLY {INDEX} ON photos {COLUMNS}"
        )
    assert indexes(stack)[INDEX].endswith("INVALID")
    assert faults.active(stack, "drop_index", token)


def test_nothing_of_it_is_on_record_in_the_database(stack: Stack) -> None:
    """Neither pg_stat_statements nor the log tells who dropped it."""
    stack.psql("SELECT pg_stat_statements_reset()")
    params = DropIndexParams(fault="drop_index", table="photos", index=INDEX)
    planned = faults.plan(stack, params)
    faults.inject(stack, "drop_index", planned)
    assert faults.active(stack, "drop_index", planned)
    faults.heal(stack, "drop_index", planned)
    recorded = stack.psql("SELECT query FROM pg_stat_statements")
    for word in ("drop index", "create index", "pg_get_indexdef", "lock_timeout", "track"):
        assert not any(word in query.lower() for (query,) in recorded), word
    assert "DROP INDEX" not in stack.logs("postgres-primary", 200)
