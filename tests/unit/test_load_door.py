"""The runner's door to the customers, against a scripted server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from lab.load import Load, LoadRefused, LoadUnavailable

RUN = {
    "state": "running",
    "run_id": "a1",
    "seed": 4,
    "target_rate": 60.0,
    "interests": {"focus": 0.0, "fans": 0.0, "roam": 0.0},
    "started_at": "2026-11-01T03:00:00+00:00",
    "ends_at": "2026-11-01T03:10:00+00:00",
    "intended": 10,
    "started": 10,
    "completed": 8,
    "in_flight": 2,
    "outcomes": {"ok": 8},
    "reason": None,
}
LINE = {
    "at": "2026-11-01T03:00:01+00:00",
    "kind": "like",
    "user_id": 7,
    "photo_id": 42,
    "request_id": "r",
    "run_id": "a1",
}


class Script:
    """What the server answers to everything, and what it was asked."""

    status = 200
    body = b""
    declared: int | None = None

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, object]] = []

    def answers(self, status: int, body: object) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.declared = None


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def load(script: Script) -> Iterator[Load]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.asked.append((self.command, self.path, json.loads(sent) if sent else None))
            self.send_response(script.status)
            self.send_header("Content-Length", str(script.declared or len(script.body)))
            self.end_headers()
            self.wfile.write(script.body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with Load(f"http://127.0.0.1:{server.server_port}") as client:
        yield client
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_verb_reaches_the_control_api(load: Load, script: Script) -> None:
    """Start, change, extend, stop and look are each one request, and tell the run's state."""
    script.answers(201, RUN)
    states = [
        load.start(60, 600, 4, fans=0.1),
        load.set_rate(80),
        load.set_rate(80, focus=0.5),
        load.extend(120),
        load.stop(),
        load.state(),
    ]
    assert script.asked == [
        ("POST", "/run", {"rate": 60, "duration_s": 600, "seed": 4, "fans": 0.1}),
        ("PATCH", "/run", {"rate": 80}),
        ("PATCH", "/run", {"rate": 80, "focus": 0.5}),
        ("PATCH", "/run", {"duration_s": 120}),
        ("DELETE", "/run", None),
        ("GET", "/run", None),
    ]
    assert {state.run_id for state in states} == {"a1"}
    assert states[0].running
    assert states[0].to_dict() == RUN


def test_a_refusal_says_why(load: Load, script: Script) -> None:
    """A run in the way is bad input with the generator's own words and status."""
    script.answers(409, {"status": 409, "detail": "run a1 is under way"})
    with pytest.raises(LoadRefused, match="run a1 is under way") as refused:
        load.start(60, 600, 4)
    assert refused.value.status == 409
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, {"hello": 1}),
        (200, []),
        (502, b"bad gateway"),
        (500, {"detail": "x"}),
    ],
)
def test_an_answer_that_is_none_is_unknown(
    load: Load, script: Script, status: int, body: object
) -> None:
    """Somebody else's page, a proxy's error or a crash: the customers cannot be judged."""
    script.answers(status, body)
    with pytest.raises(LoadUnavailable) as unavailable:
        load.state()
    assert unavailable.value.exit_code == 3


def test_nobody_there_is_unknown() -> None:
    """A port where nobody listens is told with its address and a remedy."""
    with Load("http://127.0.0.1:9", timeout=1) as nobody:
        for ask in (nobody.state, nobody.ledger):
            with pytest.raises(LoadUnavailable, match=r"127\.0\.0\.1:9") as unavailable:
                ask()
            assert unavailable.value.remedy


def test_the_ledger_is_read_in_the_order_of_time(load: Load, script: Script) -> None:
    """Pages of several runs become one list, oldest first; absent fields are None."""
    late = LINE | {"at": "2026-11-01T04:00:00+00:00", "run_id": "a0"}
    script.answers(200, "\n".join(map(json.dumps, (late, LINE))).encode() + b"\n")
    entries = load.ledger()
    assert [entry.run_id for entry in entries] == ["a1", "a0"]
    assert entries[0].job_id is None
    load.ledger("a1")
    assert [path for _, path, _ in script.asked] == ["/ledger", "/ledger?run_id=a1"]


def test_an_empty_ledger_is_no_promise(load: Load, script: Script) -> None:
    """A run in which nothing was acknowledged has an empty ledger."""
    script.answers(200, b"")
    assert load.ledger("a1") == []


@pytest.mark.parametrize(
    "change",
    [
        {"photo_id": "1}'); DROP TABLE photos; --"},
        {"user_id": [7]},
        {"photo_id": 1.5},
        {"kind": "theft"},
        {"idempotency_key": 7},
        {"user_id": None},
    ],
)
def test_a_ledger_has_numbers_where_numbers_belong(
    load: Load, script: Script, change: dict[str, object]
) -> None:
    """What is looked up in the database is what it is said to be, or the line is damaged."""
    script.answers(200, json.dumps(LINE | change).encode() + b"\n")
    with pytest.raises(LoadUnavailable, match="line 1 of the ledger is damaged"):
        load.ledger()


def test_half_a_ledger_proves_nothing(load: Load, script: Script) -> None:
    """A damaged line, or a connection that ends too early, is unknown, never a short ledger."""
    whole = json.dumps(LINE).encode() + b"\n"
    script.answers(200, whole + b'{"at": "2026')
    with pytest.raises(LoadUnavailable, match="line 2"):
        load.ledger()
    script.answers(200, whole)
    script.declared = 10 * len(whole)
    with pytest.raises(LoadUnavailable):
        load.ledger()
    script.answers(404, {"detail": "no run 'zz' is on record"})
    with pytest.raises(LoadRefused, match="zz"):
        load.ledger("zz")
