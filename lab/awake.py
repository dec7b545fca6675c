"""Time that passed while the lab was there to see it: a lid that is closed stops every deadline."""

from __future__ import annotations

from collections.abc import Callable

STOOD_STILL_S = 8.0
"""Between two looks lie a second's pause and at most one answer that Prometheus never gave (5 s).
Beyond this the machine was suspended, or this process was stopped."""


class Awake:
    """A clock that stands while nothing of the lab runs. To be asked about once a second."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives Unix seconds, which go on while the machine sleeps."""
        self._now = now
        self._begun = self._last = now()
        self._lost = 0.0

    def passed(self) -> float:
        """Seconds since it was made, without those that were slept through."""
        now = self._now()
        if now - self._last > STOOD_STILL_S:
            self._lost += now - self._last
        self._last = now
        return now - self._begun - self._lost
