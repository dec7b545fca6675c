"""Waiting until things are as they should be, and stay so: the gate before and after an incident.

What was not measured never counts as well: a condition without data keeps the gate shut, and the
message says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from lab.awake import Awake
from lab.doors import Doors
from lab.errors import Failed, Unknown
from lab.looks import promise
from lab.moments import against
from lab.progress import Report
from lab.prometheus import PrometheusUnavailable
from lab.series import Condition, Span, worst
from lab.trend import Trend, trend

BEHIND_S = 2.0
"""A value is in Prometheus this long after it was true: a scrape, then a rule, each second."""

UP_WINDOW_S = 2.0
"""How long an idle stack must look well: compose has already waited for its health checks."""

HOME_WINDOW_S = 8.0
"""How long everything must be calm to count as home. Rates look back 5 s: longer than that."""

HOME_WITHIN_S = 90.0
"""How long it may take to get there: caches refill in 30 s, replicas catch up, queues drain."""

DRAIN_WITHIN_S = 900.0
"""How long a backlog may take to be worked off, as long as it becomes shorter: half an hour of a
broken night leaves two thousand photos, and a worker does some ten a second."""

DRAIN_LOOK_S = 20.0
"""A backlog that is no shorter than so long ago is not being worked off."""

HOME_RATE = 20.0
"""Customers a second that prove it: enough that every kind of request is asked for."""


@dataclass(frozen=True, slots=True)
class Look:
    """One condition over one window: held (None: not measured), the value of the window that is
    furthest from meeting it, the last one, the share of the window that breaks it (None: not
    measured), and where it goes while it is broken (None: nobody can tell)."""

    condition: Condition
    held: bool | None
    worst: float | None
    last: float | None
    share: float | None = None
    way: Trend | None = None

    @property
    def broken(self) -> bool:
        """Whether it was measured last as not met."""
        return self.last is not None and not self.condition.met(self.last)

    def holds(self, moments: float) -> bool:
        """Whether it was met, but for such a share of the window, and is met now."""
        return self.held is True or (
            self.share is not None and self.share <= moments and not self.broken
        )

    def __str__(self) -> str:
        wanted = f"wanted {self.condition.op} {self.condition.value:g}"
        if self.last is None or self.worst is None:
            return f"{self.condition.signal} has no data, {wanted}"
        broke = self.condition.met(self.last) and not self.condition.met(self.worst)
        was = f" (and was {self.worst:.3g} within the window)" if broke else ""
        return f"{self.condition.signal} is {self.last:.3g}{was}, {wanted}"


def look(doors: Doors, conditions: Sequence[Condition], start: float, end: float) -> list[Look]:
    """Each condition over `[start, end]`, all asked for at once.

    Raises `PrometheusUnavailable`.
    """
    names = {condition.signal for condition in conditions}
    found = doors.catalogue.read(doors.prometheus, start, end, names=names)
    looks: list[Look] = []
    for condition in conditions:
        # The one furthest from being met: the highest for "<", the lowest for ">".
        high = condition.op in ("<", "<=")
        series = worst(
            (
                one
                for one in found[condition.signal]
                if all(one.labels.get(key) == text for key, text in condition.where.items())
            ),
            "up" if high else "down",
        )
        furthest = max(series.values, default=None) if high else min(series.values, default=None)
        held = condition.held(series, start, end)
        share = condition.broken_share(series, start, end)
        signal = doors.catalogue.by_name.get(condition.signal)
        way = trend(condition, series, end, signal.unit if signal else "")
        looks.append(Look(condition, held, furthest, series.last(), share, way))
    return looks


def wait_until(
    doors: Doors,
    conditions: Sequence[Condition],
    *,
    hold_s: float,
    within_s: float,
    title: str,
    report: Report,
    not_before: float | None = None,
    each: Callable[[list[Look]], None] | None = None,
    moments: float = 0.0,
) -> Span | list[Look]:
    """Wait until all conditions have held for `hold_s` seconds without a break; `moments` is the
    share of that time in which one may be broken all the same.

    The window begins within `within_s` seconds, at `not_before` or later; by default when it was
    called. Returns it, or the last look as soon as none can begin in time. Time in which the whole
    machine slept does not count, and no window reaches over it: nothing was measured then.
    Raises `PrometheusUnavailable` when Prometheus still does not answer at the end.
    """
    awake = Awake(doors.now)
    earliest = doors.now() if not_before is None else not_before
    looks: list[Look] = []
    blind: PrometheusUnavailable | None = None
    with report.step(title) as step:
        while True:
            now = doors.now() - BEHIND_S
            passed = awake.passed() - BEHIND_S
            start = max(earliest, now - hold_s)
            try:
                looks = look(doors, conditions, start, now) if now > start else []
                blind = None
            except PrometheusUnavailable as error:
                blind = error
            if each is not None and looks:
                each(looks)
            against = [one for one in looks if not one.holds(moments)]
            if looks and not against and blind is None and now - start >= hold_s:
                return Span(start, now)
            done = 0.0 if against or blind else max(0.0, now - start)
            doing = str(blind) if blind else _doing(doors, against[0]) if against else "holds"
            step.at(min(done, hold_s), hold_s, doing)
            # A window that begins after what is broken now would begin too late.
            late = [one for one in against if one.broken and (one.share or 1.0) > moments]
            hopeless = passed > within_s and bool(late)
            if hopeless or passed >= within_s + hold_s:
                if blind is not None:
                    raise blind
                return looks
            doors.pause(1.0)


def _doing(doors: Doors, against: Look) -> str:
    """What is waited for, and where it goes, in few words."""
    if against.way is None:
        return str(against)
    signal = doors.catalogue.by_name.get(against.condition.signal)
    return f"{promise(against.condition, signal)}: {against.way}"


def let_pass(doors: Doors, begun: float, seconds: float, title: str, report: Report) -> None:
    """Wait until `seconds` have passed since `begun`, and show how far that is."""
    with report.step(title) as step:
        while (passed := doors.now() - begun) < seconds:
            step.at(passed, seconds)
            doors.pause(min(1.0, seconds - passed))


def prove_up(doors: Doors, report: Report) -> None:
    """Prove that the idle stack is well, by the measurements that need no customers.

    Raises `Failed` with what is not, `Unknown` when it could not be measured.
    """
    idle = [
        condition
        for condition in doors.catalogue.steady()
        if doors.catalogue[condition.signal].component != "client"
    ]
    # Prometheus has watched while the health checks were waited for: that counts, too.
    since = doors.now() - BEHIND_S - UP_WINDOW_S
    _prove(doors, idle, UP_WINDOW_S, "looking whether everything is well", report, since)


def prove_home(doors: Doors, report: Report) -> None:
    """Prove the steady state with a few customers, who leave again afterwards.

    Raises `Failed` with what is not as it should be, `Unknown` when it could not be measured.
    """
    doors.load.stop()
    _let_drain(doors, report)
    doors.load.start(rate=HOME_RATE, duration_s=int(2 * HOME_WITHIN_S), seed=0)
    try:
        _prove(doors, doors.catalogue.steady(), HOME_WINDOW_S, "proving the steady state", report)
    finally:
        doors.load.stop()


def _let_drain(doors: Doors, report: Report) -> None:
    """Wait while a backlog is being worked off; whether the rest is well is asked afterwards."""
    depth = Condition(signal="queue:depth", op="<=", value=0)
    with report.step("letting the queue drain") as step:
        begun = doors.now()
        first = 0.0
        while (now := doors.now()) < begun + DRAIN_WITHIN_S:
            try:
                series = against(doors.prometheus, depth, Span(now - DRAIN_LOOK_S, now))
            except PrometheusUnavailable:
                return
            left = series.last()
            if left is None or left <= 0:
                return
            if now - begun > DRAIN_LOOK_S and left >= series.values[0]:
                return
            first = max(first, left)
            step.at(first - left, first, f"{left:.0f} photos to go")
            doors.pause(1.0)


def _prove(
    doors: Doors,
    conditions: Sequence[Condition],
    hold_s: float,
    title: str,
    report: Report,
    not_before: float | None = None,
) -> None:
    proof = wait_until(
        doors,
        conditions,
        hold_s=hold_s,
        within_s=HOME_WITHIN_S,
        title=title,
        report=report,
        not_before=not_before,
    )
    if isinstance(proof, Span):
        return
    refuse(proof, "the stack is not in its steady state")


def refuse(
    looks: Sequence[Look],
    what: str,
    remedy: str = "`lab restore` brings it home; `lab doctor` looks at the machine",
    also: Sequence[str] = (),
) -> NoReturn:
    """Raise what these looks say: `Failed` if any condition is broken, else `Unknown`. What `also`
    has to do with it gets lines of its own."""
    broken = [one for one in looks if one.held is False]
    blind = [one for one in looks if one.held is None]
    named = "\n".join(f"  {one}" for one in (*(broken or blind), *also))
    if broken:
        raise Failed(f"{what}:\n{named}", remedy=remedy)
    raise Unknown(f"{what}, as far as can be known; not measured:\n{named}", remedy=remedy)
