"""One request, followed: its steps on the wire, and what services wrote of it, in one order."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import cast

import pytest
from rich.console import Console

from lab.errors import BadInput, Failed
from lab.logs import parse
from lab.screen.waterfall import waterfall, where_it_went
from lab.stack import Stack
from lab.tracing import spans as spans_module
from lab.tracing import wire
from lab.tracing.spans import Span, in_order, own_seconds, spans_of
from lab.tracing.trace import Trace
from lab.tracing.wire import Ask, Exchange, picture

TRACE = "0af7651916cd43dd8448eb211c80319c"
STEPS = [
    Span("you", None, "you", "GET /api/feed", 10.0, 1.0, "200"),
    Span("nginx", "you", "nginx", "GET /api/feed", 10.1, 0.9, "200 to api-2"),
    Span("a", "nginx", "api-2", "GET /api/feed", 10.1, 0.85),
    Span("b", "a", "api-2", "cache get", 10.1, 0.05, "miss"),
    Span("c", "a", "api-2", "query feed", 10.2, 0.7, "postgres-replica"),
]


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """An HTTP server that remembers the headers it was sent; /silent never answers."""
    gone = threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.append(dict(self.headers))
            asked_at.append(time.time())
            if self.path == "/silent":
                gone.wait(10)
                return
            self.send_response(503 if self.path == "/ill" else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    told: list[dict[str, str]] = []
    asked_at: list[float] = []
    made = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.told = told  # type: ignore[attr-defined]
    made.asked_at = asked_at  # type: ignore[attr-defined]
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    gone.set()
    made.shutdown()
    made.server_close()


def sent(server: ThreadingHTTPServer, path: str) -> Exchange:
    exchange = Exchange(Ask(f"http://localhost:{server.server_port}{path}", user=7))
    exchange.send()
    return exchange


def test_the_wire_is_timed_step_by_step(server: ThreadingHTTPServer) -> None:
    """Look-up, connection, request, waiting and answer follow each other within the whole."""
    exchange = sent(server, "/api/feed")
    whole, *steps = exchange.spans()
    assert [one.name for one in steps] == [
        "look up the name", "connect", "wait for the answer", "receive",
    ]  # fmt: skip
    assert (whole.detail, whole.failed) == ("200", False)
    for before, after in pairwise(steps):
        assert before.ended <= after.began
    assert whole.began <= steps[0].began
    assert steps[-1].ended <= whole.ended


def test_who_is_asked_begins_while_it_is_waited_for(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the one who asks is kept from going on, on a busy machine, once all is sent."""
    noted = Exchange._on_event

    def held_up(self: Exchange, event: str, info: dict[str, object]) -> None:
        if event == "http11.send_request_body.complete":
            time.sleep(0.1)
        noted(self, event, info)

    monkeypatch.setattr(Exchange, "_on_event", held_up)
    exchange = sent(server, "/api/feed")
    waited = next(one for one in exchange.spans() if one.id == exchange.waiting)
    assert waited.began <= server.asked_at[0] <= waited.ended  # type: ignore[attr-defined]


def test_the_trace_is_asked_for(server: ThreadingHTTPServer) -> None:
    """The request id is the trace's, and the parent is the client's own step."""
    exchange = sent(server, "/api/feed")
    headers = {name.lower(): value for name, value in server.told[0].items()}  # type: ignore[attr-defined]
    assert headers["x-request-id"] == exchange.trace_id
    assert headers["traceparent"] == f"00-{exchange.trace_id}-{exchange.id}-01"
    assert headers["x-user-id"] == "7"
    assert headers["host"] == f"localhost:{server.server_port}"


def test_an_error_is_an_answer(server: ThreadingHTTPServer) -> None:
    """What the service says of its trouble is shown as it is."""
    exchange = sent(server, "/ill")
    assert exchange.status == 503
    assert exchange.spans()[0].failed


