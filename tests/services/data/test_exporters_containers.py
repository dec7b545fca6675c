"""What Prometheus learns about containers and about Redis."""

from __future__ import annotations

import time

import pytest

from tests.services.data.conftest import until

pytestmark = pytest.mark.docker

SERVICE = "redis-cache"


def series(rig, metric, service=SERVICE):
    """The series of one service's container."""
    return f'{metric}{{service="{service}",container="{rig.home.project}-{service}-1"}}'


def value(rig, metric, service=SERVICE):
    return rig.metrics("container-exporter").get(series(rig, metric, service))


def redis(rig, server):
    """One scrape of a Redis server through the exporter."""
    return rig.metrics("redis-exporter", f"9121/scrape?target=redis://redis-{server}:6379")


def fill(rig, server, count):
    """Set `count` keys to 100 KB of zeros each; what the server said."""
    lines = "".join(f"SETRANGE filling:{number} 99999 x\n" for number in range(count))
    return rig.stack.exec(server, ["redis-cli"], stdin=lines).stdout


def test_limits_are_the_ones_of_the_compose_file(rig):
    """CPU in cores, memory in bytes, as the kernel enforces them."""
    assert value(rig, "container_cpu_limit_cores", "postgres-primary") == pytest.approx(0.6)
    assert value(rig, "container_memory_limit_bytes", "postgres-primary") == 512 * 2**20
    assert value(rig, "container_cpu_limit_cores", "redis-broker") == pytest.approx(0.2)


def test_cpu_time_and_throttling_grow_with_work(rig):
    """A busy loop in a container shows as CPU up to its limit and as throttled periods."""
    before = rig.metrics("container-exporter")
    began = time.monotonic()
    rig.stack.container(SERVICE).exec_run(
        ["timeout", "20", "sh", "-c", "while :; do :; done"], detach=True
    )

    def grown(metric):
        return lambda: value(rig, metric) - before[series(rig, metric)]

    until(grown("container_cpu_throttled_periods_total"), lambda more: more > 5, "it is throttled")
    until(grown("container_cpu_seconds_total"), lambda more: more > 0.4, "it has used CPU")
    assert grown("container_cpu_seconds_total")() < 0.25 * (time.monotonic() - began) + 0.1
    assert grown("container_cpu_periods_total")() > 5


def test_memory_is_what_processes_hold(rig):
    """The working set leaves idle file cache out, and counts what a process allocates."""
    before = value(rig, "container_memory_working_set_bytes")
    assert before < value(rig, "container_memory_limit_bytes")
    fill(rig, SERVICE, 300)
    until(
        lambda: value(rig, "container_memory_working_set_bytes") - before,
        lambda more: more > 25e6,
        "30 MB more are in use",
    )
    assert value(rig, "container_memory_rss_bytes") > 25e6
    rig.stack.exec(SERVICE, ["redis-cli", "flushall"])


def test_a_paused_or_killed_container_is_down_at_once(rig):
    """container_up follows the engine within a second or two, and comes back."""
    container = rig.stack.container(SERVICE)
    for stop, start in ((lambda: rig.freeze(SERVICE), "unpause"), (container.kill, "start")):
        assert value(rig, "container_up") == 1
        stop()
        until(lambda: value(rig, "container_up"), lambda up: up == 0, f"down before {start}", 4)
        getattr(container, start)()
        until(lambda: value(rig, "container_up"), lambda up: up == 1, f"up after {start}", 4)
    rig.up(SERVICE)


def test_only_this_projects_containers_are_told(rig):
    """Neighbours on the same engine, other stacks too, stay out."""
    names = {line for line in rig.metrics("container-exporter") if line.startswith("container_up")}
    assert len(names) == len(rig.stack.project.states())
    assert all(rig.home.project in name for name in names)


def test_the_disk_under_the_volumes_is_told(rig):
    """Free and size, in bytes, with room for sanity."""
    seen = rig.metrics("container-exporter")
    assert 0 < seen["disk_free_bytes"] < seen["disk_size_bytes"]


def test_the_cache_evicts_and_the_broker_refuses(rig):
    """A full cache drops its oldest entries; a full broker loses none and says so."""
    assert "OOM" not in fill(rig, "redis-cache", 900)
    assert redis(rig, "cache")["redis_evicted_keys_total"] > 100
    assert "OOM" in fill(rig, "redis-broker", 900)
    assert redis(rig, "broker")["redis_evicted_keys_total"] == 0
    for server in ("redis-cache", "redis-broker"):
        rig.stack.exec(server, ["redis-cli", "flushall"])


def test_the_broker_keeps_tasks_through_a_kill(rig):
    """What was pushed a second ago is there after SIGKILL and a start."""
    rig.stack.exec("redis-broker", ["redis-cli", "lpush", "photos", "a task"])
    until(
        lambda: rig.stack.exec("redis-broker", ["redis-cli", "info", "persistence"]).stdout,
        lambda info: "aof_pending_bio_fsync:0" in info and "aof_buffer_length:0" in info,
        "the log is on its way to the disk",
    )
    rig.stack.container("redis-broker").kill()
    rig.up("redis-broker")
    assert "a task" in rig.stack.exec("redis-broker", ["redis-cli", "rpop", "photos"]).stdout


@pytest.mark.parametrize("how", ["pause", "kill"])
def test_a_redis_that_does_not_answer_is_down(rig, how):
    """redis_up is 0 within the scrape, which does not hang."""
    container = rig.stack.container("redis-cache")
    assert redis(rig, "cache")["redis_up"] == 1
    if how == "pause":
        rig.freeze(SERVICE)
    else:
        container.kill()
    try:
        assert redis(rig, "cache")["redis_up"] == 0
        assert redis(rig, "broker")["redis_up"] == 1
    finally:
        if how == "pause":
            container.unpause()
        else:
            rig.up("redis-cache")
