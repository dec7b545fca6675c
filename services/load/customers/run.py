"""One run of the workload: arrivals from its start to its end, and the count of them."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import gevent
from gevent.event import Event

from customers.metrics import OUTCOMES, Metrics
from customers.schedule import Schedule
from customers.visits import USUAL, Interests, Visit, Visits, first_of

log = logging.getLogger("customers")

#: So many of the first look at a time, and for so many seconds at most.
FIRST, FIRST_S = 2, 60.0

#: After so many arrivals in one go (it was late), the others get a turn.
BURST = 50


@dataclass(frozen=True)
class State:
    """A run as the control API tells it. Times are ISO 8601, UTC; rate is per second.

    `intended` counts arrivals that were due (none during the first look), `started`
    those that began, `completed` those that ended in any way; `outcomes` sums to
    completed plus dropped.
    """

    state: str
    run_id: str | None = None
    seed: int | None = None
    target_rate: float = 0.0
    interests: Interests = USUAL
    started_at: str | None = None
    ends_at: str | None = None
    intended: int = 0
    started: int = 0
    completed: int = 0
    in_flight: int = 0
    outcomes: dict[str, int] | None = None
    reason: str | None = None

    def json(self) -> dict[str, object]:
        """The state as plain data, with every outcome."""
        return asdict(self) | {"outcomes": self.outcomes or dict.fromkeys(OUTCOMES, 0)}


class Makes(Protocol):
    """Whoever carries out visits (see `customer.Customers`)."""

    def carry_out(self, visit: Visit, report: Callable[[str, str], None]) -> None:
        """Make the visit, report its operation and outcome; OSError when the record fails."""


class Run:
    """Arrivals at a rate, for a time; it ends by itself.

    What many come for and is dear to make has been asked for before: where there are fans, a few
    people look at it all first, each at the next thing once the last was there. Nobody counts them.
    Without them a service that starts cold can be asked for all of it at the same moment, on a slow
    machine sooner than on a fast one.
    """

    def __init__(
        self,
        *,
        rate: float,
        duration_s: float,
        seed: int,
        most: int,
        metrics: Metrics,
        interests: Interests = USUAL,
    ) -> None:
        """`most` may be under way at once; who arrives beyond them is dropped, and counted."""
        self.id = uuid.uuid4().hex
        self._most = most
        self._seed = seed
        self._metrics = metrics
        self._visits = Visits(seed, interests)
        self._state = "running"
        self._reason: str | None = None
        self._began = time.monotonic()
        self._began_at = datetime.now(UTC)
        self._ends = self._began + duration_s
        self._schedule = Schedule(rate=rate, seed=seed, start=self._began)
        self._changed = Event()
        self._intended = self._started = self._completed = self._in_flight = 0
        self._outcomes: Counter[str] = Counter()

    @property
    def running(self) -> bool:
        """Whether customers still arrive; the last of them may still be under way afterwards."""
        return self._state == "running"

    def start(self, customers: Makes, ended: Callable[[], None]) -> None:
        """Let customers arrive, in the background; `ended` is called when all have left."""
        self._metrics.target_rate.set(self._schedule.rate)
        self._metrics.running.set(1)
        self._log("run started")
        gevent.spawn(self._arrive, customers, ended)

    def change(
        self,
        *,
        rate: float | None = None,
        duration_s: float | None = None,
        interests: Mapping[str, float] | None = None,
    ) -> None:
        """From now on arrive at `rate`, for other things; end `duration_s` seconds from now."""
        now = time.monotonic()
        if rate is not None:
            self._schedule.set_rate(rate, now)
            self._metrics.target_rate.set(rate)
        if duration_s is not None:
            self._ends = now + duration_s
        if interests:
            self._visits.interests = replace(self._visits.interests, **interests)
        self._changed.set()
        self._log("run changed")

    def stop(self, reason: str | None = None) -> None:
        """No more arrivals; those under way end by themselves. Does nothing to an ended run."""
        if self.running:
            self._end("stopped", reason)
            self._changed.set()

    def state(self) -> State:
        """What has become of the run so far."""
        ends_at = self._began_at + timedelta(seconds=self._ends - self._began)
        return State(
            state=self._state,
            run_id=self.id,
            seed=self._seed,
            target_rate=self._schedule.rate if self.running else 0.0,
            interests=self._visits.interests,
            started_at=self._began_at.isoformat(timespec="milliseconds"),
            ends_at=ends_at.isoformat(timespec="milliseconds"),
            intended=self._intended,
            started=self._started,
            completed=self._completed,
            in_flight=self._in_flight,
            outcomes={outcome: self._outcomes[outcome] for outcome in OUTCOMES},
            reason=self._reason,
        )

    def _arrive(self, customers: Makes, ended: Callable[[], None]) -> None:
        self._first_look(customers)
        # Whoever would have come meanwhile does not come late: arrivals begin now.
        rate = self._schedule.rate
        self._schedule = Schedule(rate=rate, seed=self._seed, start=time.monotonic())
        burst = 0
        while self.running:
            at = min(self._schedule.next_at, self._ends)
            wait = at - time.monotonic()
            if wait > 0:
                burst = 0
                if self._changed.wait(wait):
                    self._changed.clear()
            elif at >= self._ends:
                self._end("finished")
            else:
                self._admit(self._schedule.advance(), customers)
                burst += 1
                if burst % BURST == 0:
                    gevent.sleep(0)
        while self._in_flight:
            gevent.sleep(0.05)
        ended()

    def _first_look(self, customers: Makes) -> None:
        visits = iter(first_of(self._visits.interests))
        until = min(time.monotonic() + FIRST_S, self._ends)

        def look() -> None:
            for visit in visits:
                if not self.running or time.monotonic() >= until:
                    return
                customers.carry_out(visit, lambda *_: None)

        gevent.joinall([gevent.spawn(look) for _ in range(FIRST)])

    def _admit(self, intended: float, customers: Makes) -> None:
        visit = self._visits.draw()
        self._intended += 1
        self._metrics.arrivals.labels(visit.operation).inc()
        if self._in_flight >= self._most:
            self._count(visit.operation, "dropped")
            return
        self._in_flight += 1
        self._metrics.in_flight.inc()
        gevent.spawn(self._visit, intended, visit, customers)

    def _visit(self, intended: float, visit: Visit, customers: Makes) -> None:
        def report(operation: str, outcome: str) -> None:
            self._metrics.latency.labels(operation).observe(time.monotonic() - intended)
            self._completed += 1
            self._count(operation, outcome)

        self._started += 1
        self._metrics.started.inc()
        # Nothing of the service's is in it: it had not been asked yet.
        self._metrics.start_delay.observe(time.monotonic() - intended)
        try:
            customers.carry_out(visit, report)
        except OSError as error:
            # Going on would be to forget what was promised to customers.
            self.stop(f"the ledger cannot be written: {error}")
        finally:
            self._in_flight -= 1
            self._metrics.in_flight.dec()

    def _count(self, operation: str, outcome: str) -> None:
        self._outcomes[outcome] += 1
        self._metrics.requests.labels(operation, outcome).inc()

    def _end(self, state: str, reason: str | None = None) -> None:
        self._state, self._reason = state, reason
        self._ends = time.monotonic()
        self._metrics.target_rate.set(0)
        self._metrics.running.set(0)
        self._log(f"run {state}")

    def _log(self, event: str) -> None:
        log.info(event, extra={"fields": self.state().json()})
