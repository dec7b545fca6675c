"""What the front door, the API and the worker have written, line by line, as events.

All three write JSON with the request id that nginx has made, so one id tells the whole story. A
line is written when something has ended; with its duration that is also when it began.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lab import engine
from lab.errors import BadInput, MachineLacks

if TYPE_CHECKING:
    from docker.models.containers import Container

    from lab.stack import Stack

TIERS = ("nginx", "api", "worker")
"""Who writes such lines, along the chain."""

SLOW_S = 0.5
"""What customers were promised."""

PROBES = ("/health", "/ready", "/metrics")
"""Asked by the lab's own watchers, all the time: no request of anybody's."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of one service.

    `began` is Unix time; `seconds` how long it took, `waited` how long it had waited in a queue
    before it began (both None where the line is about a moment). `outcome` is an HTTP status or a
    word, `failed` whether it is a bad one.
    """

    began: float
    service: str
    request_id: str | None
    what: str
    outcome: str
    failed: bool
    seconds: float | None = None
    waited: float | None = None
    detail: str = ""

    @property
    def tier(self) -> str:
        return next((tier for tier in TIERS if self.service.startswith(tier)), self.service)


def events(
    stack: Stack, *, since: float, until: float, services: Collection[str] = (), request: str = ""
) -> list[Event]:
    """What was written from `since` to `until` (Unix seconds), in the order in which it began.

    `services` names some (`api` is every replica), `request` one request by its id.
    Raises `BadInput` for a service that writes no such lines.
    """
    for name in services:
        if not name.startswith(TIERS):
            raise BadInput(
                f"{name!r} writes no lines about requests",
                remedy=f"these do: {', '.join(TIERS)}, or one replica such as api-2; "
                "`docker compose logs` shows everybody's",
            )
    said = written(stack, since=since, until=until, services=services, about=request)
    found = [event for service, line in said if (event := parse(service, line)) is not None]
    if request:
        found = [event for event in found if event.request_id == request]
    return sorted(found, key=lambda event: event.began)


def written(
    stack: Stack, *, since: float, until: float, services: Collection[str] = (), about: str = ""
) -> list[tuple[str, bytes]]:
    """Each line that has `about` in it, with the service that wrote it from `since` to `until`.

    Raises `MachineLacks` where the engine does not answer.
    """
    writers = [
        (service, one)
        for service, one in _writers(stack)
        if not services or any(service == name or _is_replica(service, name) for name in services)
    ]
    wanted = about.encode()

    def read(writer: tuple[str, Container]) -> list[tuple[str, bytes]]:
        service, container = writer
        said: bytes = container.logs(since=since, until=until)
        return [(service, line) for line in said.splitlines() if wanted in line]

    with ThreadPoolExecutor(max_workers=8) as pool:
        return [line for several in pool.map(read, writers) for line in several]


def _writers(stack: Stack) -> Iterator[tuple[str, Container]]:
    from docker.errors import DockerException

    try:
        containers = engine.client().containers.list(
            all=True,
            filters={"label": f"com.docker.compose.project={stack.home.project}"},
            ignore_removed=True,
        )
    except DockerException as error:
        raise MachineLacks(f"the Docker engine does not answer: {error}") from error
    for one in containers:
        service = one.labels.get("com.docker.compose.service", "")
        if service.startswith(TIERS):
            yield service, one


def _is_replica(service: str, name: str) -> bool:
    return name in TIERS and service.startswith(f"{name}-")


def fields_of(line: bytes | str) -> dict[str, Any] | None:
    """What a line says, by name; None for one that is no JSON object."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def parse(service: str, line: bytes | str) -> Event | None:
    """One line as an event; None for one that is about no request, or not as its tier tells of
    one: whoever runs in a container may write what they like."""
    fields = fields_of(line)
    reader = next((one for tier, one in _READERS.items() if service.startswith(tier)), None)
    if fields is None or reader is None:
        return None
    try:
        event = reader(service, fields)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    told = (event.began, event.seconds or 0.0, event.waited or 0.0) if event else ()
    return event if all(map(math.isfinite, told)) else None


