"""The client that keeps sessions, on a made-up library; the real one: tests/services."""

from __future__ import annotations

import ctypes
import select
import socket
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from lab.faults import _sessions, hold_connections
from lab.faults.hold_connections import HoldConnections, HoldConnectionsToken
from lab.stack import Stack

NO_STACK: Stack = None  # type: ignore[assignment]  # only passed on


class Server:
    """What libpq talks to: `answer` is told the number of each attempt, and may refuse it. `now` is
    the client's clock, on which each attempt takes `takes` seconds."""

    def __init__(self, answer: Callable[[int], bool] = lambda _: True, takes: float = 0.01) -> None:
        self.answer = answer
        self.takes = takes
        self.now = 0.0
        self.tried = 0
        self.held: dict[int, tuple[socket.socket, socket.socket]] = {}
        self.most = 0

    def connect(self, _: bytes) -> int:
        self.tried += 1
        self.now += self.takes
        if self.answer(self.tried):
            self.held[self.tried] = socket.socketpair()
            self.most = max(self.most, len(self.held))
        return self.tried

    def consume(self, number: int) -> bool:
        return bool(self.held[number][0].recv(100))

    def end(self, number: int) -> None:
        self.held[number][1].close()

    def finish(self, number: int) -> None:
        for one in self.held.pop(number, ()):
            one.close()

    def look(self, *args: Any) -> Any:
        """Once the client only waits, everything is ended: so that it ends, too."""
        if args[-1] is None:
            for number in self.held:
                self.end(number)
        return _SELECT(*args)

    def library(self, _: str) -> SimpleNamespace:
        # Functions, because the client tells each what it takes and gives.
        return SimpleNamespace(
            PQconnectdb=lambda conninfo: self.connect(conninfo),
            PQexec=lambda *_: 1,
            PQstatus=lambda number: int(number not in self.held),
            PQsocket=lambda number: self.held[number][0].fileno(),
            PQfinish=lambda number: self.finish(number),
            PQconsumeInput=lambda number: self.consume(number),
        )

    def pause(self, seconds: float) -> None:
        self.now += seconds


_SELECT = select.select


def run(monkeypatch: pytest.MonkeyPatch, server: Server, count: int) -> None:
    """Let the client open `count` sessions, and end them when it has opened what it will."""
    monkeypatch.setattr(sys, "argv", ["-", "host=x", "", str(count)])
    monkeypatch.setattr(ctypes, "CDLL", server.library)
    monkeypatch.setattr(select, "select", server.look)
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: server.now)
        patched.setattr(time, "sleep", server.pause)
        exec(_sessions._CLIENT, {})  # noqa: S102 - as the container does


@pytest.mark.parametrize("takes", [0.01, 4.0])
def test_it_opens_exactly_what_was_asked_for(monkeypatch: pytest.MonkeyPatch, takes: float) -> None:
    """However slowly they come, and though one in three is refused at first."""
    server = Server(lambda number: number % 3 != 0, takes)
    run(monkeypatch, server, 20)
    assert (server.most, server.held) == (20, {})


def test_it_gives_up_where_the_rest_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has it keeps; ten seconds without another one are enough."""
    server = Server(lambda number: number <= 7)
    run(monkeypatch, server, 20)
    assert server.most == 7
    assert 10 <= server.now < 11


def test_a_message_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers say things of their own accord, to sessions that go on."""

    def chatty(number: int) -> bool:
        if number == 3:
            server.held[1][1].send(b"the settings have changed")
        return True

    server = Server(chatty)
    run(monkeypatch, server, 5)
    assert server.most == 5


def test_what_somebody_ends_is_not_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator need not hurry after it."""

    def ending(number: int) -> bool:
        if number == 4:
            server.end(2)
        return True

    server = Server(ending)
    run(monkeypatch, server, 20)
    assert server.tried == 4


@pytest.mark.parametrize(
    ("held", "done"),
    [
        (20, []),
        (19, ["end client", "end sessions", "open 20"]),
        (0, ["end client", "end sessions", "open 20"]),
    ],
)
def test_two_clients_never_make_it_too_many(
    monkeypatch: pytest.MonkeyPatch, held: int, done: list[str]
) -> None:
    """Injected again, whoever is still opening some is ended first, with what it has."""
    did: list[str] = []

    def quietly(_: Stack, statement: str, **__: str) -> list[list[str]]:
        if "terminate" in statement:
            did.append("end sessions")
        return [[str(pid)] for pid in range(held)]

    monkeypatch.setattr(hold_connections, "quietly", quietly)
    monkeypatch.setattr(hold_connections, "end_client", lambda *_: did.append("end client"))
    monkeypatch.setattr(
        hold_connections, "leave_open", lambda *_, count, **__: did.append(f"open {count}")
    )
    token = HoldConnectionsToken(
        connections=20, service="postgres-replica", application="report", minutes=5
    )
    HoldConnections().inject(NO_STACK, token)
    assert did == done
