"""Measuring a recovery: everything that tells a mended system from one that looks mended.

Gathers only. Whether it is enough is judged by lab/grade.py, from the same record, at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from lab.awake import Awake
from lab.doors import Doors
from lab.errors import LabError
from lab.grading.recovery import AGAIN, GOOD_ANSWERS, PAGER_QUIET, counting
from lab.history import Check, FixSeen, Outcome, Recovery
from lab.host.pressure import Watch, watching
from lab.host.slowdown import Threads, count
from lab.injection import happen_again
from lab.inspection import data_seen, faults_seen, load_seen, rotation_seen, services_seen
from lab.progress import Report
from lab.prometheus import PrometheusUnavailable
from lab.records import Row
from lab.scenario import Scenario
from lab.series import Span
from lab.shipped import others_as_shipped, rules_as_shipped, rules_loaded_at
from lab.steady import BEHIND_S, Look, look, wait_until

FIX_SHOWS_S = 5.0
"""How long an accepted fix must be seen to be in place: as far as rates look back."""

RINGS_S = 5.0
"""An alert that rings says so each second; one that has not for so long rings no more."""


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
    # Where nothing is broken yet, there is as much to look back at as there was of the night.
    begun_at = row.injected_at or row.announced_at or row.opened_at
    with watching(_counting(doors)) as machine:
        hold = scenario.objectives.hold_s
        fix = _accepted_soon(doors, scenario, within_s)
        keep = [*counting(scenario.objectives.keep, fix), GOOD_ANSWERS]

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
            held = watch(begun_at, within_s)
            if held is not None and (loaded := rules_loaded_at(doors.prometheus)) > held.start:
                # Whoever restarted Prometheus, perhaps for good reasons, waits a little longer.
                held = watch(loaded, within_s)
            quiet(held)
            window = held
        except PrometheusUnavailable as error:
            report.say(f"cannot measure: {error.message}")
        with report.step("looking at everything else"):
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
        with report.step("looking at everything else again"):
            seen = _seen(doors, row, scenario, window, machine)
        return replace(seen, extra=(*seen.extra, again))


def _counting(doors: Doors) -> Callable[[], Mapping[str, Threads]]:
    """How the threads of the stack's containers are counted; those that there are now."""
    group = doors.stack.env.get("LAB_CGROUP", "")
    try:
        containers = [one["Id"] for one in doors.stack.project.containers()]
    except LabError:
        return dict
    return partial(count, group, containers)


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
    # First of all: the rest takes seconds, and what happens in them is not in the window.
    pager = _pager(doors, scenario)
    return Recovery(
        window=window,
        required_s=hold,
        faults=faults_seen(doors, row, scenario),
        services=(*services_seen(doors, row), *rotation_seen(doors, window)),
        data=data_seen(doors, row),
        load=load_seen(doors, row, scenario, window),
        extra=(
            pager,
            rules_as_shipped(doors.prometheus, doors.catalogue, scenario, window),
            others_as_shipped(doors.stack),
        ),
        fix=accepted(doors, scenario, window.end),
        late_s=machine.late(window.start, window.end),
        slowed=machine.slowed(window.start, window.end),
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
        fix = accepted(doors, scenario, doors.now() - BEHIND_S)
        if fix is not None or not scenario.accepted_fixes or doors.now() >= until:
            return fix
        doors.pause(1.0)


def accepted(doors: Doors, scenario: Scenario, end: float) -> FixSeen | None:
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
