"""The evening before: the stage is set, customers come, caches fill up, and all is calm."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from typing import NoReturn

from lab import statements
from lab.awake import Awake
from lab.doors import Doors
from lab.errors import LabError, Unknown
from lab.faults._redis import spread
from lab.grading.calm import trends
from lab.history import SignalFacts
from lab.host import busy
from lab.injection import set_stage
from lab.load import LEAST_RATE
from lab.progress import Report
from lab.scenario import Load, Scenario
from lab.series import Condition, Span
from lab.steady import Look, let_pass, refuse, wait_until

STEADY_BY_S, STEADY_LEAST_S = 55.0, 10.0
"""How many seconds after the first customer a steady state begins at the latest, and for how many
it is waited for at least. Caches are warm by then, so who waits for more waits for the machine:
they are told what takes its cores instead, within a minute."""

FIRST_BY_S = 75.0
"""How long it may take until the first customer arrives: a few look at what is dear to make before,
for a minute at most (services/load/customers/run.py)."""

SIGMAS = 4.0
"""How far below the scenario's rate arrivals may fall by chance. They are a Poisson process: over
the 5 s that a rate looks back, n of them vary by the root of n."""

MOMENTS = 0.1
"""The share of a calm in which an objective may be missed. Who comes comes by chance, and some of
what they want is dear: one slow second in half a minute is no reason to send everybody home."""

TREND_STEP_S = 5.0
"""A calm in which something is still on its way to where it stays begins so much later."""

RAMP_STEP_S = 5.0
"""Where customers come gradually, a few more come each time after so many seconds."""


def set_the_scene(doors: Doors, number: int, scenario: Scenario) -> None:
    """The stage, while nobody is there.

    Limits that are lowered in the middle of the calm show as a step in a curve, half a minute
    before it gets bad: an honest reader takes that for a lead.
    """
    doors.load.stop()
    # What mended the night before would stand in the statistics of this one, and name the cause.
    statements.forget(doors.stack)
    set_stage(doors, number, scenario)


def let_them_come(doors: Doors, number: int, scenario: Scenario, report: Report) -> float:
    """The customers, until the caches are warm. Returns when they began to."""
    load = scenario.load
    rate = load.rate
    first = max(LEAST_RATE, rate * RAMP_STEP_S / load.ramp_s) if load.ramp_s else rate
    state = doors.load.start(first, scenario.load_seconds, scenario.seed, **load.interests)
    doors.journal.stamp(number, "load_run", state.run_id or "")
    begun = doors.now()
    _first_look(doors, report)
    _ramp(doors, load, report)
    title = f"{rate:g} customers a second: the caches fill up"
    let_pass(doors, doors.now(), load.warm_s, title, report)
    # In a cache that has been in use for days no two objects are of the same age by chance.
    spread(doors.stack, "*")
    return begun


def wait_for_calm(
    doors: Doors, number: int, scenario: Scenario, begun: float, report: Report
) -> None:
    """A steady state, long enough to compare with what comes. Raises `LabError` without one.

    `begun` is when customers began to come.
    """
    rate, long = scenario.load.rate, scenario.load.baseline_s
    arrivals = Condition(signal="client:arrivals:rate", op=">=", value=_least(rate))
    conditions = {
        **{str(condition): condition for condition in doors.catalogue.steady()},
        # The scenario's objectives may be stricter than the catalogue's.
        **{str(condition): condition for condition in scenario.objectives.keep},
        **{str(condition): condition for condition in scenario.unaffected},
        str(arrivals): arrivals,
    }
    not_before = doors.now()
    while True:
        calm = wait_until(
            doors,
            list(conditions.values()),
            hold_s=long,
            within_s=max(STEADY_LEAST_S, STEADY_BY_S - (doors.now() - begun)),
            title=f"{rate:g} customers a second: waiting for {long:g} s of calm",
            report=report,
            not_before=not_before,
            moments=MOMENTS,
        )
        if not isinstance(calm, Span):
            _refuse(doors, scenario, calm)
        moving = _on_their_way(doors, scenario, calm)
        if not moving or doors.now() - begun > STEADY_BY_S:
            # What still moves then is not held against anybody: it is unknown whether it moved.
            break
        report.say(f"{', '.join(moving)}: still on the way to where it stays")
        not_before = calm.start + TREND_STEP_S
    doors.journal.stamp(number, "services", json.dumps(doors.stack.expected))
    doors.journal.stamp(number, "baseline_from", calm.start)
    doors.journal.stamp(number, "baseline_until", calm.end)
    statements.remember(doors, number)


def _on_their_way(doors: Doors, scenario: Scenario, calm: Span) -> list[str]:
    """Of the truth's chain those signals that have not come to rest in that time."""
    names = scenario.answer.chain
    found = doors.catalogue.read(doors.prometheus, calm.start, calm.end, names=names)
    return [
        name
        for name in names
        if any(trends(one.values, SignalFacts.of(doors.catalogue[name])) for one in found[name])
    ]


def _least(rate: float) -> float:
    """The rate below which customers do not come as they should, whatever chance does."""
    return max(0.0, rate - SIGMAS * math.sqrt(rate / 5))


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


def _first_look(doors: Doors, report: Report) -> None:
    """Until what many will come for has been made once: from then on customers arrive."""
    awake = Awake(doors.now)
    with report.step("a few look first") as step:
        while not (state := doors.load.state()).intended and state.running:
            if awake.passed() > FIRST_BY_S:
                raise Unknown("the customers do not come", remedy="docker compose logs load")
            step.at(awake.passed(), FIRST_BY_S)
            doors.pause(1.0)


def _ramp(doors: Doors, load: Load, report: Report) -> None:
    """Let more and more of them come, until all do."""
    if not load.ramp_s:
        return
    with report.step("the first customers come") as step:
        begun = doors.now()
        while (past := doors.now() - begun) < load.ramp_s:
            share = min(1.0, (past + RAMP_STEP_S) / load.ramp_s)
            doors.load.set_rate(max(LEAST_RATE, load.rate * share))
            step.at(past, load.ramp_s, f"{load.rate * share:.0f} a second")
            doors.pause(RAMP_STEP_S)
    doors.load.set_rate(load.rate)
