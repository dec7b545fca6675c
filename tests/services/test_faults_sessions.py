"""Sessions that somebody forgot, and a replica that somebody paused, on the real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import faults
from lab.command import CommandFailed
from lab.errors import Failed
from lab.faults import FaultParams
from lab.faults.hold_connections import HoldConnectionsParams
from lab.faults.lock_table import LockTableParams
from lab.faults.pause_replay import PauseReplayParams
from lab.faults.redis_maxmemory import RedisMaxmemoryParams
from lab.stack import Stack
from tests.services.customer import until

pytestmark = pytest.mark.docker

EVERYBODYS = 50

HELD = 10
"""Few enough that they are free whatever went before: a pool of Darkroom's keeps for minutes what
it has opened, up to 33 in all on one server; whoever looks takes some more."""


@pytest.fixture
def broken(stack: Stack, request: pytest.FixtureRequest) -> Iterator[str]:
    """The token of a fault that was injected, twice as after a crash, and is there."""
    params: FaultParams = request.param
    token = faults.plan(stack, params)
    assert not faults.active(stack, params.fault, token)
    faults.heal(stack, params.fault, token)
    try:
        for _ in range(2):
            faults.inject(stack, params.fault, token)
            until(
                lambda: faults.active(stack, params.fault, token),
                bool,
                "the witness confirms it",
            )
        with pytest.raises(Failed):
            faults.plan(stack, params)
        yield token
    finally:
        for _ in range(2):
            faults.heal(stack, params.fault, token)
            assert not faults.active(stack, params.fault, token)
        until(lambda: clients(stack), lambda found: not found, "no client is left")


def clients(stack: Stack) -> str:
    """The processes in the primary's container that are no server of Postgres's."""
    return stack.exec("postgres-primary", ["pgrep", "-f", "^python3 - "]).stdout


READ = "SET lock_timeout = '300ms'; SELECT count(*) FROM notifications"
WRITE = "SET lock_timeout = '300ms'; UPDATE {} SET created_at = created_at WHERE false"


@pytest.mark.parametrize(
    "broken", [LockTableParams(fault="lock_table", table="notifications")], indirect=True
)
def test_a_locked_table_is_for_nobody(stack: Stack, broken: str) -> None:
    """An operator finds an idle session of psql's, and ends it with what Postgres has for that."""
    with pytest.raises(CommandFailed, match="lock timeout"):
        stack.psql(READ)
    ((pid, state, name),) = stack.psql(
        "SELECT pid, state, application_name FROM pg_stat_activity WHERE pid IN "
        "(SELECT pid FROM pg_locks WHERE relation = 'notifications'::regclass AND granted)"
    )
    assert (state, name) == ("idle in transaction", "psql")
    stack.psql(f"SELECT pg_terminate_backend({pid}, 20000)")
    assert not faults.active(stack, "lock_table", broken)
    stack.psql(READ)


@pytest.mark.parametrize(
    "broken", [LockTableParams(fault="lock_table", table="likes", mode="SHARE")], indirect=True
)
@pytest.mark.usefixtures("broken")
def test_a_shared_lock_lets_readers_in(stack: Stack) -> None:
    """Only writers wait."""
    stack.psql("SET lock_timeout = '300ms'; SELECT 1 FROM likes LIMIT 1")
    with pytest.raises(CommandFailed, match="lock timeout"):
        stack.psql(WRITE.format("likes"))


def test_a_lock_of_no_table_cannot_be_planned(stack: Stack) -> None:
    """The message names it."""
    with pytest.raises(Failed, match="no_such_table"):
        faults.plan(stack, LockTableParams(fault="lock_table", table="no_such_table"))


def test_healing_a_lock_leaves_other_sessions_alone(stack: Stack) -> None:
    """Whoever is in the middle of something else goes on."""
    params = LockTableParams(fault="lock_table", table="notifications")
    other = LockTableParams(fault="lock_table", table="idempotency_keys")
    tokens = {one.table: faults.plan(stack, one) for one in (params, other)}
    try:
        for token in tokens.values():
            faults.inject(stack, "lock_table", token)
            until(
                lambda token=token: faults.active(stack, "lock_table", token),  # type: ignore[misc]
                bool,
                "it is locked",
            )
        faults.heal(stack, "lock_table", tokens["notifications"])
        assert not faults.active(stack, "lock_table", tokens["notifications"])
        assert faults.active(stack, "lock_table", tokens["idempotency_keys"])
    finally:
        for token in tokens.values():
            faults.heal(stack, "lock_table", token)


@pytest.mark.parametrize(
    "broken",
    [
        HoldConnectionsParams(fault="hold_connections", connections=HELD, service=service)
        for service in ("postgres-primary", "postgres-replica")
    ],
    indirect=True,
    ids=["primary", "replica"],
)
def test_connections_are_held_by_an_ordinary_name(
    stack: Stack, broken: str, request: pytest.FixtureRequest
) -> None:
    """Exactly as many as were asked for, idle, of the application's role, although they were asked
    for twice; whoever ends them has mended it."""
    service = request.node.callspec.params["broken"].service
    held = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'report' AND usename = 'darkroom' AND state = 'idle'"
    )
    until(
        lambda: stack.psql(held, service=service),
        lambda rows: rows == [[str(HELD)]],
        f"{HELD} are held",
    )
    assert len(clients(stack).split()) == 1, "nobody is left who would open more"
    stack.psql(
        "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity "
        "WHERE application_name = 'report'",
        service=service,
    )
    assert not faults.active(stack, "hold_connections", broken)


