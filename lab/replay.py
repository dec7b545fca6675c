"""A recorded night served by a real Prometheus of its own, without the stack: `lab replay`.

The recording's signals become blocks in a throw-away volume, under the names of the recording
rules, so that whatever reads signals (dashboards, PromQL, `lab grade --prometheus`) works.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from lab import engine
from lab.command import CommandFailed, run
from lab.errors import Failed, MachineLacks
from lab.history import History
from lab.home import Home
from lab.progress import Report
from lab.prometheus import Prometheus
from lab.series import Series, Span
from lab.settings import is_free
from lab.stack import Stack

LABEL = "dev.3am-lab"
OWNER = "dev.3am-lab.replay"
"""The label of all that is the lab's, and the one that says which process a replay belongs to."""

READY_WITHIN_S = 60.0
FIRST_PORT = 9190
LOOK_BACK_S = 3
"""How long a value is good for: a recording has no marks where a series ended, and Prometheus would
go on showing its last value for five minutes."""

_IMPORT = (
    "cat > /prometheus/night.txt"
    " && promtool tsdb create-blocks-from openmetrics /prometheus/night.txt /prometheus >&2"
    " && rm /prometheus/night.txt && echo 'global: {}' > /prometheus/replay.yml"
)
_CONFINED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")  # noqa: S108
_LIMITS = ("--security-opt", "no-new-privileges:true", "--cpus", "0.5", "--memory", "384m")


def openmetrics(history: History) -> str:
    """The signals of a history as an OpenMetrics exposition with times."""
    lines = [
        f"{name}{_labels(one)} {value!r} {at:.3f}"
        for name, several in sorted(history.signals.items())
        for one in several
        for at, value in zip(one.times, one.values, strict=True)
    ]
    return "\n".join([*lines, "# EOF\n"])


def _labels(series: Series) -> str:
    escaped = {
        key: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        for key, text in series.labels.items()
    }
    inside = ",".join(f'{key}="{text}"' for key, text in sorted(escaped.items()))
    return f"{{{inside}}}" if inside else ""


def shifted(history: History, by: float) -> History:
    """The same night, `by` seconds later."""

    def span(one: Span) -> Span:
        return Span(one.start + by, one.end + by)

    def series(several: tuple[Series, ...]) -> tuple[Series, ...]:
        return tuple(replace(one, times=tuple(at + by for at in one.times)) for one in several)

    receipts = tuple(
        replace(
            one,
            window=span(one.window),
            baseline=series(one.baseline),
            observed=series(one.observed),
        )
        for one in history.receipts
    )
    recovery = history.recovery
    return replace(
        history,
        baseline=span(history.baseline),
        injected_at=history.injected_at + by,
        ended_at=history.ended_at + by,
        signals={name: series(several) for name, several in history.signals.items()},
        events=tuple(replace(event, at=event.at + by) for event in history.events),
        receipts=receipts,
        recovery=recovery and replace(recovery, window=span(recovery.window)),
    )


@contextmanager
def serve(
    home: Home, history: History, report: Report, *, port: int | None = None
) -> Iterator[Prometheus]:
    """A Prometheus that serves the history on 127.0.0.1, as long as the context lasts.

    Raises `MachineLacks` without an engine or the image, `CommandFailed` and `Failed` when it does
    not start. Nothing of it is left afterwards.
    """
    engine.client()
    _sweep()
    image = _image(home)
    name = f"{home.project}-replay-{os.getpid()}"
    marks = ("--label", f"{LABEL}=true", "--label", f"{OWNER}={os.getpid()}")
    into = ("--volume", f"{name}:/prometheus")
    try:
        run(["docker", "volume", "create", *marks, name])
        with report.step("making blocks of the recording"):
            once = ["docker", "run", "--rm", "--interactive", *marks, *into, *_CONFINED, *_LIMITS]
            inside = ["--network", "none", "--entrypoint", "sh", image, "-c", _IMPORT]
            run([*once, *inside], stdin=openmetrics(history), timeout=300)
        with report.step("starting its Prometheus"):
            chosen = _free_port() if port is None else port
            where = ("--publish", f"127.0.0.1:{chosen}:9090")
            command = ["docker", "run", "--detach", "--name", name, *marks, *into, *where]
            run([*command, *_CONFINED, *_LIMITS, image, *_server()])
            prometheus = Prometheus(f"http://127.0.0.1:{chosen}")
            _wait(prometheus, name)
        with prometheus:
            yield prometheus
    finally:
        _remove(name)


def alive(prometheus: Prometheus, *, each_s: float = 1.0) -> Iterator[None]:
    """Yields now and then, until that Prometheus does not answer any more."""
    while prometheus.ready():
        yield
        time.sleep(each_s)


def _server() -> list[str]:
    return [
        "/usr/bin/prometheus",
        "--config.file=/prometheus/replay.yml",
        "--storage.tsdb.path=/prometheus",
        "--storage.tsdb.retention.time=100y",
        f"--query.lookback-delta={LOOK_BACK_S}s",
        "--log.level=warn",
    ]


def _image(home: Home) -> str:
    """The stack's own image of Prometheus. Raises `MachineLacks` when it was never built."""
    image = str(Stack(home).project.config["prometheus"]["image"])
    if run(["docker", "image", "inspect", image], check=False).code != 0:
        raise MachineLacks(f"the image {image} is not there", remedy="`lab up` builds it")
    return image


def _free_port() -> int:
    return next(port for port in range(FIRST_PORT, 65536) if is_free(port))


def _wait(prometheus: Prometheus, name: str) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while not prometheus.ready():
        running = run(["docker", "inspect", "--format", "{{.State.Running}}", name], check=False)
        if running.stdout.strip() != "true" or time.monotonic() > until:
            said = run(["docker", "logs", "--tail", "10", name], check=False)
            raise Failed(f"its Prometheus did not start:\n{said.stdout}{said.stderr}".rstrip())
        time.sleep(0.2)


def _remove(name: str) -> None:
    with suppress(CommandFailed):
        run(["docker", "rm", "--force", "--volumes", name], check=False)
        run(["docker", "volume", "rm", "--force", name], check=False)


def _sweep() -> None:
    """Remove what a replay left that was killed."""
    shown = ("--filter", f"label={OWNER}", "--format", '{{.Name}} {{.Label "' + OWNER + '"}}')
    for line in run(["docker", "volume", "ls", *shown]).stdout.splitlines():
        name, _, owner = line.partition(" ")
        if owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            _remove(name)
