"""How soon the control room can be used, what open pages cost, how soon a report is written."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import httpx

from lab.bench import Bench, Figure
from lab.ending import chosen
from lab.errors import Unknown
from lab.room import beside
from lab.screen.telling import tell_story

ANSWERS_WITHIN_S = 30.0

PAGES = {1: 0.10, 20: 0.40}
"""Open pages, and how much of a core they may cost the room."""

SETTLE_S = 5.0
"""After this long a page has what it shows first."""

WATCH_S = 15.0

_CLIENT_ID = re.compile(r"""client_id['"]: ['"]([^'"]+)""")

KEEPS_UP = 0.8
"""Share of one question a second and page that must have been answered, or nothing was measured."""


def usable(bench: Bench) -> Iterator[Figure]:
    """A room is opened, looked at, and closed; the report is of the night measured before."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", "room"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        entrance = beside.where(bench.doors.home, ANSWERS_WITHIN_S)
        if entrance is None:
            raise Unknown(f"the room does not answer within {ANSWERS_WITHIN_S:.0f} s")
        yield Figure("the control room answers", time.monotonic() - begun, "s", 2)
        for pages, most in PAGES.items():
            share = asyncio.run(cost_of(entrance, process.pid, pages))
            name = f"the control room with {pages} open page{'s' if pages > 1 else ''}"
            yield Figure(name, share, "of a core", most)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        finally:
            process.kill()
    begun = time.perf_counter()
    tell_story(bench.doors, chosen(bench.doors, None))
    yield Figure("the report of a night", time.perf_counter() - begun, "s", 5)


async def cost_of(entrance: str, pid: int, pages: int) -> float:
    """The share of a core that process `pid` uses while `pages` pages of its room are open, each by
    somebody who came in by that address.

    Raises `Unknown` when they do not keep up.
    """
    told = [0] * pages
    visits = [asyncio.create_task(_visit(entrance, told, number)) for number in range(pages)]
    try:
        await asyncio.sleep(SETTLE_S)
        before, cpu, since = sum(told), _cpu_seconds(pid), time.monotonic()
        await asyncio.sleep(WATCH_S)
        used, took = _cpu_seconds(pid) - cpu, time.monotonic() - since
        answered = (sum(told) - before) / (pages * took)
        for visit in visits:
            if visit.done():
                visit.result()
        if answered < KEEPS_UP:
            raise Unknown(f"{pages} pages got {answered:.0%} of the answers that they asked for")
        return used / took
    finally:
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)


async def _visit(entrance: str, told: list[int], number: int) -> None:
    """What a browser with the night's page open does: a web socket, and a question a second.

    The socket's handshake is NiceGUI's own; a page that is not taken for one is refused.
    """
    import socketio

    url = entrance.partition("/?")[0]
    async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as http:
        await http.get(entrance)
        cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        page = (await http.get("/night")).text
        known = _CLIENT_ID.search(page)
        if known is None:
            raise Unknown("the room's page does not say who it is")
        query = {
            "client_id": known[1],
            "next_message_id": 0,
            "implicit_handshake": "true",
            "document_id": uuid4(),
            "tab_id": uuid4(),
        }
        socket = socketio.AsyncClient(reconnection=False)
        await socket.connect(
            f"{url}?{urlencode(query)}",
            {"Cookie": cookies, "Origin": url},
            socketio_path="/_nicegui_ws/socket.io",
            transports=["websocket"],
        )
        until = 0.0
        try:
            while True:
                begun = time.monotonic()
                until = (await http.get("/feed", params={"since": until})).json()["until"]
                told[number] += 1
                await asyncio.sleep(max(0.0, 1 - (time.monotonic() - begun)))
        finally:
            await socket.disconnect()


def _cpu_seconds(pid: int) -> float:
    """What a process has used since it began, in user and system mode (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
