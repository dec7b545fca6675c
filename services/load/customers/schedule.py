"""When customers arrive: a seeded Poisson process whose rate may change."""

from __future__ import annotations

import random
from collections import deque


class Schedule:
    """Intended arrival times, in seconds on the caller's clock.

    Arrivals are those of a Poisson process of rate 1, walked through at the
    rate of the moment. So a change of rate stretches the gap under way instead
    of drawing it anew: the same seed with the same changes at the same moments
    gives the same arrivals.
    """

    def __init__(self, *, rate: float, seed: int, start: float) -> None:
        """Begin at `start` with `rate` arrivals per second (above zero)."""
        self._gaps = random.Random(f"arrivals:{seed}")
        self._rate = _positive(rate)
        self._since = start  # the moment up to which `_walked` is known
        self._walked = 0.0  # how far the process of rate 1 has come by then
        self._due = self._gaps.expovariate(1.0)  # where on it the next one stands
        self._changes: deque[tuple[float, float]] = deque()

    @property
    def rate(self) -> float:
        """Intended arrivals per second, by the last change asked for."""
        return self._changes[-1][1] if self._changes else self._rate

    @property
    def next_at(self) -> float:
        """When the next customer is meant to arrive."""
        at = self._since + (self._due - self._walked) / self._rate
        while self._changes and at > self._changes[0][0]:
            moment, rate = self._changes.popleft()
            self._walked += (moment - self._since) * self._rate
            self._since, self._rate = moment, rate
            at = self._since + (self._due - self._walked) / self._rate
        return at

    def advance(self) -> float:
        """Take the next arrival; returns its intended time."""
        at = self.next_at
        self._due += self._gaps.expovariate(1.0)
        return at

    def set_rate(self, rate: float, now: float) -> None:
        """From `now` on, arrive at `rate` per second.

        Arrivals already overdue at `now` keep their old times: a generator
        that is late cannot talk itself out of the customers it owes.
        """
        self._changes.append((now, _positive(rate)))


def _positive(rate: float) -> float:
    if not rate > 0:
        raise ValueError(f"a rate is above zero, not {rate}")
    return rate
