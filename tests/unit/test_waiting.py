"""Who waits hears for what, and nobody waits for ever: the engine, Prometheus and customers that
take a call and never answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import engine, waiting
from lab.command import CommandFailed, run
from lab.errors import MachineLacks
from lab.load import Load, LoadUnavailable
from lab.logs import events
from lab.prometheus import Prometheus, PrometheusUnavailable
from lab.stack import Stack
from lab.tracing.trace import follow


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What somebody who types commands is told, in a hurry."""
    lines: list[str] = []
    monkeypatch.setattr(waiting, "AFTER_S", 0.05)
    waiting.listen(lines.append)
    yield lines
    waiting._listener.clear()


class Frozen:
    """Takes every call. Answers those of `answers` by the path that they ask for, the others
    never."""

    def __init__(self, listening: socket.socket, answers: dict[str, str]) -> None:
        self._listening = listening
        self._answers = answers
        self._held: list[socket.socket] = []
        listening.listen(20)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                call, _ = self._listening.accept()
            except OSError:
                return
            self._held.append(call)
            threading.Thread(target=self._answer, args=(call,), daemon=True).start()

    def _answer(self, call: socket.socket) -> None:
        while asked := call.recv(65536).decode(errors="replace"):
            path = asked.split(" ")[1]
            for ending, body in self._answers.items():
                if path.endswith(ending):
                    head = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
                    call.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}".encode())

    def close(self) -> None:
        for one in (self._listening, *self._held):
            one.close()


@pytest.fixture
def frozen_url() -> Iterator[str]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = Frozen(listening, {})
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.close()


@pytest.fixture
def engine_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    """An engine that answers what is given, and nothing else; it is waited for a second."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "e.sock"))
    server = Frozen(listening, request.param)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/e.sock")
    monkeypatch.setattr(engine, "PATIENCE_S", 1)
    monkeypatch.setattr(engine, "_silent_until", [0.0])
    engine.client.cache_clear()
    yield
    engine.client.cache_clear()
    server.close()


NOTHING: dict[str, str] = {}
PINGS = {"/version": '{"ApiVersion": "1.41"}', "/_ping": "OK"}
"""As an engine does that waits for itself."""


@pytest.mark.parametrize("engine_that", [NOTHING], indirect=True)
@pytest.mark.usefixtures("engine_that")
def test_an_engine_that_never_answers_is_asked_once(heard: list[str]) -> None:
    """Said while it is waited for; whoever asks next knows at once."""
    with pytest.raises(engine.Silent):
        engine.client()
    assert heard == ["waiting for the Docker engine, 1 s at most"]
    begun = time.monotonic()
    for _ in range(5):
        with pytest.raises(engine.Silent):
            Stack().project.containers()
    assert time.monotonic() - begun < 0.5


@pytest.mark.parametrize("engine_that", [NOTHING], indirect=True)
@pytest.mark.usefixtures("engine_that")
def test_whether_it_answers_by_now_is_asked_anew() -> None:
    """`lab up` and `lab doctor` want to know how it is, and not how it was."""
    with pytest.raises(engine.Silent):
        engine.client()
    begun = time.monotonic()
    assert engine.reach() is engine.Reach.STUCK
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize("engine_that", [PINGS], indirect=True)
@pytest.mark.usefixtures("engine_that")
def test_an_engine_that_only_answers_pings_is_silent(heard: list[str]) -> None:
    """What the SDK raises then is none of its own errors, and would be a traceback."""
    with pytest.raises(engine.Silent):
        Stack().project.containers()
    with pytest.raises(MachineLacks, match="takes calls"):
        events(Stack(), since=time.time() - 10, until=time.time())
    assert "waiting for the Docker engine, 1 s at most" in heard


@pytest.mark.parametrize("engine_that", [NOTHING], indirect=True)
@pytest.mark.usefixtures("engine_that")
def test_a_traced_request_is_told_without_the_engine(frozen_url: str, heard: list[str]) -> None:
    """What was seen from outside, and that nobody could be asked about the rest."""
    from lab.tracing import wire

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "ANSWER_S", 0.5)
        trace = follow(Stack(), f"{frozen_url}/api/feed")
    assert trace.status is None
    assert [one.name for one in trace.spans][:2] == ["GET /api/feed", "look up the name"]
    assert "has not answered" in trace.notes[0]
    assert any(line.startswith("waiting for the answer") for line in heard)


def test_prometheus_and_customers_that_never_answer_are_waited_for_aloud(
    frozen_url: str, heard: list[str]
) -> None:
    """For as long as is said, and then they are unknown."""
    with pytest.raises(PrometheusUnavailable):
        Prometheus(frozen_url, timeout=0.5).query("up")
    with pytest.raises(LoadUnavailable):
        Load(frozen_url, timeout=0.5).state()
    assert heard == [
        "waiting for Prometheus, 5 s at most",
        "waiting for the customers, 5 s at most",
    ]


def test_a_command_that_takes_its_time_is_named(heard: list[str]) -> None:
    """And its deadline."""
    with pytest.raises(CommandFailed):
        run(["sleep", "30"], timeout=2)
    assert heard == ["waiting for `sleep 30`, 2 s at most"]


def test_the_same_is_not_said_for_each_of_many_questions(frozen_url: str, heard: list[str]) -> None:
    """Twenty questions are one wait."""
    for _ in range(4):
        with pytest.raises(PrometheusUnavailable):
            Prometheus(frozen_url, timeout=0.2).query("up")
    assert len(heard) == 1
