"""Putting an incident's history together: what the journal knows and what Prometheus recorded."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from lab import recovered, sharp
from lab.archive import recordable, save
from lab.diagnosis import Diagnosis
from lab.doors import Doors
from lab.errors import LabError, MachineLacks
from lab.history import (
    Event,
    EventKind,
    History,
    Receipt,
    SignalFacts,
    Told,
)
from lab.injection import FAILED
from lab.moments import Moments
from lab.progress import Report
from lab.prometheus import PrometheusUnavailable
from lab.recall import from_json, last_diagnosis, last_recovery
from lab.receipts import execute
from lab.records import Answer, Row
from lab.scenario import Scenario
from lab.series import Series, Span
from lab.signals import Signal

STEP = 1.0
"""Seconds between two points: as often as Prometheus looks."""

LOG_LINES = 50
LOG_BEFORE_S = 10.0
LOG_AFTER_S = 30.0
"""How much of each service's log a history keeps: what somebody would read first."""


def name_of(row: Row) -> str:
    """What an incident is called: its scenario and its number."""
    return f"{row.slug}-{row.id}"


def folder_of(doors: Doors, row: Row) -> Path:
    """Where what outlives an incident is kept: its history, its report."""
    return doors.home.dir / "incidents" / name_of(row)


def gather(doors: Doors, row: Row, scenario: Scenario, until: float, report: Report) -> History:
    """The history of an incident up to `until`. What Prometheus cannot give is missing in it."""
    baseline = baseline_of(row)
    injected_at = row.injected_at or until
    found: dict[str, tuple[Series, ...]] = {}
    receipts: tuple[Receipt, ...] = ()
    moments = Moments(None, None, None, None)
    signals = list(doors.catalogue)
    parts = _parts(signals)
    answers = doors.journal.answers(row.id)
    with report.step("reading what was recorded") as step:
        try:
            # Not all at once: a long night of every signal is more than one answer should hold.
            for count, (part, names) in enumerate(parts):
                step.at(count, len(parts), part)
                read = doors.catalogue.read(
                    doors.prometheus, baseline.start, until, names=names, step=STEP
                )
                found |= {name: recordable(series) for name, series in read.items()}
            moments = recovered.moments(doors, row, scenario, until)
        except PrometheusUnavailable as error:
            report.say(f"not everything could be read: {error.message}")
        if answers:
            receipts = _receipts(doors, answers[-1], baseline)
    history = History(
        incident=name_of(row),
        scenario=row.slug,
        title=scenario.title,
        seed=row.seed,
        step=STEP,
        baseline=baseline,
        injected_at=injected_at,
        ended_at=until,
        signals=found,
        facts={signal.name: SignalFacts.of(signal) for signal in signals},
        events=_events(doors, row, scenario, moments, until),
        objectives=tuple(scenario.objectives.keep),
        receipts=receipts,
        recovery=last_recovery(doors, row),
        invalid=row.invalid,
        told=told(doors, row, scenario),
        light=scenario.light,
    )
    try:
        return replace(history, sharp=sharp.read(doors.catalogue, doors.prometheus, history))
    except PrometheusUnavailable as error:
        report.say(f"onsets are dated by rules only: {error.message}")
        return history


def told(doors: Doors, row: Row, scenario: Scenario) -> Told:
    """What the verdict compares, as far as it is on record."""
    return Told(
        truth=scenario.answer,
        diagnosis=last_diagnosis(doors, row),
        hints_used=tuple(int(hint.content) for hint in doors.journal.hints(row.id)),
        revisions=max(0, len(doors.journal.answers(row.id)) - 1),
    )


def baseline_of(row: Row) -> Span:
    """When all was well."""
    return Span(row.baseline_from or row.opened_at, row.baseline_until or row.opened_at)


def _parts(signals: Sequence[Signal]) -> list[tuple[str, list[str]]]:
    """The names of the signals by their first word, along the dependency chain."""
    parts: dict[str, list[str]] = {}
    for signal in signals:
        parts.setdefault(signal.name.partition(":")[0], []).append(signal.name)
    return list(parts.items())


def _receipts(doors: Doors, answer: Answer, baseline: Span) -> tuple[Receipt, ...]:
    """The receipts of a diagnosis; those that could not be executed then get a second chance."""
    receipts = from_json(answer.receipts, tuple[Receipt, ...])
    if all(one.problem is None for one in receipts):
        return receipts
    evidence = from_json(answer.diagnosis, Diagnosis).evidence
    return execute(evidence, answer.at, baseline, doors.prometheus, doors.catalogue)


