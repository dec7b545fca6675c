"""Inspecting a mended stack: what broke, who is there, what was promised, and who still comes.

Gathers only, for lab/mitigation.py. What cannot be looked at is recorded as such, with the reason.
"""

from __future__ import annotations

from lab import faults
from lab.audit import audit
from lab.doors import Doors
from lab.errors import LabError
from lab.faults import FaultParams
from lab.grading.pace import START_DELAY
from lab.grading.recovery import ROTATION
from lab.history import DataSeen, FaultSeen, LoadSeen, ServiceSeen
from lab.injection import failed, of_the_night
from lab.moments import against
from lab.prometheus import PrometheusUnavailable
from lab.recall import from_json
from lab.records import PlannedFault, Row
from lab.scenario import Scenario
from lab.series import Condition, Span

OVERDUE_S = 60.0
"""Whatever brings a part of the night that is so late will not bring it any more."""

WATCHERS = ("prometheus", "engine-proxy", "grafana", "jaeger")
"""Services that look at the system and are no part of it, beside the exporters: without them there
is nothing to measure, which is unknown, and not the learner's failure."""


def faults_seen(doors: Doors, row: Row, scenario: Scenario) -> tuple[FaultSeen, ...]:
    """What the witness of each fault says; those that only distract are nobody's to mend, and
    what only set something off is over."""
    return tuple(
        _fault_seen(doors, row, fault, params)
        for fault, params in of_the_night(doors, row.id, scenario)
        if fault.role != "herring"
    )


def _fault_seen(doors: Doors, row: Row, fault: PlannedFault, params: FaultParams) -> FaultSeen:
    if failed(doors, fault):
        why = "a part of the night did not come as it should have: nobody is charged with it"
        return FaultSeen(fault.name, None, why, params.lasting)
    if fault.injected_at is None:
        due = (row.injected_at or row.announced_at or doors.now()) + params.after_s
        late = doors.now() - due
        why = (
            "the night is not over yet"
            if late < OVERDUE_S
            else f"what was to come {late:.0f} s ago has not come: nobody is charged with it"
        )
        return FaultSeen(fault.name, None, why, params.lasting)
    if fault.role == "trigger":
        return FaultSeen(fault.name, active=False)
    try:
        active = faults.active(doors.stack, fault.name, fault.token)
    except LabError as error:
        return FaultSeen(fault.name, None, error.message, params.lasting)
    return FaultSeen(fault.name, active, lasting=params.lasting)


def services_seen(doors: Doors, row: Row) -> list[ServiceSeen]:
    """Every service that was there when all was well."""
    names = [
        name
        for name in from_json(row.services or "[]", list[str])
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


def rotation_seen(doors: Doors, window: Span) -> list[ServiceSeen]:
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


def data_seen(doors: Doors, row: Row) -> DataSeen:
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


def load_seen(doors: Doors, row: Row, scenario: Scenario, window: Span) -> LoadSeen:
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
