"""What a traced request did, step by step, from the lines that the services wrote about it.

API and worker write OpenTelemetry spans into their logs. nginx writes none; its line in the access
log is as good as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lab.logs import fields_of, parse, written

if TYPE_CHECKING:
    from lab.stack import Stack


@dataclass(frozen=True, slots=True)
class Span:
    """One step: `began` is Unix time, `parent` the id of the step that it is a part of."""

    id: str
    parent: str | None
    service: str
    name: str
    began: float
    seconds: float
    detail: str = ""
    failed: bool = False

    @property
    def ended(self) -> float:
        return self.began + self.seconds


def spans_of(
    stack: Stack, trace_id: str, *, root: str, during: str, since: float, until: float
) -> list[Span]:
    """The steps of a trace that the services wrote down from `since` to `until` (Unix seconds).

    `root` is the id of the caller's own step, whose request went through the front door, `during`
    that of the part of it in which it waited for the front door.
    """
    said = written(stack, since=since, until=until, about=trace_id)
    found = [one for service, line in said if (one := _parse(service, line, trace_id)) is not None]
    fronts = [replace(one, parent=during) for one in found if one.id == FRONT]
    # What the front door passed on came from its caller, as the API sees it.
    return fronts + [
        replace(one, parent=FRONT) if fronts and one.parent == root else one
        for one in found
        if one.id != FRONT
    ]


_ROUNDED_S = 0.002
"""nginx tells its times in whole milliseconds."""

FRONT = "nginx"
"""The id of the front door's step."""


def _parse(service: str, line: bytes, trace_id: str) -> Span | None:
    fields = fields_of(line)
    if fields is None:
        return None
    if "context" in fields:
        # Whoever runs in a container may write what they like.
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            if _id(fields["context"]["trace_id"]) == trace_id:
                return _span(service, fields)
        return None
    event = parse(service, line) if service == FRONT else None
    if event is None or event.request_id != trace_id or event.seconds is None:
        return None
    return Span(
        FRONT,
        None,
        service,
        event.what.partition("?")[0],
        event.began,
        event.seconds,
        f"{event.outcome} {event.detail}",
        event.failed,
    )


def _span(service: str, fields: Mapping[str, Any]) -> Span:
    """From the JSON that OpenTelemetry's SDK makes of a span."""
    began, ended = (datetime.fromisoformat(fields[name]) for name in ("start_time", "end_time"))
    status = fields["status"]
    why = str(status.get("description") or "").rstrip(": ")
    return Span(
        id=_id(fields["context"]["span_id"]),
        parent=_id(fields["parent_id"]) if fields["parent_id"] else None,
        # Of several replicas under one name only the line says which it was.
        service=fields["resource"]["attributes"].get("service.instance.id") or service,
        name=fields["name"],
        began=began.timestamp(),
        seconds=(ended - began).total_seconds(),
        detail=": ".join(said for said in (_telling(fields["attributes"]), why) if said),
        failed=status["status_code"] == "ERROR",
    )


def _id(text: str) -> str:
    """Ids are written as 0x..., and sent without."""
    return text.removeprefix("0x")


def _telling(attributes: Mapping[str, Any]) -> str:
    """What of a span's attributes its name does not say."""
    for name in ("http.response.status_code", "cache.result", "server.address"):
        if name in attributes:
            return str(attributes[name])
    return ""


def in_order(spans: Iterable[Span]) -> list[tuple[int, Span]]:
    """Each step after the one that it is a part of, with its depth; those that go first, first.

    A step whose parent nobody wrote about stands at the top.
    """
    several = sorted(spans, key=lambda one: one.began)
    known = {one.id for one in several}
    below: dict[str | None, list[Span]] = {}
    for one in several:
        below.setdefault(one.parent if one.parent in known else None, []).append(one)

    def down(parent: str | None, depth: int) -> Iterable[tuple[int, Span]]:
        for one in below.get(parent, ()):
            yield depth, one
            yield from down(one.id, depth + 1)

    return list(down(None, 0))


def own_seconds(spans: Iterable[Span]) -> dict[str, float]:
    """By id, how much of a step's time is in none of its parts."""
    several = list(spans)
    own = {}
    for one in several:
        covered, until = 0.0, one.began
        for part in sorted(several, key=lambda part: part.began):
            if part.parent != one.id:
                continue
            begins, ends = max(part.began, until), min(part.ended, one.ended)
            covered += max(ends - begins, 0.0)
            until = max(until, ends)
        own[one.id] = max(one.seconds - covered, 0.0)
    return own


def most_of_it(spans: Sequence[Span]) -> tuple[Span, float] | None:
    """The step with most time of its own while the client, whose step is the first, waited; and how
    much that is. What goes on in the queue once the client has its answer is none of it."""
    if not spans:
        return None
    whole = spans[0]
    own = own_seconds(spans)
    # What the client waits for is told better by those whom it waits for.
    told = [
        one
        for one in spans
        if one.service != whole.service and one.ended <= whole.ended + _ROUNDED_S
    ]
    found = max(told or spans, key=lambda one: own[one.id])
    return found, own[found.id]
