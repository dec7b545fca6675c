"""What Prometheus learns about Postgres, above all when it is in trouble."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from tests.services.data.conftest import until

pytestmark = pytest.mark.docker

PRIMARY, REPLICA = "postgres-exporter-primary", "postgres-exporter-replica"
SCAN = "SELECT count(*) FROM photos WHERE title = 'x' OR bytes = 1"


@contextmanager
def clients(rig, count, statements):
    """`count` clients of the application's role that run `statements` without pause, and connect
    again when they are turned away."""
    primary = rig.stack.container("postgres-primary")
    script = (
        'one() { while cat /tmp/script; do :; done | psql -X "$TARGET" >/dev/null 2>&1; }\n'
        f"for i in $(seq {count}); do\n"
        "while :; do one; sleep 0.5; done &\ndone; wait"
    )
    busy = primary.client.containers.run(
        primary.image,
        ["sh", "-c", f"cat >/tmp/script <<'END'\n{statements};\nEND\n{script}"],
        detach=True,
        environment={
            "PGPASSWORD": (rig.home.secrets / "postgres_app").read_text("utf-8"),
            "TARGET": "host=postgres-primary user=darkroom dbname=darkroom",
        },
        network=f"{rig.home.project}_default",
    )
    try:
        yield
    finally:
        busy.remove(force=True, v=True)


def up(rig, exporter=PRIMARY):
    """`pg_up` of one scrape."""
    return rig.metrics(exporter)["pg_up"]


def test_statements_carry_the_name_that_the_application_gave_them(rig):
    """Calls and seconds are counted by the comment before the statement, else by its beginning."""
    for statement in ("/* feed */ SELECT 1", "/* feed */ SELECT 1, 2", "SELECT  'plain',\n 2"):
        assert rig.as_role("darkroom", "postgres_app", statement)[0] == 0
    feeds = 'pg_stat_statements_calls_total{statement="feed"}'
    seen = until(
        lambda: rig.metrics(PRIMARY), lambda seen: seen.get(feeds) == 2, "both feeds are counted"
    )
    assert seen['pg_stat_statements_seconds_total{statement="feed"}'] > 0
    assert seen['pg_stat_statements_calls_total{statement="SELECT $1, $2"}'] >= 1


def test_a_sequential_scan_shows_in_the_tables_counters(rig):
    """Rows read by scanning are told apart from rows found through an index."""
    series = 'pg_stat_user_tables_seq_tup_read{relname="photos"}'
    before = rig.metrics(PRIMARY)[series]
    rig.sql(SCAN)
    until(
        lambda: rig.metrics(PRIMARY)[series] - before,
        lambda rows: rows == 1_000_000,
        "a million rows were read",
    )


def test_an_index_has_a_series_as_long_as_it_exists(rig):
    """What an operator sees when an index is gone: its series ends."""
    series = 'pg_stat_user_indexes_idx_scan{relname="albums",indexrelname="albums_user_idx"}'
    assert series in rig.metrics(PRIMARY)
    rig.sql("DROP INDEX albums_user_idx")
    assert series not in rig.metrics(PRIMARY)
    rig.sql("CREATE INDEX albums_user_idx ON albums (user_id)")
    assert series in rig.metrics(PRIMARY)


def test_connections_locks_and_size_are_told(rig):
    """Connections by state count clients only; a waiting lock request is seen."""
    with clients(rig, 3, "UPDATE albums SET title = title WHERE id = 1; SELECT pg_sleep(0.2)"):
        seen = until(
            lambda: rig.metrics(PRIMARY),
            lambda seen: seen["pg_locks_waiting"] >= 0 and active(seen) >= 1,
            "active clients",
        )
    assert seen["pg_settings_max_connections"] == 60
    assert seen['pg_database_size_bytes{datname="darkroom"}'] > 300e6
    held = "BEGIN; LOCK TABLE likes; SELECT pg_sleep(1); COMMIT"
    with clients(rig, 2, held):
        until(
            lambda: rig.metrics(PRIMARY)["pg_locks_waiting"],
            lambda waiting: waiting == 1,
            "one client waits for the other's lock",
        )


def test_an_open_transaction_is_as_old_as_it_is(rig):
    """The longest one of each state, in seconds; nothing is open when nobody is there."""
    longest = 'pg_stat_activity_max_tx_duration{datname="darkroom",state="active"}'
    with clients(rig, 2, "SELECT pg_sleep(3)"):
        until(
            lambda: rig.metrics(PRIMARY)[longest],
            lambda seconds: 2 < seconds < 4,
            "a statement has been at work for more than two seconds",
        )
    until(lambda: rig.metrics(PRIMARY)[longest], lambda seconds: seconds < 1, "it is not any more")


def active(seen):
    return seen['pg_stat_activity_count{datname="darkroom",state="active"}']


def test_monitoring_gets_in_when_clients_hold_every_connection(rig):
    """The connections left for monitoring suffice, also for a new one."""
    with clients(rig, 60, "SELECT pg_sleep(1)"):
        _, said = until(
            lambda: rig.as_role("darkroom", "postgres_app", "SELECT 1"),
            lambda answer: answer[0] != 0,
            "no connection is left for clients",
        )
        assert "remaining connection slots" in said
        rig.stack.container(PRIMARY).restart(timeout=2)
        until(
            lambda: rig.stack.exec(PRIMARY, ["curl", "-s", "http://127.0.0.1:9187/health"]).code,
            lambda code: code == 0,
            "the exporter is there",
        )
        until(lambda: up(rig), lambda value: value == 1, "the exporter connects")
        # Clients come again each second: how many are in at one moment is the machine's affair.
        seen = until(
            lambda: rig.metrics(PRIMARY),
            lambda seen: seen["pg_up"] == 0 or active(seen) >= 40,
            "forty clients are in at once, and it with them",
        )
        assert seen["pg_up"] == 1


def test_a_server_without_cpu_to_spare_is_still_seen(rig):
    """With 30 clients scanning on 0.6 cores, it counts as up and values stay fresh."""
    assert up(rig) == 1
    with clients(rig, 30, SCAN):
        busy = until(
            lambda: rig.metrics(PRIMARY),
            lambda seen: seen["pg_up"] == 0 or active(seen) >= 25,
            "25 clients are active",
        )
        assert busy["pg_up"] == 1
        for _ in range(20):
            seen = rig.metrics(PRIMARY)
            assert seen["pg_up"] == 1
            assert seen["pg_scrape_age_seconds"] < 5


@pytest.mark.parametrize("how", ["pause", "kill"])
def test_a_server_that_does_not_answer_is_down(rig, how):
    """Paused or dead: pg_up is 0 within seconds, no old values, and no scrape hangs."""
    container = rig.stack.container("postgres-primary")
    if how == "pause":
        rig.freeze("postgres-primary")
    else:
        container.kill()
    try:
        until(lambda: up(rig), lambda value: value == 0, "pg_up is 0", within=10)
        assert set(rig.metrics(PRIMARY)) == {"pg_up"}
    finally:
        if how == "pause":
            container.unpause()
        else:
            rig.up("postgres-primary")
    until(lambda: up(rig), lambda value: value == 1, "pg_up is 1 again", within=60)


def test_lag_is_told_when_the_link_is_cut(rig):
    """Off the network, the replica's bytes behind and the heartbeat's age grow; back, they fall."""
    quiet = rig.metrics(PRIMARY)
    assert quiet["pg_replication_streaming"] == 1
    assert quiet["pg_replication_lag_bytes"] < 1e6
    network = rig.stack.container("postgres-replica").client.networks.get(
        f"{rig.home.project}_default"
    )
    replica = rig.stack.container("postgres-replica")
    network.disconnect(replica)
    try:
        rig.sql("SELECT pg_logical_emit_message(false, 'x', repeat('x', 3000000))")
        until(
            lambda: rig.metrics(PRIMARY),
            lambda seen: (
                seen["pg_replication_lag_bytes"] > 3e6 and seen["pg_replication_streaming"] == 0
            ),
            "the primary sees the replica fall behind",
            within=30,
        )
        age = rig.sql("SELECT extract(epoch FROM now() - at) FROM heartbeat", "postgres-replica")
        assert float(age) > 2
    finally:
        network.connect(replica, aliases=["postgres-replica"])
    until(
        lambda: rig.metrics(PRIMARY)["pg_replication_lag_bytes"],
        lambda lag: lag < 1e6,
        "the replica has caught up",
        within=30,
    )
    until(
        lambda: rig.metrics(REPLICA).get("pg_heartbeat_age_seconds", 99),
        lambda age: age < 2.5,
        "the heartbeat is fresh on the replica",
    )


def test_a_paused_replay_is_lag_too(rig):
    """A replica that receives but does not replay is behind, in bytes and in seconds."""
    rig.sql("SELECT pg_wal_replay_pause()", "postgres-replica")
    try:
        rig.sql("SELECT pg_logical_emit_message(true, 'x', repeat('x', 3000000))")
        until(
            lambda: rig.metrics(PRIMARY)["pg_replication_lag_bytes"],
            lambda lag: lag > 3e6,
            "the primary sees what is not replayed",
        )
        until(
            lambda: rig.metrics(REPLICA),
            lambda seen: (
                seen["pg_replication_replay_backlog_bytes"] > 3e6
                and seen["pg_heartbeat_age_seconds"] > 2
            ),
            "the replica sees it too",
        )
    finally:
        rig.sql("SELECT pg_wal_replay_resume()", "postgres-replica")
