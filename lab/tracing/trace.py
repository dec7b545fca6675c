"""One request, followed: sent with a trace, timed on the wire, and told by everybody it met."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.tracing.spans import FRONT, Span, spans_of
from lab.tracing.wire import ANSWER_S, Ask, Exchange
from lab.waiting import waiting

if TYPE_CHECKING:
    from lab.stack import Stack

LINES_S = 3.0
"""Longest wait for the services' lines once the answer is there."""

QUEUE_S = 30.0
"""Longest wait for the worker to finish with an upload."""

TASK = "process photo"
"""The worker's own step, which it writes down last."""

_LOOK_S = (0.1, 1.0)
"""How often to look, at first and at last: each look reads all that was written since the request,
which is much on a night with many customers."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What became of one request.

    `status` is None where no answer came. `notes` are what a reader should know about what is not
    there.
    """

    id: str
    url: str
    status: int | None
    spans: list[Span]
    notes: list[str] = field(default_factory=list)


def follow(
    stack: Stack,
    url: str,
    *,
    user: int = 1,
    upload: bool = False,
    on_wait: Callable[[str], None] = lambda _: None,
) -> Trace:
    """Asks for `url` and gathers the steps of that request.

    `url` is a path of the front door, or an address on this machine. `upload` sends a picture there
    and follows it into the queue. Raises what `Exchange.send` does.
    """
    whole = url if "://" in url else f"{stack.url('nginx')}/{url.lstrip('/')}"
    exchange = Exchange(Ask(whole, user, upload))
    with waiting("the answer", ANSWER_S):
        exchange.send()
    accepted = upload and exchange.status == 202
    if accepted:
        on_wait("accepted; following it into the queue")
    deadline = time.monotonic() + (QUEUE_S if accepted else LINES_S)
    pause, most = _LOOK_S
    told: list[Span] = []
    while True:
        try:
            told = spans_of(
                stack,
                exchange.trace_id,
                root=exchange.id,
                during=exchange.waiting,
                # nginx rounds to milliseconds, and the engine begins with whole seconds.
                since=exchange.began - 1,
                until=time.time() + 1,
            )
        except LabError as error:
            # What was seen from outside is known all the same.
            unheard = [f"nobody could be asked what became of it inside: {error.message}"]
            seen = exchange.spans()
            return Trace(exchange.trace_id, whole, exchange.status, [*seen, *told], unheard)
        if _complete(told, accepted=accepted) or time.monotonic() > deadline:
            break
        time.sleep(pause)
        pause = min(2 * pause, most)
    return Trace(
        exchange.trace_id,
        whole,
        exchange.status,
        [*exchange.spans(), *told],
        _missing(told, accepted=accepted),
    )


def _complete(told: list[Span], *, accepted: bool) -> bool:
    if accepted:
        return any(one.name == TASK for one in told)
    # A step is written down when it ends, so the outermost comes last.
    services = {one.service for one in told if one.parent == FRONT or one.id == FRONT}
    return len(services) > 1


def _missing(told: list[Span], *, accepted: bool) -> list[str]:
    services = {one.service for one in told}
    if not services:
        return ["none of this stack's services wrote of it"]
    if not any(one.startswith("api") for one in services):
        return ["no replica of the API wrote of it"]
    if accepted and not any(one.name == TASK for one in told):
        return [f"not worked off within {QUEUE_S:g} s of waiting: it is in the queue, or put off"]
    return []
