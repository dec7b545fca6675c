"""Load shedding (the flag `shed`): under too much load, less important reads are refused at once.

What is counted are loads (from the databases, and from the partner) under way in this replica, so
an answer from the cache is never refused, and neither is a write. Each kind has its share of the
pool's connections; a kind beyond its share is refused while more important ones still find one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from darkroom import metrics
from darkroom.errors import REFUSED_HEADER, Problem
from darkroom.flags import SHED, Flags

#: Most loads under way at which one more of a kind is begun, as a share of the pool. The dearer a
#: kind is and the less it is missed, the less it may have: of circles one at a time, since many at
#: once, over all replicas that there may be, would all time out at the partner. Nothing may have
#: all: a replica that cannot even get a connection to tell that it is ready is taken out of
#: rotation, and its share comes to the others.
SHARES = {
    "circle": 0.1,
    "feed": 0.5,
    "album": 0.7,
    "user_photos": 0.7,
    "photo": 0.9,
    "user": 0.9,
}

#: Seconds; by then what is under way has ended one way or the other.
_RETRY_AFTER = 2


class Shed(Problem):
    """503: this replica has more important things to load."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            503,
            f"Too much to do: no {kind.replace('_', ' ')} is loaded now.",
            headers={"Retry-After": str(_RETRY_AFTER), REFUSED_HEADER: "shed"},
            reason="shed",
        )


class Shedding:
    """Counts this replica's loads under way, and refuses some when there are too many."""

    def __init__(self, flags: Flags, pool_size: int) -> None:
        self._flags = flags
        self._most = {kind: share * pool_size for kind, share in SHARES.items()}
        self._under_way = 0

    def refuses(self, kind: str) -> bool:
        """Whether a load of `kind` would be refused now."""
        return self._flags.on(SHED) and self._under_way >= self._most[kind]

    @contextmanager
    def load(self, kind: str) -> Iterator[None]:
        """One load of `kind` for as long as the block lasts; raises Shed."""
        if self.refuses(kind):
            metrics.http_refused.labels(SHED.name, kind).inc()
            raise Shed(kind)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
