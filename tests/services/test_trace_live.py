"""A traced request tells its own way, on a real stack."""

from __future__ import annotations

import json
import time

import pytest

from lab.logs import written
from lab.stack import Stack
from lab.tracing.spans import Span, in_order
from lab.tracing.trace import TASK, Trace, follow
from tests.services.customer import Darkroom, until

pytestmark = pytest.mark.docker


def named(trace: Trace, name: str) -> Span:
    found = [one for one in trace.spans if one.name == name]
    assert found, f"{name!r} is not among {[one.name for one in trace.spans]}"
    return found[0]


def details(trace: Trace, name: str) -> list[str]:
    return [one.detail for one in trace.spans if one.name == name]


def above(trace: Trace, step: Span) -> list[str]:
    """The names of what `step` is a part of, the nearest first."""
    by_id = {one.id: one for one in trace.spans}
    names = []
    while step.parent in by_id:
        step = by_id[step.parent]
        names.append(step.name)
    return names


def test_a_read_tells_where_its_time_went(stack: Stack) -> None:
    """Wire, front door, API, cache, pool and statement: each within what it is a part of."""
    trace = follow(stack, "/api/feed", user=40_001)
    assert (trace.status, trace.notes) == (200, [])
    assert trace.spans[0].service == "you"
    statement = named(trace, "query feed")
    assert statement.detail == "postgres-replica"
    # Of the API, of the front door, and of the client.
    get, wait = "GET /api/feed", "wait for the answer"
    assert above(trace, statement) == [get, get, wait, get]
    assert named(trace, "cache get").detail == "miss"
    order = [one.name for _, one in in_order(trace.spans)]
    for before, after in (
        ("look up the name", "connect"),
        ("cache get", "wait for a connection"),
        ("wait for a connection", "query feed"),
        ("query feed", "cache put"),
    ):
        assert order.index(before) < order.index(after)
    by_id = {one.id: one for one in trace.spans}
    for one in trace.spans:
        whole = by_id.get(one.parent or "")
        # nginx rounds to whole milliseconds.
        assert whole is None or one.began >= whole.began - 0.002
        assert whole is None or one.ended <= whole.ended + 0.002
    again = follow(stack, "/api/feed", user=40_001)
    assert named(again, "cache get").detail == "hit"
    assert "query feed" not in [one.name for one in again.spans]


def test_an_upload_is_traced_through_the_queue(stack: Stack) -> None:
    """API, queue and worker are one trace: the worker's steps hang on the API's message."""
    trace = follow(stack, "/api/photos", user=41, upload=True)
    assert (trace.status, trace.notes) == (202, [])
    task = named(trace, TASK)
    assert task.service == "worker"
    assert above(trace, task)[0] == "enqueue"
    waited = named(trace, "wait in the queue")
    assert waited.began >= named(trace, "enqueue").began
    assert waited.ended <= task.began + 0.01
    for name in ("moderate", "render", "publish", "query job_finish", "cache forget"):
        steps = [one for one in trace.spans if one.name == name and one.service == "worker"]
        assert steps, name
        assert all(TASK in above(trace, one) for one in steps)


def test_a_wait_is_where_it_was(stack: Stack, darkroom: Darkroom) -> None:
    """A database that does not answer is a step that failed, and the one that stands in follows."""
    with darkroom.without("postgres-replica", "paused"):
        trace = until(
            lambda: follow(stack, "/api/feed", user=int(time.time()) % 40_000 + 2),
            lambda found: "postgres-primary" in details(found, "query feed"),
            "a read falls back on the primary",
        )
    silent = [one for one in trace.spans if one.failed and "postgres-replica" in one.detail]
    assert silent
    assert max(one.seconds for one in silent) > 0.5
    asked = [one for one in trace.spans if one.detail == "postgres-primary"]
    assert min(one.began for one in asked) >= silent[0].ended - 0.01


def test_nobody_else_is_traced(stack: Stack, darkroom: Darkroom) -> None:
    """A request that asks for no trace leaves no step in any log."""
    began = time.time() - 1
    request = darkroom.get("/api/feed", user=40_003).headers["x-request-id"]
    lines = until(
        lambda: [
            json.loads(line)
            for _, line in written(stack, since=began, until=time.time() + 1, about=request)
        ],
        lambda found: len(found) >= 2,
        "front door and API have written of it",
    )
    assert not any("context" in line for line in lines)
