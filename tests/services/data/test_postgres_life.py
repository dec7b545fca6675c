"""Primary and replica through kills, losses and resets."""

from __future__ import annotations

import time

import pytest

from tests.services.data.conftest import until

pytestmark = pytest.mark.docker

PRIMARY, REPLICA = "postgres-primary", "postgres-replica"


def write(rig, title):
    """A row that the application could have written."""
    rig.sql(f"INSERT INTO albums (user_id, title) VALUES (1, '{title}')")  # noqa: S608 - our own


def titles(rig, server=PRIMARY):
    """What `write` has written, as `server` sees it."""
    found = rig.stack.psql("SELECT title FROM albums WHERE id > 100000", service=server)
    return {title for (title,) in found}


def said(rig, service, since):
    """What a service has logged since a time."""
    return rig.stack.container(service).logs(since=since).decode()


def test_an_acknowledged_write_outlives_a_killed_primary(rig):
    """After SIGKILL and a start, the row is there and the replica streams again by itself."""
    write(rig, "before the kill")
    rig.stack.container(PRIMARY).kill()
    rig.up(PRIMARY)
    rig.until_following()
    assert "before the kill" in titles(rig)
    assert "before the kill" in titles(rig, REPLICA)
    until(
        lambda: rig.sql("SELECT now() - at < interval '2 s' FROM heartbeat", REPLICA),
        lambda fresh: fresh == "t",
        "the heart beats again",
    )


def test_a_killed_replica_catches_up(rig):
    """What was written while it was dead arrives once it is started."""
    rig.stack.container(REPLICA).kill()
    write(rig, "while the replica was dead")
    rig.up(REPLICA)
    rig.until_following()
    assert "while the replica was dead" in titles(rig, REPLICA)


def test_a_new_container_on_old_data_does_not_seed_again(rig):
    """A warm start takes the volume as it is."""
    write(rig, "before the new container")
    rig.stack.project.compose("rm", "--stop", "--force", PRIMARY)
    rig.up(PRIMARY)
    assert "before the new container" in titles(rig)
    assert "copying" not in rig.stack.logs(PRIMARY, 200)


def test_a_stop_is_clean_and_does_not_wait_for_clients(rig):
    """`docker stop` ends an open session and leaves with exit code 0, on both servers."""
    for service in (PRIMARY, REPLICA):
        container = rig.stack.container(service)
        began = time.time()
        container.exec_run(["psql", "-c", "SELECT pg_sleep(600)"], detach=True)
        until(
            lambda server=service: rig.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'sleep.600'", server
            ),
            lambda count: count == "2",
            "a session is open",
        )
        container.stop(timeout=15)
        container.reload()
        assert container.attrs["State"]["ExitCode"] == 0
        assert "database system is shut down" in said(rig, service, began)


def test_a_replica_that_lost_its_volume_is_rebuilt(rig):
    """With the WAL since the image gone, it copies the primary, and then follows."""
    write(rig, "before the loss")
    rig.sql("SELECT pg_switch_wal(); CHECKPOINT; SELECT pg_switch_wal(); CHECKPOINT")
    rig.until_following()
    rig.forget(REPLICA)
    rig.up(REPLICA)
    rig.until_following()
    assert "before the loss" in titles(rig, REPLICA)


def test_a_replica_whose_wal_is_gone_is_rebuilt(rig):
    """Where the slot promises what the primary's disk has no more, nobody waits for it."""
    rig.stack.container(REPLICA).stop(timeout=15)
    write(rig, "while it was away")
    oldest = rig.sql("SELECT pg_walfile_name(restart_lsn) FROM pg_replication_slots")
    rig.sql("SELECT pg_switch_wal(); CHECKPOINT")
    folder = "/var/lib/postgresql/data/cluster/pg_wal"
    gone = rig.stack.exec(PRIMARY, ["rm", f"{folder}/{oldest}"])
    assert gone.code == 0, gone.stderr
    rig.up(REPLICA)
    rig.until_following()
    assert "while it was away" in titles(rig, REPLICA)


def test_a_replica_left_behind_for_too_long_is_rebuilt(rig):
    """When the slot had to give up its WAL to protect the disk, the replica starts over."""
    rig.stack.container(REPLICA).stop(timeout=15)
    rig.sql("ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'; SELECT pg_reload_conf()")
    try:
        for _ in range(4):
            rig.sql("SELECT pg_logical_emit_message(false, 'x', 'x'); SELECT pg_switch_wal()")
        rig.sql("CHECKPOINT")
        assert rig.sql("SELECT wal_status FROM pg_replication_slots") == "lost"
        rig.up(REPLICA)
        rig.until_following()
        assert rig.sql("SELECT wal_status FROM pg_replication_slots") == "reserved"
    finally:
        rig.sql("ALTER SYSTEM RESET ALL; SELECT pg_reload_conf()")


def test_a_replica_notices_that_its_primary_was_reset(rig):
    """A primary from the image is another life: the old replica does not mix the two."""
    write(rig, "in the old life")
    rig.until_following()
    rig.forget(PRIMARY)
    rig.up(PRIMARY)
    write(rig, "in the new life")
    until(
        lambda: rig.answers("SELECT title FROM albums WHERE id > 100000", REPLICA),
        lambda title: title == "in the new life",
        "the replica is of the new life",
        within=60,
    )
    rig.until_following()
    assert titles(rig, REPLICA) == {"in the new life"}


def test_a_reset_of_both_is_pristine_without_a_base_backup(rig):
    """Both start from the image's cluster; the slot holds what the primary wrote since."""
    write(rig, "to be forgotten")
    began = time.time()
    rig.forget(PRIMARY, REPLICA)
    rig.up(PRIMARY, REPLICA)
    rig.until_following()
    assert titles(rig) == titles(rig, REPLICA) == set()
    assert "rebuilding" not in said(rig, REPLICA, began)


def test_two_servers_never_share_a_volume(rig):
    """A second container on a volume in use refuses to start."""
    done = rig.stack.project.compose("ps", "-q", PRIMARY)
    assert done.stdout.strip()
    container = rig.stack.container(PRIMARY)
    second = container.client.containers.run(
        container.image,
        detach=True,
        environment={"ROLE": "primary"},
        volumes={f"{rig.home.project}_primary-data": {"bind": "/var/lib/postgresql/data"}},
    )
    try:
        assert second.wait(timeout=20)["StatusCode"] == 1
        assert "another container runs on this volume" in second.logs().decode()
    finally:
        second.remove(force=True, v=True)
    assert rig.sql("SELECT 1") == "1"


def test_an_unhealthy_replica_says_so(rig):
    """While the primary is away the replica's health check fails, though reads still work."""
    rig.stack.container(PRIMARY).stop(timeout=15)
    until(
        lambda: rig.stack.exec(REPLICA, ["/opt/server/healthy.sh"]).code,
        lambda code: code == 1,
        "the health check fails",
    )
    assert rig.sql("SELECT count(*) FROM users", REPLICA) == "50000"
