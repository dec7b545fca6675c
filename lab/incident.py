"""The lifecycle of an incident. There is no daemon: every step works from any process.

What has happened is in the journal, what was measured in Prometheus. A process that is killed
between two steps loses nothing; the next one carries on, or `restore` brings the stack home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab import recovered
from lab.diagnosis import Diagnosis, in_own_words
from lab.doors import Doors
from lab.errors import BadInput, Failed, LabError, Unknown
from lab.evening import let_them_come, set_the_scene, wait_for_calm
from lab.gather import baseline_of
from lab.grading.recovery import counting
from lab.history import FixSeen, Outcome, Receipt
from lab.injection import break_it
from lab.journal import OneAtATime
from lab.load import LoadUnavailable
from lab.lock import exclusive
from lab.mitigation import accepted
from lab.moments import Moments, against
from lab.panels import signal_at
from lab.progress import Report
from lab.prometheus import PrometheusUnavailable
from lab.recall import as_json
from lab.records import Row
from lab.restore import bring_up, call_off, come_home
from lab.scenario import Hint, Scenario
from lab.series import Condition, Span
from lab.steady import BEHIND_S, prove_up

LAST_S = 5.0
"""What was measured longer ago is not now."""

STAY_S = 15 * 60
"""Whoever works on an incident gets at least this many seconds of customers more."""


def scenario_of(row: Row) -> Scenario:
    """The scenario as it was when the incident began, whatever became of its files.

    Raises `Unknown` where another version of the lab has begun it, which knew other scenarios, and
    where it is damaged.
    """
    try:
        return Scenario.model_validate_json(row.scenario)
    except ValueError as error:
        raise Unknown(
            f"the scenario of the incident {row.slug} (number {row.id}) cannot be read: another "
            "version of the lab has begun it, or the journal is damaged",
            remedy="`lab restore` brings the stack home all the same",
        ) from error


def current(doors: Doors) -> Row:
    """The incident that is on. Raises `BadInput` when none is."""
    row = doors.journal.open_one()
    if row is None:
        last = doors.journal.latest()
        why = (
            f"; the last one, {last.slug}, does not count: {last.invalid}"
            if last and last.invalid
            else ""
        )
        raise BadInput(
            f"no incident is on{why}", remedy="`lab scenarios` lists them; `lab run 3am`"
        )
    if row.phase == "preparing":
        raise BadInput(
            f"the incident {row.slug} is not on yet: it is being prepared, or that was interrupted",
            remedy="wait for `lab start`, or let `lab restore` bring the stack home",
        )
    if row.phase == "ended":
        raise BadInput(
            f"the incident {row.slug} is over, but the stack was not brought home",
            remedy="`lab restore` does that",
        )
    return row


# -- the beginning ------------------------------------------------------------------------------


def start(doors: Doors, slug: str, seed: int, report: Report, *, light: bool = False) -> Row:
    """From whatever state to an incident that is on: gate, stage, load, baseline, fault, witness. A
    `light` one is the same with half the customers.

    Raises `BadInput` for an unknown or invalid scenario, `OneAtATime` while an incident is on, and
    `LabError` with what did not work. Then nothing is left broken, and nobody is charged with it.
    """
    scenario = doors.library.load(slug, seed, light=light)
    with exclusive(f"incident-{doors.home.project}", report):
        doors.stack.refuse_others()
        _clear_the_way(doors, report)
        for change in bring_up(doors, report):
            report.say(f"put back: {change}")
        prove_up(doors, report)
        number = doors.journal.begin(slug, seed, scenario.model_dump_json(), doors.now())
        try:
            set_the_scene(doors, number, scenario)
            begun = let_them_come(doors, number, scenario, report)
            wait_for_calm(doors, number, scenario, begun, report)
            break_it(doors, number, scenario, report)
        except LabError as error:
            # Before anybody was called: put it back, and let the reason be the message.
            try:
                call_off(doors, doors.journal.incident(number), error.message, report)
            except LabError as second:
                report.say(f"and the stack could not be brought home: {second.message}")
                report.say("`lab restore` tries again")
            raise error from None
        doors.journal.stamp(number, "announced_at", doors.now())
    return doors.journal.incident(number)


def _clear_the_way(doors: Doors, report: Report) -> None:
    """Heal on the way in: what an interrupted process left behind."""
    row = doors.journal.open_one()
    if row is not None and row.phase == "live":
        raise OneAtATime(
            f"the incident {row.slug} (number {row.id}) is on already",
            remedy="`lab status` shows it; `lab end` finishes it, `lab restore` abandons it",
        )
    if row is not None:
        report.say(f"an earlier {row.slug} was interrupted; bringing the stack home first")
        call_off(doors, row, "it was interrupted before it was announced", report)
    elif doors.journal.unhealed():
        report.say("an earlier incident left something behind; bringing the stack home first")
        come_home(doors, report)


# -- while it is on -----------------------------------------------------------------------------


def moments(doors: Doors, row: Row) -> Moments:
    """Breach, page and recovery so far. Raises `PrometheusUnavailable`."""
    return recovered.moments(doors, row, scenario_of(row), row.ended_at or doors.now())


def hurts(doors: Doors, row: Row) -> bool:
    """Whether an objective that counts now is broken now. Raises `PrometheusUnavailable`."""
    now = doors.now()
    keep, _ = to_keep(doors, scenario_of(row))
    last = [(one, against(doors.prometheus, one, Span(now - LAST_S, now)).last()) for one in keep]
    return any(value is not None and not one.met(value) for one, value in last)


def to_keep(doors: Doors, scenario: Scenario) -> tuple[Sequence[Condition], FixSeen | None]:
    """The objectives that count now: the scenario's, or those of an accepted fix that is in place,
    and that fix. They are what a recovery is measured by."""
    fix = accepted(doors, scenario, doors.now() - BEHIND_S)
    return counting(scenario.objectives.keep, fix), fix


def acknowledge(doors: Doors) -> float:
    """Somebody has seen the page. Returns when, in Unix seconds: the first time counts.

    Raises `BadInput` when the pager has not rung yet.
    """
    row = current(doors)
    for event in doors.journal.events(row.id):
        if event.kind == "acknowledged":
            return event.at
    now = doors.now()
    try:
        if moments(doors, row).paged_at is None:
            raise BadInput("the pager has not rung yet", remedy="`lab status` shows how things are")
    except PrometheusUnavailable:
        # Whoever is on call heard it, even if the lab cannot look it up.
        pass
    doors.journal.note(row.id, now, "acknowledged")
    stay(doors)
    return now


@dataclass(frozen=True, slots=True)
class HintTaken:
    """A hint, its number from 1, its text about this incident, what it cost, and how many are
    left."""

    number: int
    hint: Hint
    text: str
    price: int
    left: int


def next_price(doors: Doors) -> int | None:
    """What the next hint costs, 0 after the mend; None when there is no more."""
    row = current(doors)
    prices = _prices(doors, row)
    taken = len(doors.journal.hints(row.id))
    return prices[taken] if taken < len(prices) else None


def _prices(doors: Doors, row: Row) -> list[int]:
    """Of all hints. Once it is mended they help nobody mend it."""
    whole = held(doors, row)
    return [0 if whole else hint.price for hint in scenario_of(row).hints]


def held(doors: Doors, row: Row) -> bool:
    """Whether the last claim that it is fixed was measured, and held."""
    measured = [event for event in doors.journal.events(row.id) if event.kind == "measured"]
    return bool(measured) and measured[-1].detail == Outcome.PASS


def take_hint(doors: Doors) -> HintTaken:
    """The next hint, at its price. Raises `BadInput` when there is no more."""
    row = current(doors)
    scenario = scenario_of(row)
    prices = _prices(doors, row)
    number = doors.journal.hint(row.id, prices, doors.now())
    if number is None:
        raise BadInput("there are no more hints", remedy="`lab end --give-up` shows the answer")
    stay(doors)
    hint = scenario.hints[number - 1]
    left = len(scenario.hints) - number
    return HintTaken(number, hint, scenario.fill(hint.text), prices[number - 1], left)


def diagnose(doors: Doors, diagnosis: Diagnosis, *, final: bool = False) -> int:
    """Record a diagnosis. Returns its number: the first is 1, each later one is a revision.

    What was said last, said again word for word, is none: it keeps its number, and what its
    evidence showed.

    Raises `BadInput`, and records nothing, for unknown words, for evidence that cannot be executed,
    and when an earlier one was final.
    """
    from lab.receipts import check, execute

    row = current(doors)
    if row.final_at is not None:
        raise BadInput("the diagnosis is final already", remedy="`lab end` shows the verdict")
    names = [signal.name for signal in doors.catalogue]
    words = in_own_words(
        diagnosis,
        doors.vocabulary,
        names,
        shown=lambda url: signal_at(url, doors.now(), names),
    )
    now = doors.now()
    check(words, now, baseline_of(row), doors.prometheus)
    # Now, and not at the end: what Prometheus knows today it may have lost by then.
    receipts = execute(words.evidence, now, baseline_of(row), doors.prometheus, doors.catalogue)
    number = doors.journal.answer(
        row.id,
        as_json(words, Diagnosis),
        as_json(receipts, tuple[Receipt, ...]),
        now,
        final=final,
    )
    stay(doors)
    return number


def stay(doors: Doors) -> None:
    """Somebody is still working on it: the customers do not leave yet."""
    try:
        state = doors.load.state()
        row = doors.journal.open_one()
        if row is None or not state.running or state.run_id != row.load_run:
            return
        from datetime import datetime

        ends = datetime.fromisoformat(state.ends_at or "").timestamp()
        if ends - doors.now() < STAY_S:
            doors.load.extend(STAY_S)
    except (LoadUnavailable, Failed):
        # Whether the customers were there is judged from what was measured.
        return
