"""Is it mended? Named checks over what was measured after the learner's fix.

Pure. Each check passes, fails or is unknown; one failure decides, one unknown leaves it open. They
are chosen so that taking the load, a replica, the data or the measuring away is no way to win.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lab.grading.pace import too_busy, too_slow
from lab.history import Check, DataSeen, FixSeen, History, LoadSeen, Outcome, Recovery
from lab.series import MAX_GAP, Condition, Series, Span, worst
from lab.trend import OLDEST, QUEUE, Trend, trend
from lab.units import duration, measure

DELIVERED = 0.95
"""Share of the scenario's arrivals from which on it counts as the same load."""

PAGER_QUIET = "pager quiet"
"""The check that what woke somebody up has gone."""

ROTATION = " behind "
"""In the name of a replica as the balancer sees it, who asks each how it is and soon gives up."""

RUNS = ("running unhealthy", "running starting")
"""How a service is that is there, and has not answered its health check in time."""

AGAIN = "holds when it happens again"
"""The check that tells what was mended from what has merely passed."""


GOOD_ANSWERS = Condition(signal="client:wrong:ratio", op="<=", value=0.05)
"""Kept in every night, whatever else a fix may cost: to refuse somebody is a choice, to answer them
with something else is none."""


def counting(keep: Sequence[Condition], fix: FixSeen | None) -> tuple[Condition, ...]:
    """The objectives that count: an incident's own, or those that the accepted fix that is in place
    trades them for."""
    return fix.keep if fix is not None and fix.keep else tuple(keep)


def recovery_checks(history: History) -> tuple[Check, ...]:
    """Every check, in the order in which people read them; one failed check when nobody claimed
    that it was mended."""
    recovery = history.recovery
    if recovery is None:
        why = "nobody said that it was fixed, so no recovery was measured"
        return (Check("recovery", Outcome.FAIL, why),)
    objectives = _objectives(history, recovery)
    busy = _too_busy(objectives, history, recovery)
    return (
        *(_paced(_objective(one, history, recovery), busy) for one in objectives),
        _load(recovery.load, recovery),
        _faults(recovery),
        _there(recovery, busy),
        _data(recovery.data),
        *(_paced(one, busy) if one.name in (PAGER_QUIET, AGAIN) else one for one in recovery.extra),
    )


def on_its_way(history: History) -> float | None:
    """In how many seconds a recovery that failed would hold if it goes on so; None where that is
    not all that it takes, or nobody can tell.

    It fails for now: the objectives that are broken are on their way to their bounds, and nothing
    else is wrong but the pager, which follows them.
    """
    recovery = history.recovery
    if recovery is None:
        return None
    objectives = {_name(one): one for one in _objectives(history, recovery)}
    failed = [one.name for one in recovery_checks(history) if one.outcome is Outcome.FAIL]
    broken = [objectives[name] for name in failed if name in objectives]
    if not broken or any(name not in objectives and name != PAGER_QUIET for name in failed):
        return None
    soonest = [_soonest(one, history, recovery.window.end) for one in broken]
    whole = [one for one in soonest if one is not None]
    return max(whole) if len(whole) == len(soonest) else None


def _soonest(condition: Condition, history: History, end: float) -> float | None:
    """In how many seconds it is kept: at once where it is kept again."""
    if (way := _way(condition, history, end)) is not None:
        return way.within_s
    return 0.0 if _kept_for(condition, history, end) is not None else None


def _objectives(history: History, recovery: Recovery) -> list[Condition]:
    """What must hold, good answers among them."""
    objectives = [*counting(history.objectives, recovery.fix)]
    if GOOD_ANSWERS.signal in history.signals:
        # What was recorded before anybody looked at answers is judged without them.
        objectives.append(GOOD_ANSWERS)
    return objectives


def _name(condition: Condition) -> str:
    return f"{condition.signal} {condition.op} {condition.value:g}"


