"""What whoever comes by the published port may have of what is scarce; the customers, who come over
the stack's own network, are never limited."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

MEGABYTE = 1024 * 1024
TRACEPARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"

INSIDE = """
import select, socket, sys
held = []
for _ in range(int(sys.argv[2])):
    one = socket.create_connection((sys.argv[1], 8080), 5)
    one.sendall(b"POST /api/photos HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 2000000\\r\\n\\r\\n")
    held.append(one)
answered, _, _ = select.select(held, [], [], 2)
print([one.recv(12) for one in answered])
"""
"""Uploads that begin and do not end, by somebody in the stack; says which were answered."""


@contextmanager
def sending(door: Any, head: str) -> Iterator[socket.socket]:
    """An upload that has begun and does not end: its connection."""
    with socket.create_connection((door.http.base_url.host, door.http.base_url.port), 5) as one:
        one.sendall(f"POST /api/photos HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
        yield one


def answers(sent: Sequence[socket.socket], within: float = 1) -> list[str]:
    """What was said to those of these uploads that did not go on, until no more is said."""
    waiting, said = list(sent), list[str]()
    while (ready := select.select(waiting, [], [], within)[0]) and waiting:
        said += [one.recv(65536).decode() for one in ready]
        waiting = [one for one in waiting if one not in ready]
    return said


def test_large_uploads_do_not_fill_the_disk(door: Any) -> None:
    """Two of them at a time, of whatever length; the others are told so, and a small one gets
    through."""
    with ExitStack() as held:
        heads = (f"Content-Length: {5 * MEGABYTE}", "Transfer-Encoding: chunked")
        large = [held.enter_context(sending(door, head)) for head in heads * 3]
        said = answers(large)
        assert len(said) == len(large) - 2
        for answer in said:
            assert answer.startswith("HTTP/1.1 429 ")
            assert "application/problem+json" in answer
            assert "Retry-After: 1" in answer
            assert "no room for another" in answer
        assert door.http.post("/api/photos", content=bytes(900_000)).status_code == 200
        assert door.http.get("/api/feed").status_code == 200
    door.until(
        lambda: door.http.post("/api/photos", content=bytes(2 * MEGABYTE)).status_code,
        lambda status: status == 200,
        "there is room again",
        5,
    )


def test_slow_uploads_do_not_fill_the_memory(door: Any) -> None:
    """Bodies that come drop by drop: 32 of them at a time, whatever they are for."""
    with ExitStack() as held:
        slow = [held.enter_context(sending(door, "Content-Length: 900000")) for _ in range(40)]
        said = answers(slow)
        assert len(said) == 8
        assert all(one.startswith("HTTP/1.1 429 ") for one in said)
        assert door.http.post("/api/photos/1/like", content=b"x").status_code == 429
        assert door.http.get("/api/feed").status_code == 200


def test_customers_are_never_limited(door: Any) -> None:
    """Whatever they send at once: they are the night, and come from one address."""
    code, said = door.replicas["api-1"].exec_run(["python3", "-c", INSIDE, door.name, "50"])
    assert (code, said.decode().strip()) == (0, "[]")


def test_traced_requests_do_not_fill_the_logs(door: Any) -> None:
    """A burst is traced, and then one a second; all are answered, as if they had not asked."""
    asked = [door.http.get("/api/feed", headers={"traceparent": TRACEPARENT}) for _ in range(60)]
    assert {one.status_code for one in asked} == {200}
    traced = [one.json()["headers"].get("traceparent") for one in asked]
    assert set(traced) == {TRACEPARENT, None}
    assert 20 <= traced.count(TRACEPARENT) <= 40
    assert traced[:20] == [TRACEPARENT] * 20
    door.until(
        lambda: door.http.get("/api/feed", headers={"traceparent": TRACEPARENT}).json()["headers"],
        lambda headers: headers.get("traceparent") == TRACEPARENT,
        "one a second is traced",
        5,
    )


def test_what_is_traced_inside_stays_traced(door: Any) -> None:
    """A customer that brings a trace along keeps it, however many do."""
    curl = ["curl", "-fsS", "-H", f"traceparent: {TRACEPARENT}"]
    address = f"http://{door.name}:8080/api/feed?[1-40]"
    code, said = door.replicas["api-1"].exec_run([*curl, address])
    assert code == 0
    answers = [json.loads(line) for line in said.decode().replace("}}{", "}}\n{").splitlines()]
    assert len(answers) == 40
    assert all(one["headers"]["traceparent"] == TRACEPARENT for one in answers)
