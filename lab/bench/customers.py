"""Whether the customers keep coming: arrivals that were due against arrivals that began."""

from __future__ import annotations

from collections.abc import Iterator

from lab.bench import Bench, Figure
from lab.progress import QUIET

RATE = 300.0
FOR_S = 20


def arrivals(bench: Bench) -> Iterator[Figure]:
    """300 arrivals a second of the usual mix, for 20 s, on one core."""
    bench.doors.stack.up(QUIET)
    bench.doors.forget_addresses()
    load, prometheus = bench.doors.load, bench.doors.prometheus
    load.start(RATE, FOR_S, seed=1)
    while load.state().running:
        bench.doors.pause(0.5)
    state = load.state()
    missed = 100 * abs(state.intended - state.started) / state.intended
    yield Figure(f"arrivals missed at {RATE:g}/s", missed, "%", 2, note=f"{state.intended} due")
    late = 100 * abs(state.started / FOR_S - RATE) / RATE
    yield Figure("  away from the rate asked for", late, "%", note="Poisson: 1.3 % is its spread")
    used = f'max_over_time(rate(container_cpu_seconds_total{{service="load"}}[5s])[{FOR_S}s:1s])'
    yield Figure("  processor of the customers", prometheus.query(used)[0].value, "cores", 1.0)
