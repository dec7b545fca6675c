"""The end of an incident: is it fixed, what was it worth, and the stack is home again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab import archive
from lab.doors import Doors
from lab.errors import BadInput, LabError, MachineLacks, Unknown
from lab.gather import gather, keep
from lab.grade import grade
from lab.grading.recovery import GOOD_ANSWERS, counting, on_its_way
from lab.grading.verdict import Verdict
from lab.history import Check, Event, History, Outcome, Recovery
from lab.incident import current, held, scenario_of, stay
from lab.lock import exclusive
from lab.manifest import Change
from lab.mitigation import measure
from lab.moments import against
from lab.progress import Report
from lab.prometheus import PrometheusUnavailable
from lab.recall import as_json, last_diagnosis, last_recovery
from lab.records import Row
from lab.restore import call_off, come_home
from lab.series import Span
from lab.steady import Look


@dataclass(frozen=True, slots=True)
class Measured:
    """What a claim of recovery came to, check by check; `at` in Unix seconds. `on_its_way_s` is in
    how many seconds what fails for now would hold if it goes on so; None where waiting is not all
    that it takes."""

    outcome: Outcome
    why: str
    checks: tuple[Check, ...]
    at: float
    on_its_way_s: float | None = None


def resolve(
    doors: Doors,
    report: Report,
    *,
    within_s: float | None = None,
    each: Callable[[list[Look]], None] | None = None,
) -> Measured:
    """Somebody says that it is fixed: measure it, record it, judge it. May be called again.

    Waits up to `within_s` seconds (the scenario's own by default) for the objectives to hold.
    Raises `BadInput` where it was ended elsewhere, `Unknown` where the whole stack is down.
    """
    row = current(doors)
    with exclusive(f"incident-{doors.home.project}", report):
        row = _still_open(doors, row)
        doors.stack.refuse_others()
        _refuse_down(doors)
        stay(doors)
        doors.journal.note(row.id, doors.now(), "claimed")
        return _claim(doors, row, report, within_s, each)


def _refuse_down(doors: Doors) -> None:
    if not any(state.runs for state in doors.stack.services()):
        raise Unknown(
            "the stack is down: none of its services runs, so nothing can be measured",
            remedy="`docker compose up --detach` starts them as they are; `lab restore` abandons "
            "the night and brings the stack home",
        )


def _claim(
    doors: Doors,
    row: Row,
    report: Report,
    within_s: float | None,
    each: Callable[[list[Look]], None] | None = None,
) -> Measured:
    scenario = scenario_of(row)
    wait = scenario.objectives.within_s if within_s is None else within_s
    recovery = measure(doors, row, scenario, within_s=wait, report=report, each=each)
    doors.journal.claim(row.id, as_json(recovery, Recovery), doors.now())
    history = gather(doors, row, scenario, doors.now(), report)
    verdict = judge(doors, row, history)
    at = doors.now()
    doors.journal.note(row.id, at, "measured", verdict.mitigated)
    soon = on_its_way(history) if verdict.mitigated is Outcome.FAIL else None
    return Measured(verdict.mitigated, verdict.mitigated_why, verdict.checks, at, soon)


@dataclass(frozen=True, slots=True)
class Ended:
    """The verdict on an incident, and where its history is. `put_back` is what was not as it is at
    home, beside what the lab had broken. `not_home` says why the stack could not be brought home:
    then `lab restore` is still to be done."""

    row: Row
    verdict: Verdict
    history: Path
    put_back: tuple[Change, ...]
    not_home: str | None


def end(
    doors: Doors,
    report: Report,
    *,
    give_up: bool = False,
    on_verdict: Callable[[Verdict], None] | None = None,
) -> Ended:
    """Finish the incident: gather its history, judge it, bring the stack home, prove it.

    The last diagnosis counts. Without a claim that passed, and where what had passed is broken
    again, the recovery is measured once more, as things are, unless the learner gives up.
    `on_verdict` is told as soon as it is known.

    Raises `Unknown` where nobody can read any more what it is to be judged by; then it is closed
    without a verdict, and the stack is home.
    """
    row = _ending(doors)
    with exclusive(f"incident-{doors.home.project}", report):
        row = _still_open(doors, row)
        doors.stack.refuse_others()
        _refuse_unreadable(doors, row, report)
        if row.ended_at is None:
            if give_up:
                doors.journal.note(row.id, doors.now(), "gave-up")
            elif not held(doors, row):
                _claim(doors, row, report, within_s=0)
            elif (broken := _broken_again(doors, row)) is not None:
                doors.journal.note(row.id, doors.now(), "relapsed", broken)
                # It may be a moment: it gets as long as it must hold to hold again.
                _claim(doors, row, report, scenario_of(row).objectives.hold_s)
            doors.journal.stamp(row.id, "ended_at", doors.now())
        try:
            row = _settle(doors, row, report)
        except MachineLacks as error:
            # A disk that does not take it is no reason to stay broken.
            come_home(doors, report)
            error.remedy = f"{error.remedy}; the stack is home, and `lab end` gives the verdict"
            raise
        assert row.history is not None
        history = history_of(row)
        whole = history.signals.keys() >= doors.catalogue.by_name.keys()
        try:
            verdict = judge(doors, row, history)
            if on_verdict is not None and whole:
                on_verdict(verdict)
        finally:
            # Whatever becomes of judging and telling: a terminal that is gone, or a word that it
            # cannot show, is no reason to stay broken.
            put_back, not_home = _go_home(doors, row, report, whole=whole)
        if not whole:
            verdict = verdict_of(doors, row)
            if on_verdict is not None:
                on_verdict(verdict)
    row = doors.journal.incident(row.id)
    return Ended(row, verdict, Path(row.history or ""), put_back, not_home)


def _refuse_unreadable(doors: Doors, row: Row, report: Report) -> None:
    try:
        scenario_of(row)
    except Unknown as error:
        report.say(error.message)
        call_off(doors, row, error.message, report)
        raise Unknown(
            f"the incident {row.slug} (number {row.id}) is closed without a verdict, and the stack "
            "is home",
            remedy=error.message,
        ) from error


def _go_home(
    doors: Doors, row: Row, report: Report, *, whole: bool
) -> tuple[tuple[Change, ...], str | None]:
    """Bring the stack home, and close the incident. Returns what was put back; and, where it could
    not be brought home, why: then the incident stays to be closed by `restore`."""
    put_back: tuple[Change, ...] = ()
    not_home: str | None = None
    try:
        put_back = come_home(doors, report).put_back
    except LabError as error:
        not_home = error.message
    _tell(doors, row, put_back, report)
    if not whole:
        # What Prometheus had recorded before it fell silent it can tell now that it is back.
        _keep_history(doors, row, report)
    if not_home is None:
        doors.journal.stamp(row.id, "closed_at", doors.now())
    return put_back, not_home


def _tell(doors: Doors, row: Row, changes: Sequence[Change], report: Report) -> None:
    """Let the history tell what was changed by hand and put back: people want it for their
    debrief."""
    if not changes:
        return
    now = doors.now()
    for change in changes:
        doors.journal.note(row.id, now, "put-back", str(change))
    history = history_of(row)
    told = tuple(Event(now, "put-back", str(change)) for change in changes)
    assert row.history is not None
    try:
        archive.save(replace(history, events=history.events + told), Path(row.history))
    except OSError as error:
        report.say(f"what was put back is not in the history: {error}")


def abandon(doors: Doors, row: Row, report: Report) -> None:
    """End an incident without a word: what is on record stays on record. Measures nothing more."""
    if row.ended_at is None:
        doors.journal.note(row.id, doors.now(), "gave-up", "the stack was restored")
        doors.journal.stamp(row.id, "ended_at", doors.now())
    try:
        _settle(doors, row, report)
    except Exception as error:  # noqa: BLE001 - whatever it is, the stack comes home after it
        # That matters more than the record of one incident.
        report.say(f"its history could not be kept: {error}")


def _ending(doors: Doors) -> Row:
    """The incident to end, also one whose end was interrupted."""
    row = doors.journal.open_one()
    if row is not None and row.announced_at is not None:
        return row
    return current(doors)


def _still_open(doors: Doors, row: Row) -> Row:
    """The incident as it is once nobody else is at work on it.

    Raises `BadInput` where it was ended while we waited: the one that may be on by now was not
    meant.
    """
    row = doors.journal.incident(row.id)
    if row.closed_at is not None:
        raise BadInput(
            f"the incident {row.slug} (number {row.id}) was ended meanwhile",
            remedy=f"`lab report --incident {row.id}` has its story; `lab status` says what is on",
        )
    return row


def _settle(doors: Doors, row: Row, report: Report) -> Row:
    """Keep the history of an ended incident, unless an interrupted end has kept it already."""
    row = doors.journal.incident(row.id)
    try:
        history_of(row)
    except LabError:
        _keep_history(doors, row, report)
    return doors.journal.incident(row.id)


def _keep_history(doors: Doors, row: Row, report: Report) -> None:
    assert row.ended_at is not None
    keep(doors, row, gather(doors, row, scenario_of(row), row.ended_at, report))


def _broken_again(doors: Doors, row: Row) -> str | None:
    """The objective that was broken most of the last while, as long as it must hold, though the
    last claim passed; None where none was, or nobody can tell."""
    scenario = scenario_of(row)
    recovery = last_recovery(doors, row)
    fix = recovery.fix if recovery else None
    now = doors.now()
    try:
        for objective in (*counting(scenario.objectives.keep, fix), GOOD_ANSWERS):
            span = Span(now - scenario.objectives.hold_s, now)
            seen = against(doors.prometheus, objective, span).values
            if sum(not objective.met(value) for value in seen) > len(seen) / 2:
                return str(objective)
    except PrometheusUnavailable:
        pass
    return None


# -- looking back -------------------------------------------------------------------------------


def chosen(doors: Doors, number: int | None) -> Row:
    """That incident, or the last one that was announced. Raises `BadInput` when there is none."""
    if number is not None:
        return doors.journal.incident(number)
    for row in doors.journal.incidents():
        if row.announced_at is not None:
            return row
    raise BadInput("there was no incident yet", remedy="`lab run 3am`")


def history_of(row: Row) -> History:
    """The history of an ended incident. Raises `BadInput` when it is still on or has none."""
    if row.ended_at is None and row.invalid is None:
        raise BadInput(
            f"the incident {row.slug} is still on: there is no verdict before its end",
            remedy="`lab end` finishes it",
        )
    if row.invalid is not None and row.history is None:
        raise Unknown(f"the incident {row.slug} does not count: {row.invalid}")
    if row.history is None:
        raise BadInput(f"the history of incident {row.id} was not kept", remedy="`lab end`")
    return archive.load(Path(row.history), own=True)


def verdict_of(doors: Doors, row: Row) -> Verdict:
    """The verdict on an ended incident, from its history as it was kept."""
    return judge(doors, row, history_of(row))


def judge(doors: Doors, row: Row, history: History) -> Verdict:
    """The verdict on a history, with the journal's diagnosis, hints and revisions."""
    return grade(
        scenario_of(row).answer,
        history,
        last_diagnosis(doors, row),
        vocabulary=doors.vocabulary,
        hints_used=[int(hint.content) for hint in doors.journal.hints(row.id)],
        revisions=max(0, len(doors.journal.answers(row.id)) - 1),
    )
