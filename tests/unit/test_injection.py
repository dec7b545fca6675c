"""When faults come: at once, later, or as something that only distracts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import faults, incident, injection
from lab.doors import Doors
from lab.ending import end, history_of, resolve
from lab.errors import Failed
from lab.history import Outcome
from lab.incident import scenario_of
from lab.progress import QUIET
from lab.restore import restore
from lab.screen.night import look_at
from lab.stack import Stack
from tests.unit.world import INDEX, OTHER, SCENARIO, World, doors_to, write_scenario

LATER = SCENARIO.replace(
    "index: photos_user_recent_idx}",
    "index: photos_user_recent_idx, after_s: 30}\n"
    f"  - {{fault: drop_index, table: photos, index: {OTHER}}}",
)
DISTRACTED = f"""{SCENARIO}
red_herrings:
  - signal: "postgres:seq_rows:rate"
    why: somebody tidies up
    fault: {{fault: drop_index, table: photos, index: {OTHER}}}
"""
ACCEPTED = f"""{SCENARIO}
accepted_fixes:
  - what: live without it
    why: the queue is short all the same
    when: [{{signal: "queue:depth", op: "<=", value: 0}}]
    keep: [{{signal: "client:latency_seconds:p95", op: "<=", value: 10}}]
"""

REPLACED = re.sub(r"\n    keep: .*", "", ACCEPTED)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def doors(
    world: World, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Doors]:
    write_scenario(tmp_path, text=request.param)
    # What the process of its own would do, each test does itself.
    monkeypatch.setattr(injection, "_spawn", lambda *_: None)
    with doors_to(world, tmp_path) as opened:
        incident.start(opened, "slow", 1, QUIET)
        yield opened


def carry_on(doors: Doors) -> None:
    row = doors.journal.open_one() or doors.journal.latest()
    assert row is not None
    injection.carry_on(doors, row.id, scenario_of(row))


@pytest.mark.parametrize("doors", [LATER], indirect=True)
class TestLater:
    def test_it_waits_for_its_time(self, doors: Doors, world: World) -> None:
        """A fault with `after_s` is planned with the others and injected when it is due."""
        assert len(doors.journal.unhealed()) == 2
        assert INDEX in world.indexes
        assert OTHER not in world.indexes
        begun = world.now
        carry_on(doors)
        assert INDEX not in world.indexes
        assert world.now - begun >= 29

    def test_it_does_not_come_after_the_end(self, doors: Doors, world: World) -> None:
        """Once an incident is over nothing is broken any more, even if it was due."""
        restore(doors, QUIET)
        world.pause(60)
        carry_on(doors)
        assert {INDEX, OTHER} <= world.indexes.keys()

    def test_nothing_is_mended_that_is_still_to_come(self, doors: Doors, world: World) -> None:
        """A recovery before the last fault has come is unknown, and nobody's pass."""
        world.run(f"CREATE INDEX {OTHER} ON photos (checksum)")
        world.pause(10)
        measured = resolve(doors, QUIET, within_s=0)
        outcomes = {check.name: check.outcome for check in measured.checks}
        assert outcomes["cause gone"] is Outcome.UNKNOWN


ALL_LATER = SCENARIO.replace(
    "index: photos_user_recent_idx}", "index: photos_user_recent_idx, after_s: 30}"
)


@pytest.mark.parametrize("doors", [ALL_LATER], indirect=True)
class TestAllLater:
    def test_nothing_can_be_claimed_before_anything_broke(self, doors: Doors, world: World) -> None:
        """Where everything comes later, a claim in the meantime is unknown, and no traceback; and
        so is the verdict on a night that ends there."""
        world.pause(5)
        measured = resolve(doors, QUIET, within_s=0)
        assert {c.name: c.outcome for c in measured.checks}["cause gone"] is Outcome.UNKNOWN
        assert look_at(doors).phase == "live"
        assert end(doors, QUIET).verdict.mitigated is Outcome.UNKNOWN

    def test_it_is_a_night_once_it_has_come(self, doors: Doors, world: World) -> None:
        """What breaks first is when it broke."""
        carry_on(doors)
        row = incident.current(doors)
        assert (row.injected_at or 0) - (row.announced_at or 0) >= 29
        world.pause(40)
        world.run(f"CREATE INDEX {INDEX} ON photos (user_id, created_at DESC, id DESC)")
        assert resolve(doors, QUIET).outcome is Outcome.PASS


