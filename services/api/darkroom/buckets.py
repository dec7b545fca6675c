"""Token buckets: so many a second, and a second's worth at once."""

from __future__ import annotations

import math
from collections import OrderedDict

#: A user's share of what a replica takes, and the least that a user may do (requests a second).
USER_SHARE = 0.1
USER_LEAST = 1.0
#: Users remembered at a time; one who is forgotten begins anew with a full bucket.
_USERS = 10_000


class Bucket:
    """One bucket, full at first. Its rate is given each time, since an operator may change it."""

    __slots__ = ("_at", "_tokens")

    def __init__(self) -> None:
        self._at = -math.inf
        self._tokens = 0.0

    def wait(self, now: float, rate: float) -> float:
        """Seconds until a token is there; 0 when one is."""
        most = max(rate, 1.0)
        self._tokens = min(self._tokens + (now - self._at) * rate, most)
        self._at = now
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / rate

    def take(self) -> None:
        """Takes the token that `wait` has found."""
        self._tokens -= 1


class Buckets:
    """A replica's bucket, and one for each of its users."""

    def __init__(self) -> None:
        self._all = Bucket()
        self._users: OrderedDict[str, Bucket] = OrderedDict()

    def ask(self, user: str, now: float, rate: float) -> tuple[float, str]:
        """0 seconds to wait, and a token is taken; or how long, and whose limit it is.

        `user` is empty for somebody who has not said; `rate` is the replica's, above zero. Whose:
        "user" or "replica".
        """
        mine = self._bucket(user) if user else None
        if mine is not None and (wait := mine.wait(now, max(rate * USER_SHARE, USER_LEAST))):
            return wait, "user"
        if wait := self._all.wait(now, rate):
            return wait, "replica"
        self._all.take()
        if mine is not None:
            mine.take()
        return 0.0, ""

    def _bucket(self, user: str) -> Bucket:
        bucket = self._users.setdefault(user, Bucket())
        self._users.move_to_end(user)
        if len(self._users) > _USERS:
            self._users.popitem(last=False)
        return bucket
