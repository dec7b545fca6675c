"""Playing an incident without a person: the scenario's own remedy and true diagnosis.

For demonstrations, and as the proof that a scenario can be solved.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab import incident
from lab.attempts import Decoy
from lab.command import CommandFailed
from lab.diagnosis import Diagnosis, Evidence
from lab.doors import Doors
from lab.ending import Ended, Measured, end, resolve
from lab.errors import Failed
from lab.grading.verdict import Verdict
from lab.progress import Report
from lab.records import Row
from lab.scenario import Scenario
from lab.scripts import run_script
from lab.series import Span
from lab.steady import BEHIND_S

PAGE_WITHIN_S = 120.0
"""How long the pager may take; the scenario promises less, and a busy machine needs more."""

DECOY_WATCHED_S = 10.0
"""How long a decoy is given, on top of the window, to show that it helps."""


def wait_for_page(doors: Doors, row: Row, report: Report) -> float:
    """Wait for the pager. Returns when it rang; raises `Failed` when it does not."""
    with report.step("waiting for the pager") as step:
        begun = doors.now()
        while (waited := doors.now() - begun) < PAGE_WITHIN_S:
            seen = incident.moments(doors, row)
            if seen.paged_at is not None:
                return seen.paged_at
            word = "customers are suffering" if seen.breached_at is not None else "all is calm"
            step.at(waited, PAGE_WITHIN_S, word)
            doors.pause(1.0)
    raise Failed(
        f"the pager did not ring within {PAGE_WITHIN_S:g} s",
        remedy="`lab signals` shows what moved; `lab end --give-up` ends the incident",
    )


def true_diagnosis(scenario: Scenario, over: Span | None = None) -> Diagnosis:
    """What somebody who knows everything would say, with evidence `over` that time; None: over the
    last minute before it is said."""
    truth = scenario.truth
    window = None if over is None else (f"{over.start:.3f}", f"{over.end:.3f}")
    return Diagnosis(
        component=truth.component,
        cause=truth.cause,
        evidence=tuple(Evidence("signal", name, window) for name in truth.evidence),
        chain=tuple(truth.chain),
        note=f"{truth.object}, by the autopilot",
    )


def act(doors: Doors, row: Row, script: Path, what: str, report: Report) -> None:
    """Run one of the scenario's scripts as an operator would, and note that it was done."""
    doors.journal.note(row.id, doors.now(), "action", what)
    with report.step(f"{what}: {script.name}") as step:
        # The last line of its output is what it is doing; how long it takes nobody knows.
        run_script(doors, script, lambda line: step.at(0, 1, line))


def try_decoy(doors: Doors, row: Row, decoy: Decoy, report: Report) -> Measured:
    """Do the tempting wrong thing, and measure what it was good for."""
    report.say(f"{decoy.name}: {decoy.why}")
    try:
        act(doors, row, decoy.path, decoy.name, report)
    except CommandFailed as error:
        report.say(f"{decoy.name} could not even be done: {error.message.splitlines()[0]}")
    return resolve(doors, report, within_s=DECOY_WATCHED_S)


def fly(
    doors: Doors,
    row: Row,
    report: Report,
    *,
    decoys: bool = False,
    on_measured: Callable[[str, Measured], None] | None = None,
    on_verdict: Callable[[Verdict], None] | None = None,
) -> Ended:
    """From the announcement to the verdict. `decoys` tries each of them before the remedy."""
    scenario = incident.scenario_of(row)
    rung = wait_for_page(doors, row, report)
    report.say(f"PAGE after {rung - (row.injected_at or rung):.0f} s: {scenario.page.text}")
    incident.acknowledge(doors)
    if decoys:
        for decoy in doors.library.decoys(row.slug):
            measured = try_decoy(doors, row, decoy, report)
            if on_measured is not None:
                on_measured(decoy.name, measured)
    # What a diagnosis points at must have been recorded before it is pointed at.
    doors.pause(2 * BEHIND_S)
    incident.diagnose(doors, true_diagnosis(scenario), final=True)
    act(doors, row, doors.library.remedy(row.slug), "the remedy", report)
    measured = resolve(doors, report)
    if on_measured is not None:
        on_measured("the remedy", measured)
    return end(doors, report, on_verdict=on_verdict)
