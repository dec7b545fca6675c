"""How quick a night is: to the page, back home, and to its grade."""

from __future__ import annotations

import time
from collections.abc import Iterator

from lab import incident
from lab.bench import Bench, Figure
from lab.ending import chosen, verdict_of
from lab.errors import Unknown
from lab.progress import QUIET
from lab.restore import restore

PAGE_WITHIN_S = 120


def on_call(bench: Bench) -> Iterator[Figure]:
    """The 3am incident until its page; then everything is brought home and graded."""
    doors = bench.doors
    row = incident.start(doors, "3am", 1, QUIET)
    until = time.monotonic() + PAGE_WITHIN_S
    while (moments := incident.moments(doors, row)).paged_at is None:
        if time.monotonic() > until:
            raise Unknown(f"no page within {PAGE_WITHIN_S} s")
        doors.pause(0.5)
    row = incident.current(doors)
    assert row.injected_at is not None
    assert moments.paged_at is not None
    yield Figure("from injection to page", moments.paged_at - row.injected_at, "s", 60)
    home = restore(doors, QUIET)
    yield Figure("lab restore, before its proof", home.seconds_to_heal, "s", 15)
    yield Figure("  its proof", home.seconds_to_prove, "s")
    begun = time.perf_counter()
    verdict_of(doors, chosen(doors, row.id))
    yield Figure("grading a recorded incident", time.perf_counter() - begun, "s", 1)
