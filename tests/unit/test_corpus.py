"""Bad inputs: each that is kept in tests/corpus, and as many more as are made up here.

Whatever comes, the command ends in time, with a documented exit code and a reason instead of a
traceback, gives a terminal nothing but text, and loses nothing. LAB_TEST_INPUTS says how many are
made up, instead of two thousand.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.unit.bad_inputs import CORPUS, HARMLESS, KINDS, Place, cases, read_once


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with read_once():
        yield


KEPT = [(kind, case) for kind in KINDS for case in cases(kind)]
AT_THE_DOOR = cases("room")


@pytest.mark.parametrize(("kind", "case"), KEPT, ids=[f"{kind}/{case.name}" for kind, case in KEPT])
def test_what_is_kept_is_refused_or_done(
    kind: str, case: Path, tmp_path: Path, inputs: dict[str, int]
) -> None:
    """Each case of the corpus, by every command that takes such a thing."""
    place = Place.made(tmp_path)
    before = place.kept
    for done in KINDS[kind](case, place):
        assert not done.complaints, (done.argv, done.out[-2000:], done.err[-2000:])
    if kind in HARMLESS:
        assert place.kept >= before, "something is lost"
    inputs["kept"] += 1


def test_no_folder_of_the_corpus_is_overlooked() -> None:
    """A case in a folder of a kind that nobody tries would never be tried."""
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} == {*KINDS, "room"}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of a room of a made-up stack, and what it has written."""
    folder = tmp_path_factory.mktemp("room")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "room.log"
    environment = {**os.environ, "NICEGUI_STORAGE_PATH": str(folder / "seen")}
    # NiceGUI takes a process that pytest started for one of its own tests.
    environment.pop("PYTEST_CURRENT_TEST", None)
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.made_up_room", str(port), str(folder)],
            cwd=Path(__file__).parents[2],
            env=environment,
            stdout=said,
            stderr=said,
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}", timeout=1)
                break
            except httpx.HTTPError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield port, log
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("case", AT_THE_DOOR, ids=[case.name for case in AT_THE_DOOR])
def test_what_comes_to_the_rooms_door_is_answered(
    case: Path, room: tuple[int, Path], inputs: dict[str, int]
) -> None:
    """Never with an error of the room's own; and it is there for the next one."""
    port, log = room
    request = re.sub(rb"\r?\n", b"\r\n", case.read_bytes()).replace(b"{port}", b"%d" % port)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(request)
        line.shutdown(socket.SHUT_WR)
        status = line.makefile("rb").readline().split()
    # Something that is no HTTP may be hung up on.
    assert not status or int(status[1]) < 500, (status, log.read_text())
    assert httpx.get(f"http://127.0.0.1:{port}/feed", timeout=10).status_code < 500
    assert "Traceback" not in log.read_text()
    inputs["kept"] += 1
