"""Who gets into the control room, who opens it beside something else, and when it is forsaken."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from typer.testing import CliRunner

from lab import incident
from lab.cli import app, recorded, room
from lab.doors import Doors
from lab.errors import BadInput
from lab.home import Home
from lab.identity import born
from lab.progress import QUIET
from lab.room import beside
from lab.room.address import is_local, listen, urls
from lab.room.keeper import Keeper
from lab.room.room import Room


class TestDoor:
    @pytest.mark.parametrize(
        ("host", "local"),
        [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("x", False)],
    )
    def test_who_can_come_there(self, host: str, local: bool) -> None:
        """Anything that is not surely this machine has another token each time."""
        assert is_local(host) is local

    @pytest.fixture
    def client(self) -> httpx.AsyncClient:
        """Somebody at the door of a room."""

        async def inside(_scope: Scope, _receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"the room"})

        keeper = Keeper(inside, "s3cret", 8300, ["Lab.Example"])
        transport = httpx.ASGITransport(app=keeper)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8300")

    def test_the_token_opens(self, client: httpx.AsyncClient) -> None:
        """Once in the address; then the browser remembers. Without it there is nothing to see."""

        async def come() -> None:
            async with client:
                for address in ("/", "/feed", "/?token=guess"):
                    assert (await client.get(address)).status_code == 403
                assert (await client.get("/night?token=s3cret")).status_code == 200
                assert (await client.get("/night")).text == "the room"

        asyncio.run(come())

    def test_it_is_known_by_the_names_that_it_was_given(self, client: httpx.AsyncClient) -> None:
        """A name is its own where whoever opened it says so, however it is written; what only
        begins or ends like it is another."""

        async def come() -> None:
            async with client:
                await client.get("/?token=s3cret")
                for name, status in (
                    ("lab.example", 200),
                    ("LAB.example.:8300", 200),
                    (socket.gethostname(), 200),
                    ("lab.example.evil.example", 421),
                    ("evil-lab.example", 421),
                ):
                    answer = await client.get("/", headers={"Host": name})
                    assert answer.status_code == status, name

        asyncio.run(come())

    def test_web_sockets_are_doors_too(self) -> None:
        """One without the token is closed before it is open."""
        sent: list[str] = []

        async def send(message: dict[str, object]) -> None:
            sent.append(str(message["type"]))

        async def never(*_: object) -> None:
            raise AssertionError("somebody is in")

        headers = [(b"host", b"127.0.0.1"), (b"origin", b"http://127.0.0.1")]
        scope = {"type": "websocket", "headers": headers, "query_string": b"", "path": "/"}
        asyncio.run(Keeper(never, "s3cret", 8300)(scope, never, send))  # type: ignore[arg-type]
        assert sent == ["websocket.close"]


class TestAddress:
    def test_a_port_that_somebody_has_is_said(self) -> None:
        """And not taken for another."""
        with listen("127.0.0.1", None) as other:
            with pytest.raises(BadInput, match="Address already in use"):
                listen("127.0.0.1", other.getsockname()[1])
            with listen("127.0.0.1", None) as next_one:
                assert next_one.getsockname()[1] != other.getsockname()[1]

    @pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 70, "256.1.1.1", "\udcff"])
    def test_a_host_that_is_none_is_said(self, host: str) -> None:
        """By its name."""
        with pytest.raises(BadInput, match="is no address"):
            listen(host, None)

    def test_what_is_announced_can_be_opened(self) -> None:
        """An address of everything is none: this machine's own are told, one for others."""
        assert urls("127.0.0.1", 8300) == ["http://127.0.0.1:8300"]
        assert urls("::1", 8300) == ["http://[::1]:8300"]
        here, there = urls("0.0.0.0", 8300)
        assert here == "http://127.0.0.1:8300"
        assert there.startswith("http://")
        assert "0.0.0.0" not in there

    @pytest.mark.parametrize("port", ["70000", "-1", "0", "nan", "8e3"])
    @pytest.mark.parametrize("command", [["room"], ["replay", "x.json.gz"]])
    def test_a_port_that_is_none_is_refused(self, command: list[str], port: str) -> None:
        """70000 is not 4464."""
        assert recorded
        assert room
        done = CliRunner().invoke(app, [*command, "--port", port])
        assert done.exit_code == 2
        assert "--port" in done.output


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
        beside.write_note(home, "http://127.0.0.1:1", "s3cret", leave=True)
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

    def test_its_address_lets_one_in(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is announced is the page with the token, once it answers to that."""
        monkeypatch.delenv("LAB_NO_ROOM", raising=False)
        asked: list[str] = []

        def get(url: str, **_: object) -> httpx.Response:
            asked.append(url)
            return httpx.Response(200)

        monkeypatch.setattr(httpx, "get", get)
        beside.write_note(home, "http://127.0.0.1:1", "s3cret", leave=True)
        address = "http://127.0.0.1:1/night?token=s3cret"
        assert beside.where(home, path="/night") == address
        assert asked == [address]

    def test_nobody_else_reads_the_token(self, home: Home) -> None:
        """Neither in the note nor where it is kept from one room to the next."""
        token = beside.kept_token(home)
        beside.write_note(home, "http://127.0.0.1:1", token, leave=True)
        for path in (beside.note(home), home.secrets / "room"):
            assert token in path.read_text()
            assert path.stat().st_mode & 0o077 == 0
        assert beside.kept_token(home) == token

    def test_who_leaves_takes_the_note_back(self, home: Home) -> None:
        """And nobody else's."""
        beside.write_note(home, "http://127.0.0.1:1", "s3cret", leave=True)
        beside.forget(home)
        assert not beside.note(home).exists()

    def test_one_that_was_asked_for_is_left_open(self, home: Home) -> None:
        """Only what was opened beside something else is closed with it."""
        beside.write_note(home, "http://127.0.0.1:1", "s3cret", leave=False)
        beside.close(home)

    @pytest.mark.parametrize("told", [{}, {"born": None}, {"born": "long ago"}])
    def test_nobody_else_is_ended_who_has_its_number_by_now(
        self, home: Home, told: dict[str, object]
    ) -> None:
        """A room was killed, and its process id given again: that one goes on."""
        with subprocess.Popen(["sleep", "60"]) as other:
            note = {
                "pid": other.pid,
                "url": "http://127.0.0.1:1",
                "token": "s3cret",
                "leave": True,
                **told,
            }
            beside.note(home).write_text(json.dumps(note))
            beside.close(home)
            assert beside.where(home, within_s=0) is None
            with pytest.raises(subprocess.TimeoutExpired):
                other.wait(0.5)
            note["born"] = born(other.pid)
            beside.note(home).write_text(json.dumps(note))
            beside.close(home)
            assert other.wait(10) == -signal.SIGTERM

    @pytest.mark.parametrize(
        "text", ["", "{}", '{"pid": 4194305, "url": "x", "token": "x", "leave": true}']
    )
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
