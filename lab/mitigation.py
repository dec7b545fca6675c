"""Measuring a recovery: everything that tells a mended system from one that looks mended.

Gathers only. Whether it is enough is judged by lab/grade.py, from the same record, at any time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from lab import faults
from lab.audit import audit
from lab.awake import Awake
from lab.doors import Doors
from lab.errors import LabError
from lab.faults import FaultParams
from lab.grading.pace import START_DELAY
from lab.grading.recovery import AGAIN, PAGER_QUIET, ROTATION
from lab.history import (
    Check,
    DataSeen,
    FaultSeen,
    FixSeen,
    LoadSeen,
    Outcome,
    Recovery,
    ServiceSeen,
)
from lab.host.pressure import Watch, watching
from lab.injection import happen_again
from lab.moments import against
from lab.progress import Report
from lab.prometheus import PrometheusUnavailable
from lab.records import PlannedFault, Row
from lab.scenario import Scenario
from lab.series import Condition, Span
from lab.shipped import rules_as_shipped, rules_loaded_at
from lab.steady import BEHIND_S, Look, look, wait_until

FIX_SHOWS_S = 5.0
"""How long an accepted fix must be seen to be in place: as far as rates look back."""

RINGS_S = 5.0
"""An alert that rings says so each second; one that has not for so long rings no more."""

WATCHERS = ("prometheus", "grafana", "jaeger")
"""Services that look at the system and are no part of it, beside the exporters: without them there
is nothing to measure, which is unknown, and not the learner's failure."""


def measure(
    doors: Doors,
    row: Row,
    scenario: Scenario,
    *,
    within_s: float,
    report: Report,
    each: Callable[[list[Look]], None] | None = None,
) -> Recovery:
    """Wait until the objectives have held for a full window, then look at everything else.

    After `within_s` seconds (not counting the window) the last full window is taken as it is; as
    long again the pager may take to fall silent. What cannot be looked at is recorded as such, with
    the reason.
    """
    with watching() as machine:
        return _measure(doors, row, scenario, within_s, report, each, machine)


def _measure(
    doors: Doors,
    row: Row,
    scenario: Scenario,
    within_s: float,
    report: Report,
    each: Callable[[list[Look]], None] | None,
    machine: Watch,
) -> Recovery:
    assert row.injected_at is not None
    hold = scenario.objectives.hold_s
    fix = _accepted_soon(doors, scenario, within_s)
    keep = (fix and list(fix.keep)) or scenario.objectives.keep

    def watch(since: float, within_s: float) -> Span | None:
        """The window in which they held; None where they did not."""
        held = wait_until(
            doors,
            keep,
            hold_s=hold,
            within_s=within_s,
            not_before=since,
            title=f"watching whether the objectives hold for {hold:g} s",
            report=report,
            each=each,
        )
        return held if isinstance(held, Span) else None

    def quiet(held: Span | None) -> None:
        if held is not None:
            _wait_for_quiet(doors, scenario, within_s, report)

    window: Span | None = None
    try:
        # The past counts too: what was mended a minute ago need not be waited for again.
        held = watch(row.injected_at, within_s)
        if held is not None and (loaded := rules_loaded_at(doors.prometheus)) > held.start:
            # Whoever restarted Prometheus, perhaps for good reasons, waits a little longer.
            held = watch(loaded, within_s)
        quiet(held)
        window = held
    except PrometheusUnavailable as error:
        report.say(f"cannot measure: {error.message}")
    seen = _seen(doors, row, scenario, window, machine)
    soon = scenario.objectives.again_within_s
    if soon is None or window is None or not _otherwise_whole(seen):
        return seen
    try:
        begun = happen_again(doors, row.id, scenario)
        report.say("what set it off happens once more: does it hold?")
        window = watch(begun, soon)
        quiet(window)
        again = _again(window, begun, soon)
    except LabError as error:
        again = Check(AGAIN, Outcome.UNKNOWN, error.message)
    seen = _seen(doors, row, scenario, window, machine)
    return replace(seen, extra=(*seen.extra, again))


