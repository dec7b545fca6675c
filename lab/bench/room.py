"""What the control room costs: until it can be used, while it is looked at, and its report."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.bench import Bench, Figure
from lab.ending import chosen
from lab.errors import Unknown
from lab.progress import QUIET
from lab.room import beside
from lab.screen.telling import tell_story

OPENS_WITHIN_S = 30.0
RATE = 20.0
SETTLE_S = 10.0
"""A page that has just been opened is given all of the past; that is not what it costs to stay."""
FOR_S = 15.0
PAGES = ((1, 10.0), (20, 40.0))
"""How many are open, and how much of one core the room may use for them, in percent."""

QUIETLY = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def room(bench: Bench) -> Iterator[Figure]:
    """On a stack with a few customers; the report is of the night that was measured before."""
    doors = bench.doors
    doors.stack.up(QUIET)
    doors.forget_addresses()
    doors.load.start(RATE, 180, seed=1)
    begun = time.monotonic()
    with _room(bench) as (process, url):
        yield Figure("the control room answers", time.monotonic() - begun, "s", 2)
        for pages, most in PAGES:
            yield _cost(process.pid, url, pages, most)
    doors.load.stop()
    begun = time.perf_counter()
    tell_story(doors, chosen(doors, None))
    yield Figure("the report of a night", time.perf_counter() - begun, "s", 5)


@contextmanager
def _room(bench: Bench) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    home = bench.doors.home
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", "room"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = beside.where(home, OPENS_WITHIN_S)
        if url is None:
            raise Unknown(f"the room does not answer within {OPENS_WITHIN_S:.0f} s")
        yield process, url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def _cost(pid: int, url: str, pages: int, most: float) -> Figure:
    """The room's share of one core while so many pages of the night are open."""
    name = f"  its processor, {pages} page{'s' if pages > 1 else ''} open"
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if browser is None:
        return Figure(name, None, "%", most, note="no Chromium here to look at it")
    with tempfile.TemporaryDirectory() as profile:
        looking = subprocess.Popen(
            [
                browser,
                *QUIETLY,
                f"--user-data-dir={profile}",
                "--remote-debugging-port=0",
                *[f"{url}/night"] * pages,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            time.sleep(SETTLE_S)
            before, begun = _used(pid), time.monotonic()
            time.sleep(FOR_S)
            share = 100 * (_used(pid) - before) / (time.monotonic() - begun)
        finally:
            os.killpg(looking.pid, signal.SIGTERM)
            looking.wait(20)
    return Figure(name, share, "% of one core", most)


def _used(pid: int) -> float:
    """Seconds of processor that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