def test_silence_is_shown(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that never answers leaves a step that failed, and says how long it was waited."""
    monkeypatch.setattr(wire, "ANSWER_S", 0.3)
    exchange = sent(server, "/silent")
    assert exchange.status is None
    failed = [one for one in exchange.spans() if one.failed]
    assert [one.name for one in failed] == ["GET /silent", "wait for the answer"]
    assert failed[0].detail == "no answer"
    assert failed[1].seconds >= 0.3


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://192.0.2.1/api/feed", "not on this machine"),
        ("ftp://127.0.0.1/", "is no address"),
        ("http://[host]/", "is no address"),
        ("http://127.0.0.1:9/\r\nX-User-Id: 1", "is no address"),
        ("http://127.0.0.1:9/" + "a" * 100_000, "is no address"),
        ("http://a..b/", "cannot be found"),
        ("http://" + "a" * 70 + ".com/", "cannot be found"),
        ("http://127.0.0.1:99999/", "is no address"),
        ("http://no-such-name.invalid/", "cannot be found"),
    ],
)
def test_nothing_is_sent_elsewhere(url: str, why: str) -> None:
    """Only this machine is asked; anything else is refused before a byte leaves."""
    with pytest.raises(BadInput, match=why):
        Exchange(Ask(url)).send()


def test_nobody_listens() -> None:
    """A closed port is said to be one, with what to do."""
    with pytest.raises(Failed, match="nobody answers") as caught:
        Exchange(Ask("http://127.0.0.1:1/")).send()
    assert "lab up" in (caught.value.remedy or "")


def test_no_two_pictures_are_alike() -> None:
    """The worker refuses the same picture over and over."""
    assert picture() != picture()


def test_steps_stand_below_what_they_are_a_part_of() -> None:
    """Depth first, and in the order of time; also where lines come in another order."""
    shuffled = [STEPS[index] for index in (4, 2, 0, 3, 1)]
    assert [(depth, one.id) for depth, one in in_order(shuffled)] == [
        (0, "you"), (1, "nginx"), (2, "a"), (3, "b"), (3, "c"),
    ]  # fmt: skip


def test_an_orphan_is_shown() -> None:
    """A step whose parent never wrote its line (it was killed) stands at the top."""
    orphan = Span("x", "killed", "worker", "render", 11.0, 1.0)
    assert (0, orphan) in in_order([*STEPS, orphan])


def test_a_step_has_what_its_parts_have_not() -> None:
    """Time is counted once, where parts overlap, too."""
    own = own_seconds(STEPS)
    assert own["c"] == pytest.approx(0.7)
    assert own["a"] == pytest.approx(0.85 - 0.05 - 0.7)
    together = [
        Span("p", None, "api-1", "p", 0.0, 1.0),
        Span("q", "p", "api-1", "q", 0.2, 0.4),
        Span("r", "p", "api-1", "r", 0.4, 0.9),
    ]
    assert own_seconds(together)["p"] == pytest.approx(0.2)


def test_most_of_it_is_named() -> None:
    """The reader is told which step to look at."""
    assert where_it_went(Trace(TRACE, "", 200, STEPS)) == (
        "query feed (api-2) took 700 ms, 70 % of 1 s"
    )


def test_what_the_client_did_not_wait_for_is_not_it() -> None:
    """An upload is answered before the worker has it, however long that takes."""
    later = Span("q", "a", "worker", "wait in the queue", 10.8, 9.0)
    assert where_it_went(Trace(TRACE, "", 202, [*STEPS, later])).startswith("query feed")


def test_the_waterfall_is_read_from_above() -> None:
    """Each step on its line, deeper ones further in, with what is worth saying."""
    screen = Console(width=140)
    with screen.capture() as captured:
        screen.print(waterfall(Trace(TRACE, "", 200, STEPS)))
    lines = captured.get().splitlines()
    assert len(lines) == 1 + len(STEPS)
    at = [line.rindex(one.name) for line, one in zip(lines[1:], STEPS, strict=True)]
    assert at[0] < at[1] < at[2] < at[3] == at[4]
    assert "postgres-replica" in lines[-1]
    assert "█" in lines[-1]


def test_lines_become_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The front door's line stands between the client and the API; other traces are left out."""
    api = {
        "name": "GET /api/feed",
        "context": {"trace_id": f"0x{TRACE}", "span_id": "0xa"},
        "parent_id": "0xyou",
        "start_time": "2026-11-20T03:00:10.100000Z",
        "end_time": "2026-11-20T03:00:10.950000Z",
        "status": {"status_code": "UNSET"},
        "attributes": {"http.response.status_code": 200},
        "resource": {"attributes": {"service.name": "api", "service.instance.id": "api-2"}},
    }
    query = {
        **api,
        "context": {"trace_id": f"0x{TRACE}", "span_id": "0xc"},
        "parent_id": "0xa",
        "name": "query feed",
        "status": {"status_code": "ERROR", "description": "TimeoutError: "},
        "attributes": {"server.address": "postgres-replica"},
    }
    another = {**api, "context": {"trace_id": "0xanother", "span_id": "0xa"}}
    door = {
        "time": "2026-11-20T03:00:11.000+00:00", "request_id": TRACE, "method": "GET",
        "uri": "/api/feed?limit=3", "status": 200, "request_time": 0.9, "upstream": "api-2",
    }  # fmt: skip
    said = [
        ("api-2", json.dumps(api).encode()),
        ("api-2", json.dumps(query).encode()),
        ("api-2", json.dumps(another).encode()),
        ("nginx", json.dumps(door).encode()),
        ("nginx", f"not JSON, and {TRACE}".encode()),
    ]
    monkeypatch.setattr(spans_module, "written", lambda *_, **__: said)
    found = spans_of(cast("Stack", None), TRACE, root="you", during="wait", since=0, until=1)
    assert [(one.name, one.parent, one.detail, one.failed) for one in found] == [
        ("GET /api/feed", "wait", "200 to api-2", False),
        ("GET /api/feed", "nginx", "200", False),
        ("query feed", "a", "postgres-replica: TimeoutError", True),
    ]
    assert (found[1].service, found[1].seconds) == ("api-2", pytest.approx(0.85))
    # A step is no request: such lines do not stand among those about requests.
    assert parse("api-2", json.dumps(api)) is None
    assert parse("worker", json.dumps(api)) is None
