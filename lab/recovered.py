"""When it began to hurt and since when it has been well again: the one opinion of it, for whoever
looks on, for the verdict and for the report."""

from __future__ import annotations

from lab.doors import Doors
from lab.grading.recovery import AGAIN, counting
from lab.history import Outcome, Recovery
from lab.mitigation import accepted
from lab.moments import Moments, read
from lab.recall import last_recovery
from lab.records import Row
from lab.scenario import Scenario
from lab.series import Span
from lab.steady import BEHIND_S


def moments(doors: Doors, row: Row, scenario: Scenario, until: float) -> Moments:
    """Breach, page and recovery up to `until` (Unix seconds).

    The recovery is that of the last claim, if the objectives held then: what came after is not its
    merit. Raises `PrometheusUnavailable`.
    """
    injected_at = row.injected_at or until
    recovery = last_recovery(doors, row)
    fix = recovery.fix if recovery else accepted(doors, scenario, until - BEHIND_S)
    keep = counting(scenario.objectives.keep, fix)

    def seen(end: float) -> Moments:
        return read(doors.prometheus, keep, scenario.page.alert, Span(injected_at, end))

    claimed = _judged_until(doors, row, recovery)
    if claimed is not None and injected_at < claimed < until:
        then = seen(claimed)
        if then.recovered_at is not None:
            return then
    return seen(until)


def _judged_until(doors: Doors, row: Row, recovery: Recovery | None) -> float | None:
    """The end of the stretch in which the recovery lies; None where there was no claim.

    Where it held when what had set it off happened once more, that was the lab's own doing: nobody
    has mended it later because of that.
    """
    if recovery is None:
        return None
    again = [check for check in recovery.extra if check.name == AGAIN]
    if not any(check.outcome is Outcome.PASS for check in again):
        return recovery.window.end
    own = [
        fault.injected_at
        for fault in doors.journal.faults(row.id)
        if fault.role == "trigger" and fault.planned_at > (row.announced_at or 0)
    ]
    return max((at for at in own if at is not None), default=recovery.window.end)
