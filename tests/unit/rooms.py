"""A control room that is served as people have it, in a process of its own, of a made-up stack."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from lab.room.address import entrance
from tests.unit.made_up_room import TOKEN


@dataclass(frozen=True)
class Served:
    """Where it is served, by which address one comes in, and the process that serves it."""

    url: str
    entrance: str
    pid: int

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def stranger(self) -> httpx.Client:
        """Somebody who knows where it is, and no more."""
        return httpx.Client(base_url=self.url, timeout=10, trust_env=False)

    @contextmanager
    def visitor(self) -> Iterator[httpx.Client]:
        """Somebody who came in by the address, as a browser does."""
        with self.stranger() as visitor:
            assert visitor.get(self.entrance).status_code == 200
            yield visitor


@contextmanager
def served_room(folder: Path) -> Iterator[Served]:
    """One that answers, for as long as the context lasts; what it keeps is in `folder`."""
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
    url = f"http://127.0.0.1:{port}"
    served = Served(url, entrance(url, TOKEN), process.pid)
    try:
        deadline = time.monotonic() + 30
        while not _answers(served):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield served
    finally:
        process.terminate()
        process.wait(10)


def _answers(served: Served) -> bool:
    try:
        return httpx.get(served.entrance, timeout=1, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
