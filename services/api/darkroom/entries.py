"""What the cache keeps of an answer: its JSON, bare; or below a line with two numbers.

They are there where it may be kept for longer than it is fresh: until when it is, and what loading
it took.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A cached answer. `fresh_until` is Unix time, `load_seconds` what the last load took."""

    body: bytes
    fresh_until: float
    load_seconds: float

    def encode(self) -> bytes:
        return b"%.3f %.4f\n%b" % (self.fresh_until, self.load_seconds, self.body)

    @classmethod
    def decode(cls, raw: bytes) -> Entry | None:
        """The entry that `encode` made. Bare JSON is fresh for as long as it is kept; what is
        neither is None."""
        if raw[:1] == b"{":
            return cls(raw, math.inf, 0.0)
        head, newline, body = raw.partition(b"\n")
        try:
            fresh_until, load_seconds = map(float, head.split(b" "))
        except ValueError:
            return None
        return cls(body, fresh_until, load_seconds) if newline else None

    def fresh(self, now: float) -> bool:
        return now < self.fresh_until

    def due(self, now: float, chance: float, eagerness: float = 1.0) -> bool:
        """Whether to load it again already; `chance` is drawn from (0, 1] for each reader.

        XFetch of Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede
        Prevention" (VLDB 2015): the nearer the end, the dearer the load and the more readers, the
        likelier that one of them is early. `eagerness` is the paper's beta.
        """
        return now - self.load_seconds * eagerness * math.log(chance) >= self.fresh_until
