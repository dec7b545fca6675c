"""nginx before the real replicas, as Prometheus and the logs of all services see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from lab.prometheus import Prometheus
from lab.stack import Stack

Until = Callable[..., Any]


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    """The front door."""
    with httpx.Client(base_url=stack.url("nginx"), timeout=15) as client:
        yield client


def upstreams_up(stack: Stack) -> dict[str, float]:
    """The signal that tells which replicas are in rotation."""
    with Prometheus(stack.url("prometheus")) as prometheus:
        samples = prometheus.query("nginx:upstream_up")
    return {sample.labels["upstream"]: sample.value for sample in samples}


@pytest.mark.parametrize(
    ("hurt", "mend"), [("kill", "start"), ("pause", "unpause")], ids=["killed", "frozen"]
)
def test_lost_replica_shows_and_is_spared(
    stack: Stack, http: httpx.Client, until: Until, hurt: str, mend: str
) -> None:
    """A killed or frozen replica is seen down within 10 s, costs no more errors, and comes back."""
    everyone = {"api-1": 1, "api-2": 1, "api-3": 1}
    until(lambda: upstreams_up(stack), lambda up: up == everyone, "all are up", 20)
    replica = stack.container("api-2")
    getattr(replica, hurt)()
    try:
        until(
            lambda: upstreams_up(stack),
            lambda up: up == everyone | {"api-2": 0},
            "api-2 is seen down, and only that",
            10,
        )
        answers = [
            http.get(f"/api/users/{user}", headers={"X-User-Id": "1"}) for user in range(1, 31)
        ]
        assert {answer.status_code for answer in answers} == {200}
        assert max(answer.elapsed.total_seconds() for answer in answers) < 2
    finally:
        getattr(replica, mend)()
    until(lambda: upstreams_up(stack), lambda up: up == everyone, "api-2 is back", 20)


def test_one_id_tells_the_story_in_every_log(
    stack: Stack, http: httpx.Client, until: Until
) -> None:
    """The id in the answer is in nginx's line and in the line of the replica that it names."""
    answer = http.get("/api/users/1", headers={"X-User-Id": "1"})
    request_id = answer.headers["X-Request-ID"]

    def lines(service: str) -> list[dict[str, Any]]:
        said = stack.logs(service, 200).splitlines()
        return [json.loads(line) for line in said if request_id in line]

    [line] = until(lambda: lines("nginx"), bool, "a line of nginx's", 5)
    assert (line["status"], line["user_id"]) == (200, "1")
    [line] = until(lambda: lines(line["upstream"]), bool, "a line of the replica's", 5)
    assert (line["request_id"], line["status"]) == (request_id, 200)


def test_inner_paths_of_the_api_are_closed(http: httpx.Client) -> None:
    """Customers reach the API and its description, not its metrics and health."""
    assert http.get("/openapi.json").status_code == 200
    for path in ("/metrics", "/ready"):
        answer = http.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