@pytest.mark.parametrize("doors", [LATER], indirect=True)
class TestWhatDoesNotCome:
    def unknown(self, doors: Doors, world: World) -> str:
        """Why it is unknown whether it was mended, after whatever has come was."""
        world.run(f"CREATE INDEX {OTHER} ON photos (checksum)")
        world.pause(10)
        checks = {check.name: check for check in resolve(doors, QUIET, within_s=0).checks}
        assert checks["cause gone"].outcome is Outcome.UNKNOWN
        return checks["cause gone"].reason

    def test_what_cannot_be_injected_later_is_told(
        self, doors: Doors, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody is charged with it, and the story of the night says what it was, and why."""

        def refuse(*_: object) -> None:
            raise Failed("the database is gone")

        with monkeypatch.context() as patched:
            patched.setattr(faults, "inject", refuse)
            carry_on(doors)
        why = self.unknown(doors, world)
        assert "nobody is charged" in why
        assert "database" not in why, "whoever is on call reads this"
        ended = end(doors, QUIET)
        assert ended.verdict.mitigated is Outcome.UNKNOWN
        (event,) = history_of(ended.row).of_kind("failed")
        assert event.detail == "drop_index: the database is gone"

    def test_what_its_witness_does_not_see_is_told(self, doors: Doors, world: World) -> None:
        """It was done, and the system does not show it."""
        world.deaf = True
        carry_on(doors)
        assert "nobody is charged" in self.unknown(doors, world)

    def test_a_witness_that_cannot_look_is_no_witness_against_it(
        self, doors: Doors, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The database may answer nobody by then: that is the night."""

        def refuse(*_: object) -> None:
            raise Failed("it does not answer")

        monkeypatch.setattr(faults, "active", refuse)
        carry_on(doors)
        assert "failed" not in [event.kind for event in doors.journal.events(1)]

    def test_what_nobody_brings_is_told(self, doors: Doors, world: World) -> None:
        """The process that was to bring it has died: after a while that is no longer waited for."""
        assert "not over yet" in self.unknown(doors, world)
        world.pause(120)
        checks = {check.name: check for check in resolve(doors, QUIET, within_s=0).checks}
        assert checks["cause gone"].outcome is Outcome.UNKNOWN
        assert "has not come" in checks["cause gone"].reason


TWO_LATER = SCENARIO.replace(
    "index: photos_user_recent_idx}",
    "index: photos_user_recent_idx, after_s: 30}\n"
    f"  - {{fault: drop_index, table: photos, index: {OTHER}, after_s: 10}}",
)


@pytest.mark.parametrize("doors", [TWO_LATER], indirect=True)
def test_one_that_fails_does_not_take_the_others_with_it(
    doors: Doors, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next comes when it is due."""
    inject, asked = faults.inject, []

    def refuse_one(stack: Stack, name: str, token: str) -> None:
        asked.append(name)
        if len(asked) == 1:
            raise Failed("not this one")
        inject(stack, name, token)

    monkeypatch.setattr(faults, "inject", refuse_one)
    carry_on(doors)
    assert INDEX not in world.indexes
    assert OTHER in world.indexes


STAGED = SCENARIO.replace(
    "faults:", f"stage:\n  - {{fault: drop_index, table: photos, index: {OTHER}}}\nfaults:"
)


@pytest.mark.parametrize("doors", [STAGED], indirect=True)
def test_the_stage_is_set_before_the_baseline(doors: Doors, world: World) -> None:
    """It is there in the baseline, is nobody's to mend, and is undone at the end."""
    row = doors.journal.open_one()
    assert row is not None
    staged, broken = doors.journal.faults(row.id)
    assert (staged.injected_at or 0) <= (row.baseline_from or 0) < (broken.injected_at or 0)
    world.pause(40)
    world.run(f"CREATE INDEX {INDEX} ON photos (user_id, created_at DESC, id DESC)")
    measured = resolve(doors, QUIET)
    assert {c.name: c.outcome for c in measured.checks}["cause gone"] is Outcome.PASS
    restore(doors, QUIET)
    assert OTHER in world.indexes


@pytest.mark.parametrize("doors", [DISTRACTED], indirect=True)
def test_nobody_must_mend_what_only_distracts(doors: Doors, world: World) -> None:
    """A red herring's fault is injected with the others, asked about by nobody, and healed."""
    assert OTHER not in world.indexes
    world.pause(40)
    world.run(f"CREATE INDEX {INDEX} ON photos (user_id, created_at DESC, id DESC)")
    measured = resolve(doors, QUIET)
    assert {c.name: c.outcome for c in measured.checks}["cause gone"] is Outcome.PASS
    restore(doors, QUIET)
    assert OTHER in world.indexes


TRIGGERED = SCENARIO.replace(
    "index: photos_user_recent_idx}", "index: photos_user_recent_idx, triggers: true}"
)


@pytest.mark.parametrize("doors", [TRIGGERED], indirect=True)
def test_what_only_set_something_off_is_nobodys_to_mend(doors: Doors, world: World) -> None:
    """Its witness is asked when it is injected, and not when the recovery is measured."""
    world.pause(40)
    measured = resolve(doors, QUIET, within_s=0)
    assert {c.name: c.outcome for c in measured.checks}["cause gone"] is Outcome.PASS
    assert INDEX not in world.indexes


AGAIN = TRIGGERED.replace("  within_s: 30\n", "  within_s: 30\n  again_within_s: 20\n")


@pytest.mark.parametrize("doors", [AGAIN], indirect=True)
@pytest.mark.parametrize("lasting", [True, False])
def test_what_set_it_off_happens_once_more(doors: Doors, world: World, lasting: bool) -> None:
    """After a recovery, which must hold again soon: what merely passed would not."""
    mend = f"CREATE INDEX {INDEX} ON photos (user_id, created_at DESC, id DESC)"
    world.pause(40)
    world.run(mend)
    world.pause(60)
    dropped = sum("DROP INDEX" in statement for statement in world.statements)

    def heals_itself() -> None:
        if lasting and world.broken and world.now - world.changes[-1][0] > 8:
            world.run(mend)

    world.on_pause = heals_itself
    measured = resolve(doors, QUIET)
    outcomes = {check.name: check.outcome for check in measured.checks}
    assert outcomes["holds when it happens again"] is (Outcome.PASS if lasting else Outcome.FAIL)
    assert measured.outcome is (Outcome.PASS if lasting else Outcome.FAIL)
    assert sum("DROP INDEX" in statement for statement in world.statements) == dropped + 1
    if lasting:
        (row,) = doors.journal.incidents()
        times = end(doors, QUIET).verdict.times
        assert times.breached_at is not None
        assert times.mitigated_s is not None
        mended = (row.injected_at or 0) + 40 - times.breached_at
        assert times.mitigated_s == pytest.approx(mended, abs=5), "the second time is not theirs"
    restore(doors, QUIET)
    assert not world.broken


@pytest.mark.parametrize("doors", [AGAIN], indirect=True)
def test_nothing_happens_again_before_a_recovery(doors: Doors, world: World) -> None:
    """A claim that does not hold anyway breaks nothing more."""
    world.pause(40)
    before = len(doors.journal.unhealed())
    measured = resolve(doors, QUIET, within_s=0)
    assert "holds when it happens again" not in {check.name for check in measured.checks}
    assert len(doors.journal.unhealed()) == before


@pytest.mark.parametrize("doors", [AGAIN], indirect=True)
def test_nothing_happens_again_where_something_is_missing(doors: Doors, world: World) -> None:
    """The objectives hold, and yet it is decided: that would be trouble for nothing."""
    world.pause(40)
    world.run(f"CREATE INDEX {INDEX} ON photos (user_id, created_at DESC, id DESC)")
    world.down.add("api-3")
    measured = resolve(doors, QUIET)
    outcomes = {check.name: check.outcome for check in measured.checks}
    assert outcomes["everything there"] is Outcome.FAIL
    assert "holds when it happens again" not in outcomes


@pytest.mark.parametrize("doors", [ACCEPTED], indirect=True)
def test_an_accepted_fix_counts_though_the_cause_stays(doors: Doors, world: World) -> None:
    """What the scenario accepts is seen in the signals; its own objectives count then."""
    world.pause(40)
    measured = resolve(doors, QUIET, within_s=0)
    outcomes = {check.name: check for check in measured.checks}
    assert outcomes["cause gone"].outcome is Outcome.PASS
    assert "live without it" in outcomes["cause gone"].reason
    assert "client:latency_seconds:p95 <= 10" in outcomes
    assert "client:errors:ratio <= 0.05" not in outcomes


@pytest.mark.parametrize("doors", [ACCEPTED], indirect=True)
def test_the_objectives_that_count_are_those_that_are_shown(doors: Doors, world: World) -> None:
    """As soon as an accepted fix is in place, and only as long as it is."""
    world.pause(40)
    shown = look_at(doors)
    assert [(one.text, one.kept) for one in shown.objectives] == [
        ("client:latency_seconds:p95 <= 10", True)
    ]
    assert shown.accepted == "live without it"
    world.backlog = lambda _: 1.0
    shown = look_at(doors)
    broken = [one.text for one in shown.objectives if one.kept is False]
    assert "client:latency_seconds:p95 <= 0.5" in broken
    assert shown.accepted is None


@pytest.mark.parametrize("doors", [REPLACED], indirect=True)
def test_a_fix_that_keeps_the_same_objectives_is_not_spoken_of(doors: Doors, world: World) -> None:
    """What shows it may be there before anything has broken, or again when what broke is back:
    three replicas are no other replica in the place of a dead one."""
    world.pause(5)
    assert look_at(doors).accepted is None
    world.run(f"CREATE INDEX {INDEX} ON photos (user_id, created_at DESC, id DESC)")
    world.pause(40)
    assert look_at(doors).accepted is None
    gone = {check.name: check.reason for check in resolve(doors, QUIET).checks}["cause gone"]
    assert gone == "the witness says that what broke is whole"


@pytest.mark.parametrize("doors", [ACCEPTED], indirect=True)
def test_an_accepted_fix_may_be_made_just_before(doors: Doors, world: World) -> None:
    """What was turned a second ago is not in the numbers yet; nobody waits for other objectives
    until the time is over."""
    world.pause(40)
    begun = world.now
    world.backlog = lambda at: float(at < begun + 1)
    world.rings = lambda _: False  # type: ignore[method-assign]
    measured = resolve(doors, QUIET)
    outcomes = {check.name: check.outcome for check in measured.checks}
    assert outcomes["client:latency_seconds:p95 <= 10"] is Outcome.PASS
    assert outcomes["cause gone"] is Outcome.PASS
    assert world.now - begun < 20
