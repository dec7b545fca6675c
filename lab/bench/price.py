"""What cache, metrics and logs cost and save: one cached read, with and without them."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.bench import Bench, Figure
from lab.errors import Failed
from lab.progress import QUIET

PATH = "/api/users/7/photos?limit=20"
"""A page of a busy user: what a customer's profile view asks for."""

REQUESTS = 1500
SERVING = "nginx|api-.*|redis-cache|postgres-.*"
"""The services that a read may touch."""

BARE = {"CACHE_ENABLED": "0", "TELEMETRY_ENABLED": "0"}


@dataclass(frozen=True, slots=True)
class Cost:
    """Median latency in milliseconds, and requests per second of processor time."""

    p50_ms: float
    per_cpu_second: float


def of_mechanisms(bench: Bench) -> Iterator[Figure]:
    """The same read as customers get it, and from a handler with nothing around it."""
    with_all = _cost(bench, {})
    bare = _cost(bench, BARE)
    again = _cost(bench, {})
    p50 = statistics.mean([with_all.p50_ms, again.p50_ms])
    each = statistics.mean([with_all.per_cpu_second, again.per_cpu_second])
    yield Figure("cached read through nginx, p50", p50, "ms")
    yield Figure("  against no cache, traces, metrics", p50 / bare.p50_ms, "x")
    yield Figure("cached reads per CPU-second", each, "1/s", better="higher")
    yield Figure(
        "  against no cache, traces, metrics", each / bare.per_cpu_second, "x", better="higher"
    )


def _cost(bench: Bench, settings: dict[str, str]) -> Cost:
    stack = bench.doors.stack
    stack.up(QUIET)
    bench.doors.forget_addresses()
    if settings:
        overlay = stack.home.dir / "bare.json"
        api = {name: {"environment": settings} for name in ("api-1", "api-2", "api-3")}
        overlay.write_text(json.dumps({"services": api}))
        argv = stack.project.argv("up", "-d", "--wait", "--no-deps", *api, files=[str(overlay)])
        from lab.command import run

        run(argv, timeout=180, env=stack.project.environment(), cwd=stack.home.root)
    address = urlsplit(stack.url("nginx")).netloc
    _ask(address, 200)
    before = _processor(bench)
    times = _ask(address, REQUESTS)
    used = _processor(bench) - before
    return Cost(1000 * statistics.median(times), REQUESTS / used)


def _ask(address: str, count: int) -> list[float]:
    """The seconds that each of `count` requests took, one after the other, one connection."""
    connection = http.client.HTTPConnection(address, timeout=10)
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        connection.request("GET", PATH, headers={"X-User-Id": "7"})
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - begun)
        if answer.status != http.client.OK:
            raise Failed(f"GET {PATH} was answered with {answer.status}")
    connection.close()
    return times


def _processor(bench: Bench) -> float:
    """CPU-seconds that the serving containers have used so far, two scrapes after now."""
    bench.doors.pause(2.5)
    query = f'sum(container_cpu_seconds_total{{service=~"{SERVING}"}})'
    return bench.doors.prometheus.query(query)[0].value
