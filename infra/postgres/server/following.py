"""Whether a standby can still follow its primary: a pure judgement of two observations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

STUCK = 90.0  # seconds without streaming, though the primary answers, until all hope is given up

SEGMENT = 16 * 2**20  # bytes in a WAL file, as initdb makes them


@dataclass(frozen=True)
class Standby:
    """What a standby says of itself. Positions are bytes of WAL."""

    incarnation: str | None  # of the primary that it followed; None: it never followed one
    lsn: int
    receiver: int | None  # the process that streams, None when none does


@dataclass(frozen=True)
class Primary:
    """What a primary says of itself and of the standby's slot."""

    incarnation: str | None
    lsn: int
    slot: bool
    kept: int | None  # where the slot's WAL begins that is there; None when lost, or without a slot


class Verdict(Enum):
    """What to do with a standby."""

    KEEP = "keep"
    REBUILD = "rebuild"


def position(text: str) -> int:
    """A WAL position such as 0/2E004170 as a number of bytes."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def begin(segment: str) -> int:
    """The position where a WAL file begins, by its name: timeline, and number in two parts."""
    return (int(segment[8:16], 16) << 32) + int(segment[16:24], 16) * SEGMENT


def judge(standby: Standby | None, primary: Primary, idle: float) -> tuple[Verdict, str]:
    """The verdict and its reason. `standby` is None while it accepts no connection; `idle` is how
    many seconds it has not streamed while the primary answered.

    A reset primary begins again at the image's WAL position with its own history, under the same
    system identifier, so Postgres itself cannot tell that the standby's is another: the
    incarnation can.
    """
    if standby is not None and standby.incarnation not in (None, primary.incarnation):
        return Verdict.REBUILD, "the primary was reset"
    if primary.slot and primary.kept is None:
        return Verdict.REBUILD, "the primary gave up the WAL that it kept for this standby"
    if standby is not None:
        if standby.receiver is not None:
            return Verdict.KEEP, "streaming"
        if standby.lsn > primary.lsn:
            return Verdict.REBUILD, "the standby is ahead of the primary"
        if primary.kept is not None and standby.lsn < primary.kept:
            return Verdict.REBUILD, "the primary no longer keeps the WAL that is needed"
    if not primary.slot:
        return Verdict.KEEP, "the primary has no slot for this standby"
    if idle > STUCK:
        return Verdict.REBUILD, f"not streaming for {idle:.0f} s"
    return Verdict.KEEP, "waiting for the stream"