def _seen(
    doors: Doors, row: Row, scenario: Scenario, held: Span | None, machine: Watch
) -> Recovery:
    """Everything there is to see after a window in which the objectives held, or did not."""
    hold = scenario.objectives.hold_s
    end = doors.now() - BEHIND_S
    window = held
    if window is None or end - window.end > BEHIND_S:
        # Nothing held; or the pager took its time, and it must have held to the end of that.
        window = Span(end - hold, end)
    return Recovery(
        window=window,
        required_s=hold,
        faults=_faults(doors, row, scenario),
        services=(*_services(doors, row), *_rotation(doors, window)),
        data=_data(doors, row),
        load=_load(doors, row, scenario, window),
        extra=(
            _pager(doors, scenario),
            rules_as_shipped(doors.prometheus, doors.catalogue, scenario, window),
        ),
        fix=_accepted(doors, scenario, window.end),
        late_s=machine.late(window.start, window.end),
    )


def _otherwise_whole(seen: Recovery) -> bool:
    """Whether it is worth asking if it would hold again: with something missing it is decided."""
    missing = any(one.up is False for one in seen.services)
    broken = any(one.active and not one.lasting for one in seen.faults)
    return seen.load.state == "running" and not (missing or broken)


def _accepted_soon(doors: Doors, scenario: Scenario, within_s: float) -> FixSeen | None:
    """The accepted fix that can be seen. One that was made just before shows a little later (the
    replicas read it, Prometheus reads them), and until then the wrong objectives would be waited
    for."""
    until = doors.now() + min(within_s, FIX_SHOWS_S + 2 * BEHIND_S)
    while True:
        fix = _accepted(doors, scenario, doors.now() - BEHIND_S)
        if fix is not None or not scenario.accepted_fixes or doors.now() >= until:
            return fix
        doors.pause(1.0)


def _accepted(doors: Doors, scenario: Scenario, end: float) -> FixSeen | None:
    """The accepted fix that the system shows at the end of the window, if any can be seen. What it
    was good for the objectives tell, over the whole of it."""
    try:
        for fix in scenario.accepted_fixes:
            if all(one.held for one in look(doors, fix.when, end - FIX_SHOWS_S, end)):
                return FixSeen(scenario.fill(fix.what), tuple(fix.without), tuple(fix.keep))
    except PrometheusUnavailable:
        pass
    return None


def _again(window: Span | None, begun: float, soon: float) -> Check:
    """Whether the objectives held again soon enough after it had happened once more."""
    if window is None:
        why = f"once more, and the objectives did not hold again within {soon:g} s"
        return Check(AGAIN, Outcome.FAIL, why)
    after = max(0.0, window.start - begun)
    return Check(AGAIN, Outcome.PASS, f"once more, and all was well again after {after:.0f} s")


def _wait_for_quiet(doors: Doors, scenario: Scenario, within_s: float, report: Report) -> None:
    """A backlog takes a while to be worked off after the cause is gone."""
    awake = Awake(doors.now)
    with report.step("waiting for the pager to fall silent"):
        while awake.passed() < within_s and _ringing(doors, scenario.page.alert):
            doors.pause(1.0)


def _faults(doors: Doors, row: Row, scenario: Scenario) -> tuple[FaultSeen, ...]:
    """What the witness of each fault says; those that only distract are nobody's to mend, and
    what only set something off is over."""
    planned = doors.journal.faults(row.id)
    return tuple(
        _fault(doors, fault, params)
        for fault, params in zip(planned, scenario.faults, strict=False)
    )


def _fault(doors: Doors, fault: PlannedFault, params: FaultParams) -> FaultSeen:
    if fault.injected_at is None:
        return FaultSeen(fault.name, None, "the night is not over yet", params.lasting)
    if params.triggers:
        return FaultSeen(fault.name, active=False)
    try:
        active = faults.active(doors.stack, fault.name, fault.token)
    except LabError as error:
        return FaultSeen(fault.name, None, error.message, params.lasting)
    return FaultSeen(fault.name, active, lasting=params.lasting)


