"""How long the stack takes to live: first start, warm start, reset; and what it weighs."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator

from lab.bench import Bench, Figure
from lab.command import run
from lab.progress import QUIET
from lab.steady import prove_up

HELP_RUNS = 7
"""A process start is quick and noisy: the median of a few."""

UP_PAIRS = 3
"""Both ways of starting, in turn, so that a machine whose speed drifts is fair to both."""

SETTLE_S = 20
"""After this long an idle stack has done what it does at its start."""


def seconds(do: Callable[[], object]) -> float:
    """How long `do` takes, in seconds of wall-clock time."""
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def lab(*args: str) -> None:
    """Run a command of the lab as a process of its own, as a user would."""
    run([sys.executable, "-m", "lab", *args], timeout=900)


def help_page(_: Bench) -> Iterator[Figure]:
    """`lab --help`, as a process of its own."""
    argv = [sys.executable, "-m", "lab", "--help"]
    times = [seconds(lambda: run(argv)) for _ in range(HELP_RUNS)]
    yield Figure("lab --help", 1000 * statistics.median(times), "ms", 300)


def first_start(bench: Bench) -> Iterator[Figure]:
    """From no image and no build cache to proven healthy. Only where asked for."""
    name = "first start, nothing built"
    if not bench.from_nothing:
        yield Figure(name, None, "s", 480, note="only with --from-nothing: it removes every image")
        return
    bench.doors.stack.down(volumes=True)
    listed = run(["docker", "images", "--quiet", "3am-lab/*"]).stdout.split()
    if listed:
        run(["docker", "rmi", "--force", *sorted(set(listed))])
    run(["docker", "builder", "prune", "--all", "--force"], timeout=300)
    yield Figure(name, seconds(lambda: lab("up")), "s", 480)


def warm_up(bench: Bench) -> Iterator[Figure]:
    """`lab up` to proven healthy, and plain compose to its health checks, from stopped."""
    stack = bench.doors.stack
    lab("up")
    ours, plain = [], []
    for _ in range(UP_PAIRS):
        stack.down()
        plain.append(seconds(lambda: stack.project.compose("up", "-d", "--wait", timeout=300)))
        stack.down()
        ours.append(seconds(lambda: lab("up")))
    yield Figure("warm lab up, to proven healthy", statistics.median(ours), "s", 15)
    ratios = [one / other for one, other in zip(ours, plain, strict=True)]
    yield Figure("  against plain docker compose up", statistics.median(ratios), "x", 1.25)


def idle(bench: Bench) -> Iterator[Figure]:
    """What the stack weighs when nobody comes, without Grafana."""
    _ready(bench)
    bench.doors.pause(SETTLE_S)
    rss = 'sum(avg_over_time(container_memory_rss_bytes{service!~"grafana|jaeger"}[10s]))'
    used = 'sum(rate(container_cpu_seconds_total{service!~"grafana|jaeger"}[15s]))'
    query = bench.doors.prometheus.query
    yield Figure("idle stack, resident", query(rss)[0].value / 2**20, "MiB", 1024)
    yield Figure("idle stack, processor", query(used)[0].value, "cores")


def reset(bench: Bench) -> Iterator[Figure]:
    """Back to pristine, and the same by throwing everything away; then both with their proof."""
    stack = bench.doors.stack
    _ready(bench)
    pristine = seconds(stack.reset)

    def all_anew(up: Callable[[], object]) -> None:
        stack.down(volumes=True)
        up()

    anew = seconds(lambda: all_anew(stack.up))
    yield Figure("reset to pristine, all services well", pristine, "s")
    yield Figure("  against down -v and up", pristine / anew, "x", 0.5)
    proven = seconds(lambda: lab("reset"))
    anew_proven = seconds(lambda: all_anew(lambda: lab("up")))
    yield Figure("  both with the proof of health", proven / anew_proven, "x")


def _ready(bench: Bench) -> None:
    bench.doors.stack.up(QUIET)
    bench.doors.forget_addresses()
    prove_up(bench.doors, QUIET)