def _way(condition: Condition, history: History, end: float) -> Trend | None:
    """Where an objective that is broken at `end` is on its way to."""
    facts = history.facts.get(condition.signal)
    waiting = history.signals.get(QUEUE, ()) if condition.signal == OLDEST else ()
    return trend(
        condition,
        worst_of(condition, history),
        end,
        facts.unit if facts else "",
        worst(waiting, "up") if waiting else None,
    )


def _kept_for(condition: Condition, history: History, end: float) -> float | None:
    """For how long an objective has been kept again at `end`; None where it is not."""
    spans = condition.spans(worst_of(condition, history).between(0, end))
    if not spans or end - spans[-1].end > MAX_GAP:
        return None
    return spans[-1].seconds


def _too_busy(objectives: Sequence[Condition], history: History, recovery: Recovery) -> str | None:
    """Why this machine was too busy to hold anything against anybody; None where it was not."""
    missed: list[tuple[Condition, float]] = []
    for one in objectives:
        facts = history.facts.get(one.signal)
        if broken := _broken(one, history, recovery.window):
            # What takes no time no slow machine explains, as far as anybody can tell.
            seconds = _furthest(one, broken) if facts and facts.unit == "s" else math.inf
            missed.append((one, seconds))
    return too_busy(recovery.load.late_s, recovery.late_s) or too_slow(recovery.slowed, missed)


def _paced(check: Check, busy: str | None) -> Check:
    """A check that a busy machine alone may fail: then nobody can tell."""
    if check.outcome is not Outcome.FAIL or busy is None:
        return check
    return Check(check.name, Outcome.UNKNOWN, f"{check.reason}, {busy}")


def _broken(condition: Condition, history: History, window: Span) -> list[float]:
    """The samples of a window that do not meet an objective."""
    series = worst_of(condition, history).between(window.start, window.end)
    return [value for value in series.values if not condition.met(value)]


def _furthest(condition: Condition, broken: Sequence[float]) -> float:
    return max(broken, key=lambda value: abs(value - condition.value))


def worst_of(condition: Condition, history: History) -> Series:
    """The one series that an objective speaks of: at each time the worst of those it covers."""
    covered = [
        series
        for series in history.signals.get(condition.signal, ())
        if all(series.labels.get(key) == text for key, text in condition.where.items())
    ]
    return worst(covered, "up" if condition.op in ("<", "<=") else "down")


def _objective(condition: Condition, history: History, recovery: Recovery) -> Check:
    name = _name(condition)
    window = recovery.window
    series = worst_of(condition, history).between(window.start, window.end)
    held = condition.held(series, window.start, window.end)
    facts = history.facts.get(condition.signal)
    unit = facts.unit if facts else ""
    if held is False:
        broken = _broken(condition, history, window)
        why = (
            f"broken in {len(broken)} of {len(series.values)} samples, "
            f"as far as {measure(_furthest(condition, broken), unit)}"
        )
        if (way := _way(condition, history, window.end)) is not None:
            why += f"; now {way}"
        elif (kept := _kept_for(condition, history, window.end)) is not None:
            why += f"; kept again for {duration(kept)}"
        return Check(name, Outcome.FAIL, why)
    if held is None:
        return Check(name, Outcome.UNKNOWN, "samples are missing in the window")
    if window.seconds < recovery.required_s - history.step:
        why = (
            f"held, but was watched for {duration(window.seconds)} "
            f"of {duration(recovery.required_s)} only"
        )
        return Check(name, Outcome.UNKNOWN, why)
    return Check(name, Outcome.PASS, f"held for {duration(window.seconds)}")