def _services(doors: Doors, row: Row) -> list[ServiceSeen]:
    """Every service that was there when all was well."""
    names = [
        name
        for name in json.loads(row.services or "[]")
        if name not in WATCHERS and not name.endswith("-exporter")
    ]
    try:
        states = {state.name: state for state in doors.stack.services()}
    except LabError as error:
        return [ServiceSeen(name, None, error.message) for name in names]
    seen: list[ServiceSeen] = []
    for name in names:
        state = states.get(name)
        word = f"{state.state} {state.health}".strip() if state else "missing"
        seen.append(ServiceSeen(name, state is not None and state.ok, word))
    return seen


def _rotation(doors: Doors, window: Span) -> list[ServiceSeen]:
    """Every replica of the API behind the balancer: one that gets no requests is not there."""
    seen: list[ServiceSeen] = []
    for name in sorted(state for state in doors.stack.expected if state.startswith("api-")):
        upstream = Condition(signal="nginx:upstream_up", op=">=", value=1, where={"upstream": name})
        try:
            value = against(doors.prometheus, upstream, window).last(not_before=window.end - 5)
        except PrometheusUnavailable:
            value = None
        word = {None: "not measured", True: "in rotation", False: "out of rotation"}
        up = None if value is None else upstream.met(value)
        seen.append(ServiceSeen(f"{name}{ROTATION}nginx", up, word[up]))
    return seen


def _data(doors: Doors, row: Row) -> DataSeen:
    try:
        found = audit(doors.stack, doors.load.ledger(row.load_run))
    except LabError as error:
        return DataSeen(problem=error.message)
    return DataSeen(
        checked=found.checked,
        lost=len(found.lost),
        doubled=len(found.doubled),
        # There are always some on their way while customers come; the audit itself calls lost what
        # nothing in the queue would ever finish, and a queue that does not drain keeps ringing.
        unfinished=0,
    )


def _load(doors: Doors, row: Row, scenario: Scenario, window: Span) -> LoadSeen:
    """What the customers did over the window, by their own counters."""
    declared = scenario.rate
    try:
        state = doors.load.state()
    except LabError as error:
        return LoadSeen(declared, None, None, None, None, problem=error.message)
    try:
        intended, started = (
            _counted(doors, counter, window)
            for counter in ("load_arrivals_total", "load_started_total")
        )
        late = _late(doors, window)
    except PrometheusUnavailable as error:
        return LoadSeen(declared, state.target_rate, None, None, state.state, problem=error.message)
    ours = state.run_id == row.load_run
    return LoadSeen(
        declared_rate=declared,
        target_rate=state.target_rate if ours else 0.0,
        intended=intended,
        started=started,
        state=state.state,
        problem=None if ours else "the customers of this incident were sent away",
        late_s=late,
    )


def _late(doors: Doors, window: Span) -> float | None:
    """How late customers were begun at the worst moment of the window, in seconds; None when that
    was not seen."""
    found = doors.prometheus.query_range(START_DELAY, window.start, window.end)
    return max((value for one in found for value in one.values), default=None)


def _counted(doors: Doors, counter: str, window: Span) -> int | None:
    """How far a counter went over the window; None when it was not seen, or began anew."""
    found = doors.prometheus.query_range(f"sum({counter})", window.start, window.end)
    if not found or len(found[0].times) < 2:
        return None
    times, values = found[0].times, found[0].values
    went = values[-1] - values[0]
    # The points lie within the window, so they miss a second or so at its ends.
    return round(went * window.seconds / (times[-1] - times[0])) if went >= 0 else None


def _ringing(doors: Doors, alert: str) -> bool:
    firing = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    # Of a Prometheus that was restarted the last word from before would count for five minutes.
    now = f"last_over_time({firing}[{RINGS_S:g}s])"
    return bool(doors.prometheus.query(now, doors.now()))


def _pager(doors: Doors, scenario: Scenario) -> Check:
    """What woke somebody up must have gone, not only what customers notice."""
    try:
        if _ringing(doors, scenario.page.alert):
            return Check(PAGER_QUIET, Outcome.FAIL, f"{scenario.page.alert} still fires")
    except PrometheusUnavailable as error:
        return Check(PAGER_QUIET, Outcome.UNKNOWN, error.message)
    return Check(PAGER_QUIET, Outcome.PASS, f"{scenario.page.alert} does not fire any more")
