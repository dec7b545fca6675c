"""What services write about requests becomes events with a beginning and a duration."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from lab.logs import Event, parse, slower_than
from lab.screen.lines import hops_table
from lab.screen.sparkline import Bar

AT = datetime(2026, 11, 20, 3, 0, 10, tzinfo=UTC).timestamp()
NGINX = {
    "time": "2026-11-20T03:00:10.000+00:00",
    "request_id": "abc",
    "method": "POST",
    "uri": "/api/photos",
    "status": 202,
    "request_time": 0.25,
    "upstream": "api-3, api-1",
}
API = {
    "service": "api",
    "replica": "api-1",
    "method": "POST",
    "path": "/api/photos",
    "status": 202,
    "duration_ms": 200.0,
    "request_id": "abc",
    "at": "2026-11-20T03:00:10.000000Z",
    "message": "request",
}
WORKER = {
    "status": "ready",
    "waited_ms": 4000,
    "duration_ms": 500,
    "photo_id": 7,
    "request_id": "abc",
    "at": "2026-11-20T03:00:15.000000Z",
    "message": "photo processed",
    "service": "worker",
}


def event(service: str, fields: dict[str, object]) -> Event:
    found = parse(service, json.dumps(fields))
    assert found is not None
    return found


def test_a_photo_that_comes_once_more_was_done_before() -> None:
    """A task that is delivered again has nothing to do: no outcome "None", and no failure."""
    again = event("worker", {**WORKER, "status": None, "message": "photo was processed before"})
    assert (again.outcome, again.failed) == ("done before", False)
    assert event("worker", {**WORKER, "status": "failed"}).failed


def test_a_line_is_written_at_the_end() -> None:
    """What took a while began before its line was written."""
    assert event("nginx", NGINX).began == pytest.approx(AT - 0.25)
    assert event("api-1", API).began == pytest.approx(AT - 0.2)


def test_what_waited_in_the_queue_is_apart_from_what_it_took() -> None:
    """Four seconds in the queue, half a second of work."""
    photo = event("worker", WORKER)
    assert (photo.waited, photo.seconds) == (4.0, 0.5)
    assert photo.began == pytest.approx(AT + 4.5)


def test_a_second_attempt_of_the_front_door_is_told() -> None:
    """Both replicas that were asked, in their order."""
    assert event("nginx", NGINX).detail == "to api-3, api-1"


@pytest.mark.parametrize(
    ("status", "failed"), [(200, False), (404, False), (429, True), (503, True)]
)
def test_what_is_a_failure(status: int, failed: bool) -> None:
    """A bad request is the customer's; being turned away is not."""
    assert event("api-2", {**API, "status": status}).failed is failed


def test_remarks_keep_what_they_say() -> None:
    """A line about a moment has no duration; a warning is a failure."""
    said = {"message": "not ready", "level": "warning", "at": API["at"], "failing": ["primary"]}
    remark = event("api-1", said)
    assert (remark.what, remark.seconds, remark.failed) == ("not ready", None, True)
    assert "primary" in remark.detail


def test_the_front_door_tells_of_its_upstreams() -> None:
    """What a health check has found is a line of nginx that is about no request."""
    said = {
        "time": NGINX["time"],
        "level": "warning",
        "event": "upstream api-3 marked down by active check: timeout",
        "upstream": "api-3",
    }
    remark = event("nginx", said)
    assert remark.what.startswith("upstream api-3 marked down")
    assert (remark.began, remark.failed, remark.request_id) == (pytest.approx(AT), True, None)


@pytest.mark.parametrize("path", ["/ready", "/health", "/metrics"])
def test_probes_are_nobodys_requests(path: str) -> None:
    """They come all the time and say nothing about customers."""
    assert parse("api-1", json.dumps({**API, "path": path})) is None


@pytest.mark.parametrize("line", ["", "Traceback:", "[1]", "7"])
def test_what_is_no_event_is_left_out(line: str) -> None:
    """Start-up words and stack traces are for `docker compose logs`."""
    assert parse("api-1", line) is None
    assert parse("postgres-primary", json.dumps(API)) is None


@pytest.mark.parametrize(
    ("service", "fields"),
    [
        ("nginx", {**NGINX, "status": "odd"}),
        ("nginx", {"request_time": 0.1}),
        ("nginx", {**NGINX, "request_time": "nan"}),
        ("nginx", {**NGINX, "time": 5}),
        ("api-1", {**API, "at": "yesterday"}),
        ("api-1", {**API, "path": ["/"]}),
        ("api-1", {**API, "duration_ms": 1e400}),
        ("worker", {**WORKER, "duration_ms": None}),
        ("worker", {"at": "9999-12-31T23:59:59-14:00", "message": {}, "level": [], "x": 1e999}),
    ],
)
def test_a_line_that_only_looks_like_one_is_left_out(
    service: str, fields: dict[str, object]
) -> None:
    """Whoever runs in a container writes what they like: that is no reason to show nothing."""
    found = parse(service, json.dumps(fields))
    assert found is None or found.what == "{}"


def test_a_line_that_is_nested_without_end_is_left_out() -> None:
    """As any other that is no JSON."""
    assert parse("api-1", "[" * 100_000) is None


def test_the_slowest_come_first() -> None:
    """Waiting counts like working."""
    found = [event("nginx", NGINX), event("worker", WORKER), event("api-1", API)]
    assert [one.service for one in slower_than(found, 0.22)] == ["worker", "nginx"]


def test_a_way_is_told_in_the_order_in_which_it_began() -> None:
    """Front door, API, queue: whatever was written first."""
    hops = [event("worker", WORKER), event("api-1", API), event("nginx", NGINX)]
    with Path(os.devnull).open("w") as nowhere:
        screen = Console(width=200, record=True, file=nowhere)
        screen.print(hops_table(hops))
    lines = screen.export_text().splitlines()[1:]
    assert [line.split()[2] for line in lines] == ["nginx", "api-1", "worker"]
    assert "500 ms after 4 s" in lines[2]


@pytest.mark.parametrize(
    ("stretch", "drawn"),
    [
        ((0, 10, 0, 10), "█" * 10),
        ((0, 0, 9.99, 10), " " * 9 + "█"),
        ((5, 5, 0, 10), "·····█████"),
        ((0, 0, 0, 0), "█"),
    ],
)
def test_a_bar_stays_in_its_columns(stretch: tuple[float, ...], drawn: str) -> None:
    """Waiting is dotted, work is solid, and what took no time is still seen."""
    assert Bar(*stretch).drawn(10).plain == drawn