def keep(doors: Doors, row: Row, history: History) -> Path:
    """Save a history in the incident's folder, with what the services wrote, and note where.

    Returns its path. Raises `MachineLacks` where it cannot be written.
    """
    folder = folder_of(doors, row)
    path = folder / "history.json.gz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save(replace(history, logs=log_excerpts(doors, history)), path)
    except OSError as error:
        raise MachineLacks(
            f"the history of the incident cannot be written into {folder}: {error.strerror}",
            remedy="free some space there, or make it writable",
        ) from error
    # Relative: a home may be moved, with all that it remembers.
    doors.journal.stamp(row.id, "history", str(path.relative_to(doors.home.dir)))
    return path


def log_excerpts(doors: Doors, history: History) -> dict[str, tuple[str, ...]]:
    """The last lines of each service from the time around the first breach; the pages of a service
    that cannot be asked stay empty."""
    breach = history.first("breached")
    at = history.injected_at if breach is None else breach.at

    def lines(service: str) -> tuple[str, ...]:
        try:
            said = doors.stack.logs(service, since=at - LOG_BEFORE_S, until=at + LOG_AFTER_S)
        except LabError:
            return ()
        return tuple(said.splitlines()[-LOG_LINES:])

    try:
        names = doors.stack.expected
    except LabError:
        return {}
    with ThreadPoolExecutor(4) as pool:
        found = zip(names, pool.map(lines, names), strict=True)
        return {name: said for name, said in found if said}


def _events(
    doors: Doors, row: Row, scenario: Scenario, moments: Moments, until: float
) -> tuple[Event, ...]:
    events = [Event(row.opened_at, "started", scenario.page.text)]
    events += [
        Event(one.at, kind, one.detail)
        for one in doors.journal.events(row.id)
        if (kind := _kind(one.kind)) is not None
    ]
    events += [
        Event(fault.injected_at, "injected", fault.name)
        for fault in doors.journal.faults(row.id)
        # What was there before was the stage, and no event of the night.
        if fault.injected_at is not None and fault.injected_at >= (row.injected_at or 0)
    ]
    events += [
        Event(hint.at, "hint", f"{hint.number}: {hint.content} points")
        for hint in doors.journal.hints(row.id)
    ]
    for answer in doors.journal.answers(row.id):
        diagnosis = from_json(answer.diagnosis, Diagnosis)
        said = f"{diagnosis.component}: {diagnosis.cause}"
        events.append(Event(answer.at, "diagnosed", said))
    if moments.breached_at is not None:
        events.append(Event(moments.breached_at, "breached", str(moments.broken)))
    if moments.paged_at is not None:
        events.append(Event(moments.paged_at, "paged", scenario.page.text))
    if moments.recovered_at is not None:
        held = f"objectives hold for {scenario.objectives.hold_s:g} s and more"
        events.append(Event(moments.recovered_at, "recovered", held))
    if row.ended_at is not None:
        events.append(Event(until, "ended"))
    return tuple(sorted(events, key=lambda event: event.at))


TELLING: frozenset[EventKind] = frozenset(("started", "injected", "healed"))
"""What nobody who is on call has seen happen."""


def so_far(doors: Doors, row: Row, scenario: Scenario, moments: Moments) -> tuple[Event, ...]:
    """What has happened in an incident as far as whoever is on call can know it, in the order of
    time. That the objectives hold is told once they have held for as long as they must."""
    now = row.ended_at or doors.now()
    recovered = moments.recovered_at
    if recovered is not None and now - recovered < scenario.objectives.hold_s:
        moments = replace(moments, recovered_at=None)
    told = _events(doors, row, scenario, moments, now)
    return tuple(event for event in told if event.kind not in TELLING)


def _kind(word: str) -> EventKind | None:
    """The journal's own words are more than a history tells."""
    kinds: dict[str, EventKind] = {
        "acknowledged": "acknowledged",
        "action": "action",
        "note": "note",
        FAILED: "failed",
        "claimed": "claimed",
        "gave-up": "gave-up",
        "put-back": "put-back",
        "relapsed": "relapsed",
    }
    return kinds.get(word)
