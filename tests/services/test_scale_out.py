"""More replicas of the API, and more workers: found by themselves, measured each, missed by nobody
when they go."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from lab.command import run
from lab.prometheus import Prometheus
from lab.stack import Stack
from tests.services.customer import REPLICAS, Darkroom, until

pytestmark = pytest.mark.docker


@pytest.fixture
def prometheus(stack: Stack) -> Iterator[Prometheus]:
    with Prometheus(stack.url("prometheus")) as prometheus:
        yield prometheus


@pytest.fixture(autouse=True)
def only_the_declared(stack: Stack, prometheus: Prometheus) -> Iterator[None]:
    """Whatever happens, the stack is left with the replicas that it is declared with, and nobody
    remembers others: the next one may get the address of one that has just gone."""
    yield
    stack.up()
    until(
        lambda: by(prometheus, "nginx:upstream_up", "upstream"),
        lambda seen: seen == dict.fromkeys(REPLICAS, 1.0),
        "only the declared replicas are known",
    )


def scale(stack: Stack, count: int, service: str = "api") -> None:
    """As an operator does it, with docker compose alone."""
    argv = ["docker", "compose", "-p", stack.home.project, "--env-file", str(stack.home.env_file)]
    up = ["up", "--detach", "--no-recreate", "--no-deps", "--scale", f"{service}={count}"]
    run([*argv, *up, service], timeout=90, cwd=stack.home.root)


def extras(stack: Stack) -> list[str]:
    """What the front door and Prometheus call the replicas that are there beyond the declared."""
    network = stack.project.network
    return sorted(
        f"api@{one['NetworkSettings']['Networks'][network]['IPAddress']}"
        for one in stack.project.containers("api")
        if one["State"] == "running"
    )


def by(prometheus: Prometheus, signal: str, label: str) -> dict[str, float]:
    return {sample.labels[label]: sample.value for sample in prometheus.query(signal)}


def answered_by(stack: Stack, darkroom: Darkroom, count: int) -> Counter[str]:
    """Who answered so many requests, by the front door's own log."""
    ids = {darkroom.get("/api/users/1").headers["x-request-id"] for _ in range(count)}
    said = until(
        lambda: [line for line in stack.logs("nginx", 500).splitlines() if '"request_id"' in line],
        lambda lines: sum(json.loads(line)["request_id"] in ids for line in lines) == count,
        "the front door has logged them",
    )
    lines = (json.loads(line) for line in said)
    return Counter(line["upstream"] for line in lines if line["request_id"] in ids)


def test_replicas_come_serve_and_go(
    stack: Stack, darkroom: Darkroom, prometheus: Prometheus
) -> None:
    """Two more replicas get their share within seconds and are measured each by its own name;
    one that is sent away leaves no trace, no error and no alarm."""
    declared = dict.fromkeys(REPLICAS, 1.0)
    scale(stack, 2)
    five = declared | dict.fromkeys(extras(stack), 1.0)
    assert len(five) == 5
    for signal, label in (("nginx:upstream_up", "upstream"), ("api:up", "service")):
        until(
            lambda signal=signal, label=label: by(prometheus, signal, label),  # type: ignore[misc]
            lambda seen: seen == five,
            f"{signal} has all five",
            within=20,
        )
    shares = answered_by(stack, darkroom, 50)
    assert shares == dict.fromkeys(five, 10)

    scale(stack, 1)
    [left] = extras(stack)
    four = declared | {left: 1.0}
    answers = [darkroom.get("/api/users/1").status_code for _ in range(30)]
    assert set(answers) == {200}
    for signal, label in (("nginx:upstream_up", "upstream"), ("api:up", "service")):
        until(
            lambda signal=signal, label=label: by(prometheus, signal, label),  # type: ignore[misc]
            lambda seen: seen == four,
            f"{signal} has forgotten the one that left",
        )
    assert prometheus.query('ALERTS{alertname="UpstreamDown",alertstate="firing"}') == []
    assert all(state.ok for state in stack.services())


def test_an_extra_replica_is_checked_like_the_others(
    stack: Stack, darkroom: Darkroom, prometheus: Prometheus
) -> None:
    """One that freezes is taken out and seen to be out; killed, it is gone and not down."""
    scale(stack, 1)
    [name] = extras(stack)

    def up() -> dict[str, float]:
        return by(prometheus, "nginx:upstream_up", "upstream")

    until(up, lambda seen: seen.get(name) == 1, "it has joined")
    extra = stack.container("api")
    with darkroom.without("api", "paused"):
        until(up, lambda seen: seen.get(name) == 0, "it is out of rotation")
        assert set(answered_by(stack, darkroom, 12)) == set(REPLICAS)
    until(up, lambda seen: seen.get(name) == 1, "it is back")
    extra.kill()
    until(up, lambda seen: name not in seen, "it is gone")
    assert up() == dict.fromkeys(REPLICAS, 1)
    assert [state.name for state in stack.services() if not state.ok] == []


def test_every_worker_is_measured(stack: Stack, prometheus: Prometheus) -> None:
    """Each is asked for its own numbers: no counter jumps from one's to another's."""
    scale(stack, 3, "worker")
    until(
        lambda: prometheus.query('up{job="worker"} == 1'),
        lambda found: len(found) == 3,
        "three workers are measured",
    )
    (jumps,) = prometheus.query("sum(resets(process_cpu_seconds_total{job='worker'}[15s]))")
    assert jumps.value == 0
    assert by(prometheus, "container:up", "service")["worker"] == 1


def test_up_sends_the_extra_ones_away(stack: Stack) -> None:
    """`lab up`, and so `lab restore`, brings back exactly what is declared."""
    scale(stack, 2)
    assert len(stack.project.containers("api")) == 2
    assert "api" not in stack.expected
    states = stack.up()
    assert stack.project.containers("api") == []
    assert [state.name for state in states] == stack.expected
