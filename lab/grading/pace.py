"""Was the machine fit to judge by? The customers say how late they were begun, the lab how late its
own steps came, and the kernel how long the stack's threads waited for a core. Pure.

What waits for a core looks like a slow service, and nothing about the service can be told from it:
neither that it is ill nor that somebody has failed to mend it. Customers come before the service
where both want a core, so they can be in time while it waits; the lab, which mostly sleeps, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.history import History
from lab.series import Condition, Span
from lab.units import duration

START_DELAY = "client:start_delay_seconds:p95"
"""The signal of how late customers were begun, in seconds after they were due."""

TOO_LATE_S = 0.1
"""From where on the machine was too busy to judge by. It is a fifth of the half second that
customers are promised; who cannot begin a request in that time cannot answer it in time either.
With a core to spare it takes a few thousandths."""


def late_in(history: History, span: Span) -> float | None:
    """How late customers were begun at the worst moment of `span`, in seconds; None where that was
    not measured."""
    recorded = history.signals.get(START_DELAY, ())
    values = [value for one in recorded for value in one.between(span.start, span.end).values]
    return max(values, default=None)


TOO_SLOW = 5.0
"""From where on the stack itself was kept from its work: so many times as long as on a free core.
Where a neighbour takes one of two cores it is 3 to 5; where another stack is beside, 6 to 10."""


def too_busy(late_s: float | None, own_s: float | None = None) -> str | None:
    """Why a failure says nothing, in words that go on a sentence; None where it does say something:
    customers were begun in time, and the lab's `own` steps came in time, or nobody measured it."""
    for who, late in (
        ("customers themselves were begun", late_s),
        ("the lab's own steps came", own_s),
    ):
        if late is not None and late > TOO_LATE_S:
            return f"but {who} up to {duration(late)} late: this machine was too busy to judge"
    return None


def too_slow(slowed: float | None, latencies: Sequence[tuple[Condition, float]]) -> str | None:
    """Why latencies that are too long say nothing, in words that go on a sentence: all that the
    stack computes took `slowed` times as long as on a free core, and without that they would have
    been short enough. None where that explains not all of them, or there are none.

    `latencies` are the objectives that were missed, and by the furthest what each was, in seconds.
    """
    if slowed is None or slowed <= TOO_SLOW or not latencies:
        return None
    if not all(condition.met(seconds / slowed) for condition, seconds in latencies):
        return None
    return (
        f"but whatever the stack computed took {slowed:.1f} times as long as on a free core: "
        "this machine was too busy to judge"
    )
