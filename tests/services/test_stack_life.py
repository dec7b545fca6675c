"""The stack comes up from whatever somebody left, and goes back to what it was at first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import engine
from lab.command import run
from lab.errors import LabError
from lab.stack import ServiceState, Stack

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module", autouse=True)
def left_pristine(stack: Stack) -> Iterator[None]:
    """The tests after these find the stack as it was at first."""
    yield
    stack.reset()
    stack.up()


@pytest.fixture(autouse=True)
def found_up(stack: Stack) -> None:
    """Each of these tests begins with a stack that is up, whatever the one before left."""
    stack.up()


def ill(services: list[ServiceState]) -> list[str]:
    return [f"{one.name} {one.state} {one.health}" for one in services if not one.ok]


def test_up_from_a_wreck(stack: Stack):
    """Killed, paused, stopped, removed, cut off, and back on the network under no name: all of
    them come back with one `up`."""
    network = engine.client().networks.get(stack.project.network)
    stack.container("postgres-primary").kill()
    stack.container("api-1").pause()
    stack.container("worker").stop(timeout=1)
    stack.container("redis-cache").remove(force=True)
    network.disconnect(stack.container("nginx"))
    nameless = stack.container("redis-broker")
    network.disconnect(nameless)
    network.connect(nameless)
    assert len(ill(stack.services())) >= 5
    assert ill(stack.up()) == []
    found = stack.exec("api-1", ["getent", "hosts", "redis-broker"])
    assert found.code == 0, found.stderr


def test_up_when_all_is_well_changes_nothing(stack: Stack):
    """No container is replaced or restarted by an `up` that has nothing to do."""
    before = {service.name: service.container_id for service in stack.services()}
    started = {name: stack.container(name).attrs["State"]["StartedAt"] for name in before}
    stack.up()
    assert {service.name: service.container_id for service in stack.services()} == before
    assert {name: stack.container(name).attrs["State"]["StartedAt"] for name in before} == started


def test_up_with_other_passwords(stack: Stack):
    """A new clone in the place of an old one has passwords of its own, and the old one's stack is
    up: everything is started with the new ones, and the data is still there."""
    for password in stack.home.secrets.iterdir():
        password.unlink()
    photos = stack.psql("SELECT count(*) FROM photos")
    assert ill(stack.up()) == []
    assert stack.psql("SELECT count(*) FROM photos") == photos


def test_plain_compose_brings_it_up(stack: Stack):
    """After the first set-up the lab is not needed: docker compose alone gives a healthy stack."""
    stack.down()
    argv = ["docker", "compose", "-p", stack.home.project, "--env-file", str(stack.home.env_file)]
    run([*argv, "up", "--detach", "--wait"], timeout=180, cwd=stack.home.root)
    assert ill(stack.services()) == []


def test_reset_gives_back_what_was_there_at_first(stack: Stack):
    """Rows, settings, indexes, cache, queue and photos of an incident are gone; both databases
    have the pristine ones and the replica streams."""
    index = "SELECT count(*) FROM pg_indexes WHERE indexname = 'photos_user_recent_idx'"
    rows = "SELECT count(*), sum(likes) FROM photos"
    # What infra/postgres/seed.sql makes, whatever other tests have done to this stack since.
    pristine = [["1000000", "157832"]]
    stack.psql("DROP INDEX photos_user_recent_idx; UPDATE photos SET likes = 7 WHERE id < 1000")
    stack.psql("ALTER SYSTEM SET work_mem = '1234kB'")
    stack.exec("redis-cache", ["redis-cli", "SET", "somebody", "was here"])
    stack.exec("redis-broker", ["redis-cli", "RPUSH", "photos", "a task"])
    stack.exec("api-1", ["sh", "-c", "mkdir -p /media/public/5 && touch /media/public/5/thumb.jpg"])
    stack.reset()
    for server in ("postgres-primary", "postgres-replica"):
        assert stack.psql(rows, service=server) == pristine
        assert stack.psql(index, service=server) == [["1"]]
    assert stack.psql("SHOW work_mem") != [["1234kB"]]
    assert stack.psql("SELECT state FROM pg_stat_replication") == [["streaming"]]
    assert stack.exec("redis-cache", ["redis-cli", "GET", "somebody"]).stdout.strip() == ""
    assert stack.exec("redis-broker", ["redis-cli", "LLEN", "photos"]).stdout.strip() == "0"
    assert stack.exec("api-1", ["find", "/media", "-name", "*.jpg"]).stdout == ""


def test_reset_of_a_stack_that_is_half_down(stack: Stack):
    """Reset does not need a stack that is well: what is down is replaced like the rest."""
    stack.container("postgres-replica").kill()
    stack.container("redis-cache").pause()
    stack.container("api-1").kill()
    assert ill(stack.reset()) == []
    assert stack.psql("SELECT state FROM pg_stat_replication") == [["streaming"]]


def test_a_port_that_somebody_has(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    """An explicitly chosen port that is taken is refused before anything is touched."""
    taken = stack.url("prometheus").rpartition(":")[2]
    monkeypatch.setenv("LAB_NGINX_PORT", taken)
    monkeypatch.setenv("LAB_PROMETHEUS_PORT", taken)
    before = [service.container_id for service in stack.services()]
    with pytest.raises(LabError, match="another service"):
        stack.up()
    assert [service.container_id for service in stack.services()] == before