def _load(load: LoadSeen, recovery: Recovery) -> Check:
    name = "same load"
    if load.problem is not None:
        return Check(name, Outcome.UNKNOWN, f"the customers could not be asked: {load.problem}")
    if load.state == "stopped":
        return Check(name, Outcome.FAIL, "the customers were stopped; no load is no recovery")
    wanted = load.declared_rate * DELIVERED
    if load.state == "running" and load.target_rate is not None and load.target_rate < wanted:
        why = f"turned down to {load.target_rate:g}/s; it was {load.declared_rate:g}/s"
        return Check(name, Outcome.FAIL, why)
    if load.state != "running":
        return Check(name, Outcome.UNKNOWN, f"the customers were {load.state or 'not there'}")
    if load.intended is None or load.started is None:
        return Check(name, Outcome.UNKNOWN, "how many customers came was not measured")
    due = load.declared_rate * recovery.window.seconds
    # Arrivals are a Poisson process: by chance alone fewer come than are due, a count's own root.
    by_chance = 3 * math.sqrt(due)
    if load.intended < due * DELIVERED - by_chance or load.started < load.intended * DELIVERED:
        why = f"{load.started} of {due:.0f} requests were sent; the load generator fell behind"
        return Check(name, Outcome.UNKNOWN, why)
    return Check(name, Outcome.PASS, f"{load.started} of {due:.0f} requests were sent")


def _faults(recovery: Recovery) -> Check:
    name = "cause gone"
    undone = [one.name for one in recovery.faults if one.lasting and one.active is False]
    if undone:
        return Check(
            name, Outcome.FAIL, "the night itself was changed back; it was to be lived with"
        )
    passing = [one for one in recovery.faults if not one.lasting]
    if passing and all(one.active is False for one in passing):
        return Check(name, Outcome.PASS, "the witness says that what broke is whole")
    if recovery.fix is not None:
        return Check(name, Outcome.PASS, f"accepted instead: {recovery.fix.what}")
    active = [one for one in recovery.faults if one.active and not one.lasting]
    unseen = [one for one in recovery.faults if one.active is None]
    if active:
        why = "; ".join(one.detail or "what broke is still broken" for one in active)
        return Check(name, Outcome.FAIL, why)
    if unseen or not recovery.faults:
        why = "; ".join(one.detail for one in unseen if one.detail)
        return Check(name, Outcome.UNKNOWN, why or "the witness could not be asked")
    # Nothing to undo: whether it is lived with, the objectives tell.
    return Check(name, Outcome.PASS, "the night is as hard as before")


def _there(recovery: Recovery, busy: str | None) -> Check:
    """What runs, and is ill or out of rotation, may have been asked by a busy machine how it is."""
    check = _services(recovery)
    down = [one for one in recovery.services if one.up is False]
    asked = all(ROTATION in one.name or one.detail in RUNS for one in down)
    return _paced(check, busy) if asked else check


def _services(recovery: Recovery) -> Check:
    name = "everything there"
    spared = recovery.fix.without if recovery.fix else ()
    needed = [one for one in recovery.services if one.name.partition(" ")[0] not in spared]
    down = [one for one in needed if one.up is False]
    unseen = [one for one in needed if one.up is None]
    if down:
        why = ", ".join(f"{one.name}{f' ({one.detail})' if one.detail else ''}" for one in down)
        return Check(name, Outcome.FAIL, f"missing or ill: {why}")
    if unseen or not needed:
        why = ", ".join(one.name for one in unseen) or "any service"
        return Check(name, Outcome.UNKNOWN, f"nobody could see {why}")
    return Check(name, Outcome.PASS, f"{len(needed)} services are there and healthy")


def _data(data: DataSeen) -> Check:
    name = "data intact"
    if data.problem is not None:
        return Check(name, Outcome.UNKNOWN, f"the audit could not be made: {data.problem}")
    wrong = [
        f"{count} {what}"
        for count, what in (
            (data.lost, "lost"),
            (data.doubled, "done twice"),
            (data.unfinished, "never finished"),
        )
        if count
    ]
    if wrong:
        why = f"of {data.checked} acknowledged writes, {', '.join(wrong)}"
        return Check(name, Outcome.FAIL, why)
    return Check(name, Outcome.PASS, f"all {data.checked} acknowledged writes are there, once")
