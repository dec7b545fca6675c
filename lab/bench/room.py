"""How soon the control room can be used, and how soon a night's report is written."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from lab.bench import Bench, Figure
from lab.ending import chosen
from lab.errors import Unknown
from lab.room import beside
from lab.screen.telling import tell_story

ANSWERS_WITHIN_S = 30.0


def usable(bench: Bench) -> Iterator[Figure]:
    """A room is opened and closed; the report is of the night that was measured before."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", "room"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        if beside.where(bench.doors.home, ANSWERS_WITHIN_S) is None:
            raise Unknown(f"the room does not answer within {ANSWERS_WITHIN_S:.0f} s")
        yield Figure("the control room answers", time.monotonic() - begun, "s", 2)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
    begun = time.perf_counter()
    tell_story(bench.doors, chosen(bench.doors, None))
    yield Figure("the report of a night", time.perf_counter() - begun, "s", 5)
