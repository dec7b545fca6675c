"""Saying what is being waited for, as soon as it takes its time: a silent command looks stuck.

Whatever is asked behind a door says here whom it asks and how long that may take. Who types
commands hears of it; where nobody listens (the room, tests, programs) it costs nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.units import duration

AFTER_S = 1.5
"""Whoever waits for longer than two seconds wants to know for what."""

AGAIN_S = 15.0
"""The same is said again after so long."""

_listener: list[Callable[[str], None]] = []
_said: dict[str, float] = {}


def listen(hear: Callable[[str], None]) -> None:
    """From now on this is told, in this process, what is waited for."""
    _listener[:] = [hear]
    _said.clear()


@contextmanager
def waiting(what: str, at_most_s: float) -> Iterator[None]:
    """While somebody (`what`) is asked, who answers within `at_most_s` seconds or not at all."""
    if not _listener:
        yield
        return
    timer = threading.Timer(AFTER_S, _tell, (what, at_most_s))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _tell(what: str, at_most_s: float) -> None:
    now = time.monotonic()
    if now - _said.get(what, -AGAIN_S) < AGAIN_S:
        return
    _said[what] = now
    for hear in _listener:
        hear(f"waiting for {what}, {duration(at_most_s)} at most")