def connect(stack: Stack) -> str:
    """What Postgres says to one more connection of the application's role."""
    psql = "psql -h postgres-primary -U darkroom -c 'SELECT 1' darkroom"
    login = f'PGPASSWORD="$(cat /run/secrets/postgres_app)" {psql}'
    return stack.exec("postgres-primary", ["sh", "-c", login]).stderr


def test_superusers_get_in_when_all_is_held(stack: Stack) -> None:
    """More than there are cannot be planned; with all of them taken, healing works."""
    params = HoldConnectionsParams(fault="hold_connections", connections=EVERYBODYS)
    with pytest.raises(Failed, match=str(EVERYBODYS)):
        faults.plan(stack, params.model_copy(update={"connections": EVERYBODYS + 1}))
    token = faults.plan(stack, params)
    # What Darkroom's pools still have of earlier tests; they ask again when they need one.
    stack.psql(
        "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE usename = 'darkroom'"
    )
    try:
        faults.inject(stack, "hold_connections", token)
        until(lambda: connect(stack), lambda said: "reserved" in said, "none is left")
        assert faults.active(stack, "hold_connections", token)
    finally:
        faults.heal(stack, "hold_connections", token)
    assert not faults.active(stack, "hold_connections", token)


@pytest.mark.parametrize("broken", [PauseReplayParams(fault="pause_replay")], indirect=True)
def test_a_paused_replica_falls_behind(stack: Stack, broken: str) -> None:
    """What is written on the primary is not seen there until somebody resumes it."""
    late = "SELECT now() - at > '2s' FROM heartbeat"

    def behind() -> list[list[str]]:
        return stack.psql(late, service="postgres-replica")

    until(behind, lambda rows: rows == [["t"]], "it is behind")
    stack.psql("SELECT pg_wal_replay_resume()", service="postgres-replica")
    assert not faults.active(stack, "pause_replay", broken)
    until(behind, lambda rows: rows == [["f"]], "it has caught up")


@pytest.mark.parametrize(
    "broken",
    [
        RedisMaxmemoryParams(fault="redis_maxmemory", mib=3),
        RedisMaxmemoryParams(fault="redis_maxmemory", mib=3, policy="noeviction"),
    ],
    indirect=True,
    ids=["evicts", "refuses"],
)
def test_a_server_with_too_little_memory(stack: Stack, broken: str) -> None:
    """It evicts or refuses what it is given; whoever raises the limit has mended it."""
    refused = '"policy":"noeviction"' in broken
    fill = "for i = 1, 60 do redis.pcall('SET', i, string.rep('x', 100000), 'PX', 60000) end"
    for words in (["EVAL", fill, "0"], ["SET", "probe", "1", "PX", "60000"]):
        said = stack.exec("redis-cache", ["redis-cli", *words]).stdout
    assert ("OOM" in said) is refused
    stack.exec("redis-cache", ["redis-cli", "CONFIG", "SET", "maxmemory", "32mb"])
    assert not faults.active(stack, "redis_maxmemory", broken)
    faults.heal(stack, "redis_maxmemory", broken)
    limit = stack.exec("redis-cache", ["redis-cli", "CONFIG", "GET", "maxmemory"]).stdout.split()[1]
    policy = stack.exec("redis-cache", ["redis-cli", "CONFIG", "GET", "maxmemory-policy"]).stdout
    # The operator's own limit stays.
    assert int(limit) == 32 * 2**20
    assert "allkeys-lru" in policy
    stack.exec("redis-cache", ["redis-cli", "CONFIG", "SET", "maxmemory", "64mb"])
    stack.exec("redis-cache", ["redis-cli", "UNLINK", "probe", *map(str, range(1, 61))])


def test_nothing_of_it_is_on_record(stack: Stack) -> None:
    """Neither pg_stat_statements nor the log tells who locked it; the process list not what for."""
    stack.psql("SELECT pg_stat_statements_reset()")
    token = faults.plan(stack, params := LockTableParams(fault="lock_table", table="notifications"))
    faults.inject(stack, "lock_table", token)
    try:
        until(lambda: faults.active(stack, "lock_table", token), bool, "it is locked")
        recorded = stack.psql("SELECT query FROM pg_stat_statements")
        for word in ("lock table", "pg_locks", "to_regclass"):
            assert not any(word in query.lower() for (query,) in recorded), word
        assert "import" not in stack.exec("postgres-primary", ["ps", "-eo", "args"]).stdout
    finally:
        faults.heal(stack, params.fault, token)
    assert "LOCK TABLE" not in stack.logs("postgres-primary", 200)
