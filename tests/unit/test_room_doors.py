"""Who gets into the control room, who opens it beside something else, and when it is forsaken."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from lab import incident
from lab.doors import Doors
from lab.home import Home
from lab.identity import born
from lab.progress import QUIET
from lab.room import beside
from lab.room.room import Room
from lab.room.server import Keeper, is_local


class TestDoor:
    @pytest.mark.parametrize(
        ("host", "local"),
        [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("x", False)],
    )
    def test_who_can_come_there(self, host: str, local: bool) -> None:
        """Anything that is not surely this machine asks for a token."""
        assert is_local(host) is local

    def test_the_token_opens(self) -> None:
        """Once in the address; then the browser remembers. Without it there is nothing to see."""

        async def inside(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"the room"})

        async def come() -> None:
            transport = httpx.ASGITransport(app=Keeper(inside, "s3cret"))
            async with httpx.AsyncClient(transport=transport, base_url="http://room") as client:
                for address in ("/", "/feed", "/?token=guess"):
                    assert (await client.get(address)).status_code == 403
                answer = await client.get("/night?token=s3cret")
                assert answer.status_code == 307
                assert answer.headers["location"] == "http://room/night"
                assert (await client.get("/night")).text == "the room"

        asyncio.run(come())

    def test_web_sockets_are_doors_too(self) -> None:
        """One without the token is closed before it is open."""
        sent: list[str] = []

        async def send(message: dict[str, object]) -> None:
            sent.append(str(message["type"]))

        async def never(*_: object) -> None:
            raise AssertionError("somebody is in")

        scope = {"type": "websocket", "headers": [], "query_string": b"", "path": "/"}
        asyncio.run(Keeper(never, "s3cret")(scope, never, send))  # type: ignore[arg-type]
        assert sent == ["websocket.close"]


class TestBeside:
    @pytest.fixture
    def home(self, tmp_path: Path) -> Home:
        made = Home(root=tmp_path, base=tmp_path / ".lab")
        made.prepare()
        return made

    @pytest.mark.parametrize("answers", [True, False])
    def test_one_is_enough(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, answers: bool
    ) -> None:
        """One that answers is taken; what only left its note is not."""
        monkeypatch.delenv("LAB_NO_ROOM", raising=False)
        begun: list[object] = []
        monkeypatch.setattr(beside.subprocess, "Popen", lambda argv, **_: begun.append(argv))
        status = 200 if answers else 502
        monkeypatch.setattr(httpx, "get", lambda *_, **__: httpx.Response(status))
        beside.write_note(home, "http://127.0.0.1:1", leave=True)
        beside.open_beside(home)
        assert len(begun) == (0 if answers else 1)

    def test_nothing_is_opened_where_nobody_wants_it(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """LAB_NO_ROOM, for programs."""
        monkeypatch.setenv("LAB_NO_ROOM", "1")
        monkeypatch.setattr(beside.subprocess, "Popen", None)
        beside.open_beside(home)
        assert beside.where(home) is None

    def test_who_leaves_takes_the_note_back(self, home: Home) -> None:
        """And nobody else's."""
        beside.write_note(home, "http://127.0.0.1:1", leave=True)
        beside.forget(home)
        assert not beside.note(home).exists()

    def test_one_that_was_asked_for_is_left_open(self, home: Home) -> None:
        """Only what was opened beside something else is closed with it."""
        beside.write_note(home, "http://127.0.0.1:1", leave=False)
        beside.close(home)

    @pytest.mark.parametrize("told", [{}, {"born": None}, {"born": "long ago"}])
    def test_nobody_else_is_ended_who_has_its_number_by_now(
        self, home: Home, told: dict[str, object]
    ) -> None:
        """A room was killed, and its process id given again: that one goes on."""
        with subprocess.Popen(["sleep", "60"]) as other:
            note = {"pid": other.pid, "url": "http://127.0.0.1:1", "leave": True, **told}
            beside.note(home).write_text(json.dumps(note))
            beside.close(home)
            assert beside.where(home, within_s=0) is None
            with pytest.raises(subprocess.TimeoutExpired):
                other.wait(0.5)
            note["born"] = born(other.pid)
            beside.note(home).write_text(json.dumps(note))
            beside.close(home)
            assert other.wait(10) == -signal.SIGTERM

    @pytest.mark.parametrize("text", ["", "{}", '{"pid": 4194305, "url": "x", "leave": true}'])
    def test_a_note_that_means_nothing(self, home: Home, text: str) -> None:
        """Of a process that was killed, for instance."""
        beside.note(home).write_text(text)
        assert beside.where(home, within_s=0) is None
        beside.close(home)


def test_a_room_that_nobody_needs_is_forsaken(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not while somebody looks, nor while an incident is on that somebody may come back to."""

    @contextmanager
    def opened() -> Iterator[Doors]:
        yield doors

    room = Room(opened)
    assert not room.forsaken, "it was opened a moment ago"
    monkeypatch.setattr("lab.room.room.LEAVE_S", 0.0)
    assert room.forsaken
    incident.start(doors, "slow", 1, QUIET)
    assert not room.forsaken
