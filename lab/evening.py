"""The evening before: customers come, caches fill up, the stage is set, and all is calm on it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import NoReturn

from lab.doors import Doors
from lab.errors import Failed, LabError
from lab.faults._redis import spread
from lab.host import busy
from lab.injection import set_stage, stage_fits
from lab.progress import Report
from lab.scenario import Load, Scenario
from lab.series import Condition, Span
from lab.steady import Look, let_pass, refuse, wait_until

STEADY_WITHIN_S = 30.0
"""How long the gate waits for a steady state to begin. Caches are warm by then; what expires with
the stage is filled again within one TTL (30 s), and who waits for more waits for the machine: they
are told what takes its cores instead."""

STAGINGS = 3
"""How often the stage is set until it fits what the machine does; each costs half a minute."""

ARRIVING = 0.7
"""Share of the scenario's rate that must be seen arriving. Arrivals are a Poisson process: over the
5 s that a rate looks back, 300 of them vary by 17, and never by 90 while the customers come."""

RAMP_STEP_S = 5.0
"""Where customers come gradually, a few more come each time after so many seconds."""


def let_them_come(doors: Doors, number: int, scenario: Scenario, report: Report) -> None:
    """The customers, until the caches are warm."""
    load = scenario.load
    rate = load.rate
    doors.load.stop()
    first = rate * RAMP_STEP_S / load.ramp_s if load.ramp_s else rate
    state = doors.load.start(
        first, scenario.load_seconds, scenario.seed, focus=load.focus, fans=load.fans
    )
    doors.journal.stamp(number, "load_run", state.run_id or "")
    _ramp(doors, load, report)
    title = f"{rate:g} customers a second: the caches fill up"
    let_pass(doors, doors.now(), load.warm_s, title, report)
    # In a cache that has been in use for days no two objects are of the same age by chance.
    spread(doors.stack, "*")


def set_the_scene(doors: Doors, number: int, scenario: Scenario, report: Report) -> None:
    """The stage, and calm on it; anew where this machine has changed its pace meanwhile."""
    for tried in range(STAGINGS):
        if tried:
            report.say("this machine has changed its pace; the stage is set anew")
        set_stage(doors, number, scenario)
        calm = _wait_for_calm(doors, scenario, report)
        fits = stage_fits(doors, number, scenario)
        if fits:
            break
    remedy = "does something else use this machine's cores? `lab doctor` looks; then start it again"
    if not isinstance(calm, Span):
        _refuse(doors, scenario, calm)
    if not fits:
        raise Failed(
            "what the same customers cost this machine changes too much from one minute to the "
            "next, so nothing was broken",
            remedy=remedy,
        )
    doors.journal.stamp(number, "services", json.dumps(doors.stack.expected))
    doors.journal.stamp(number, "baseline_from", calm.start)
    doors.journal.stamp(number, "baseline_until", calm.end)


def _wait_for_calm(doors: Doors, scenario: Scenario, report: Report) -> Span | list[Look]:
    """A steady state, long enough to compare with what comes; or the last look, without one."""
    rate = scenario.load.rate
    arrivals = Condition(signal="client:arrivals:rate", op=">=", value=ARRIVING * rate)
    conditions = {
        **{str(condition): condition for condition in doors.catalogue.steady()},
        # The scenario's objectives may be stricter than the catalogue's.
        **{str(condition): condition for condition in scenario.objectives.keep},
        **{str(condition): condition for condition in scenario.unaffected},
        str(arrivals): arrivals,
    }
    return wait_until(
        doors,
        list(conditions.values()),
        hold_s=scenario.load.baseline_s,
        within_s=STEADY_WITHIN_S,
        title=f"{rate:g} customers a second: waiting for {scenario.load.baseline_s:g} s of calm",
        report=report,
    )


def _refuse(doors: Doors, scenario: Scenario, calm: Sequence[Look]) -> NoReturn:
    """Say what keeps the load from being carried, as far as this machine shows it."""
    takers = busy.worth_naming(busy.takers(_containers(doors), doors.pause))
    cores = os.cpu_count() or 1
    ways = ["close what takes the cores" if takers else "`lab doctor` looks at the machine"]
    if scenario.has_light and not scenario.light:
        ways.append(f"`lab start {scenario.slug} --light`: half the customers, the same night")
    refuse(
        calm,
        "the stack does not carry its load steadily, so nothing was broken",
        remedy=", or ".join(ways),
        also=[one.of(cores) for one in takers],
    )


def _containers(doors: Doors) -> list[str]:
    """The ids of the stack's containers; none where the engine does not say."""
    try:
        return [one.container_id for one in doors.stack.services() if one.container_id]
    except LabError:
        return []


def _ramp(doors: Doors, load: Load, report: Report) -> None:
    """Let more and more of them come, until all do."""
    if not load.ramp_s:
        return
    with report.step("the first customers come") as step:
        begun = doors.now()
        while (past := doors.now() - begun) < load.ramp_s:
            share = min(1.0, (past + RAMP_STEP_S) / load.ramp_s)
            doors.load.set_rate(load.rate * share)
            step.at(past, load.ramp_s, f"{load.rate * share:.0f} a second")
            doors.pause(RAMP_STEP_S)
    doors.load.set_rate(load.rate)