def _nginx(service: str, fields: dict[str, Any]) -> Event | None:
    if "request_time" not in fields:
        # Its health checks tell of upstreams that come and go.
        told = {"at": fields.get("time"), "message": fields.get("event"), **fields}
        return _remark(service, told)
    status, took = int(fields["status"]), float(fields["request_time"])
    # nginx names one upstream after the other where it had to ask again.
    tried = str(fields.get("upstream") or "nobody")
    return Event(
        began=_moment(fields["time"]) - took,
        service=service,
        request_id=_id(fields),
        what=f"{fields['method']} {fields['uri']}",
        outcome=str(status),
        failed=_bad(status),
        seconds=took,
        detail=f"to {tried}",
    )


def _api(service: str, fields: dict[str, Any]) -> Event | None:
    if fields.get("path", "").startswith(PROBES) or "at" not in fields:
        return None
    # Of several replicas under one name only the line says which it was.
    service = str(fields.get("replica") or service)
    if fields.get("message") != "request":
        return _remark(service, fields)
    status, took = int(fields["status"]), float(fields["duration_ms"]) / 1000
    source = fields.get("source")
    return Event(
        began=_moment(fields["at"]) - took,
        service=service,
        request_id=_id(fields),
        what=f"{fields['method']} {fields['path']}",
        outcome=str(status),
        failed=_bad(status),
        seconds=took,
        detail=f"from {source}" if source else "",
    )


def _worker(service: str, fields: dict[str, Any]) -> Event | None:
    if "duration_ms" not in fields:
        return _remark(service, fields)
    took = float(fields["duration_ms"]) / 1000
    # A photo that comes once more, since nobody had said that it was done, has no new outcome.
    status = fields.get("status")
    return Event(
        began=_moment(fields["at"]) - took,
        service=service,
        request_id=_id(fields),
        what=f"photo {fields.get('photo_id', '')}".strip(),
        outcome="done before" if status is None else str(status),
        failed=status not in ("ready", None),
        seconds=took,
        waited=float(fields.get("waited_ms", 0)) / 1000,
        detail=str(fields.get("reason") or ""),
    )


def _remark(service: str, fields: dict[str, Any]) -> Event | None:
    """A line about a moment."""
    if not fields.get("at") or not fields.get("message"):
        return None
    known = ("service", "replica", "request_id", "level", "at", "message", "time", "event")
    rest = [f"{key}={value}" for key, value in fields.items() if key not in known]
    level = str(fields.get("level", "info"))
    return Event(
        began=_moment(fields["at"]),
        service=service,
        request_id=_id(fields),
        what=str(fields["message"]),
        outcome="" if level == "info" else level,
        failed=level in ("warning", "error", "critical"),
        detail=" ".join(rest),
    )


_READERS: dict[str, Callable[[str, dict[str, Any]], Event | None]] = {
    "nginx": _nginx,
    "api": _api,
    "worker": _worker,
}


def _id(fields: dict[str, Any]) -> str | None:
    found = fields.get("request_id")
    return None if found is None else str(found)


def _bad(status: int) -> bool:
    """A client that gave up (499) and one that was turned away (429) got no good answer either."""
    return status >= 500 or status in (429, 499)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def slower_than(found: Iterable[Event], seconds: float) -> list[Event]:
    """What took or waited longer than that, the slowest first."""
    slow = [one for one in found if max(one.seconds or 0, one.waited or 0) > seconds]
    return sorted(slow, key=lambda one: -max(one.seconds or 0, one.waited or 0))


def chosen(
    found: list[Event], *, slow: bool = False, errors: bool = False, lines: int | None = None
) -> list[Event]:
    """Those that are worth a look: the slowest, or the last; all of them without `lines`."""
    several = [one for one in found if one.failed] if errors else found
    if slow:
        return slower_than(several, SLOW_S)[:lines]
    return several if lines is None else several[-lines:]
