"""The lifecycle of an incident, in a made-up world with a real journal."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
from rich.console import Console

from lab import ending, incident, mitigation
from lab.diagnosis import Diagnosis, Evidence
from lab.doors import Doors, open_doors
from lab.ending import chosen, end, history_of, resolve, verdict_of
from lab.errors import BadInput, Failed, LabError, MachineLacks, Unknown
from lab.gather import folder_of, gather
from lab.history import DataSeen, Outcome
from lab.home import Home
from lab.journal import OneAtATime
from lab.progress import QUIET, Report, Step
from lab.restore import restore
from lab.screen.night import look_at, toll
from lab.screen.oncall import announce
from lab.screen.telling import tell_story
from tests.unit.world import (
    INDEX,
    RINGS_AFTER_S,
    SCENARIO,
    FakeStack,
    Killed,
    World,
    doors_to,
    write_scenario,
)

TRUE = Diagnosis(
    "postgres-primary",
    "missing-index",
    (Evidence("signal", "postgres:seq_rows:rate"),),
    ("postgres:seq_rows:rate", "client:latency_seconds:p95", "queue:oldest_age_seconds"),
)


def started(doors: Doors, world: World, *, wait: float = 40) -> None:
    """An incident that is on, and has been for `wait` seconds."""
    incident.start(doors, "slow", 1, QUIET)
    world.pause(wait)


class Said:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def step(self, title: str) -> AbstractContextManager[Step]:
        return QUIET.step(title)


def mend(world: World) -> None:
    """What an operator does."""
    world.run(f"CREATE INDEX {INDEX} ON photos (user_id, created_at DESC, id DESC)")


class TestStart:
    def test_it_measures_a_baseline_before_it_breaks_anything(
        self, doors: Doors, world: World
    ) -> None:
        """The baseline is a window of calm, and the injection comes after it."""
        row = incident.start(doors, "slow", 1, QUIET)
        assert row.phase == "live"
        assert row.baseline_from is not None
        assert row.baseline_until is not None
        assert row.injected_at is not None
        assert row.baseline_until - row.baseline_from >= 10
        assert row.baseline_until <= row.injected_at
        assert world.broken

    def test_the_token_is_on_the_disk_before_the_fault_is_injected(
        self, doors: Doors, world: World, tmp_path: Path
    ) -> None:
        """A process that dies right before the injection has already written how to undo it."""
        world.kill_before = "DROP INDEX"
        with pytest.raises(Killed):
            incident.start(doors, "slow", 1, QUIET)
        with doors_to(world, tmp_path) as fresh:
            (fault,) = fresh.journal.unhealed()
        assert fault.name == "drop_index"
        assert INDEX in fault.token
        assert not world.broken

    def test_a_second_incident_is_refused_while_one_is_on(self, doors: Doors, world: World) -> None:
        """Only one incident at a time, and the first is left alone."""
        started(doors, world)
        with pytest.raises(OneAtATime, match="is on already"):
            incident.start(doors, "slow", 2, QUIET)
        assert incident.current(doors).seed == 1

    def test_nothing_is_broken_when_the_baseline_is_not_calm(
        self, doors: Doors, world: World
    ) -> None:
        """A stack that already suffers gets no fault on top; the run is closed as invalid."""
        world.fixed["client:latency_seconds:p95"] = 2.0
        with pytest.raises(Failed, match="nothing was broken"):
            incident.start(doors, "slow", 1, QUIET)
        assert not any("DROP" in statement for statement in world.statements)
        assert doors.journal.latest().invalid is not None  # type: ignore[union-attr]

    def test_a_fault_that_the_witness_does_not_see_makes_the_run_invalid(
        self, doors: Doors, world: World
    ) -> None:
        """An injection without effect is nobody's failure: exit code 3, healed and closed."""
        world.deaf = True
        with pytest.raises(Unknown, match="invalid") as raised:
            incident.start(doors, "slow", 1, QUIET)
        assert raised.value.exit_code == 3
        assert doors.journal.open_one() is None
        assert doors.journal.unhealed() == []
        assert not world.load.running

    def test_an_interrupted_start_is_cleared_away_by_the_next_one(
        self, doors: Doors, world: World, tmp_path: Path
    ) -> None:
        """Heal on the way in: what a killed process left behind is mended before a new start."""
        world.kill_after = "DROP INDEX"
        with pytest.raises(Killed):
            incident.start(doors, "slow", 1, QUIET)
        assert world.broken
        with doors_to(world, tmp_path) as fresh:
            row = incident.start(fresh, "slow", 2, QUIET)
            assert (row.seed, row.phase) == (2, "live")
            assert fresh.journal.incident(1).invalid is not None

    def test_a_light_night_is_light_to_its_end(self, world: World, tmp_path: Path) -> None:
        """Half the customers come, they are the load to be carried, and the verdict says so."""
        half = SCENARIO.replace("rate: 50", "rate: {choice: size.rate}")
        half += "choices: {size: [{rate: 50, light: {rate: 25}}]}\n"
        write_scenario(tmp_path, "halved", half)
        world.fixed["client:arrivals:rate"] = 25
        with doors_to(world, tmp_path) as doors:
            incident.start(doors, "halved", 1, QUIET, light=True)
            assert world.load.target_rate == 25
            world.pause(40)
            mend(world)
            measured = resolve(doors, QUIET)
            assert measured.outcome is Outcome.PASS, measured.why
            verdict = end(doors, QUIET).verdict
        assert verdict.light

    def test_an_unknown_name_is_refused_before_anything_happens(
        self, doors: Doors, world: World
    ) -> None:
        """A typo starts nothing and says what was probably meant."""
        with pytest.raises(BadInput) as raised:
            incident.start(doors, "slwo", 1, QUIET)
        assert "slow" in (raised.value.remedy or "")
        assert world.ups == 0


class TestOnCall:
    def test_the_page_cannot_be_acknowledged_before_it_rings(
        self, doors: Doors, world: World
    ) -> None:
        """There is nothing to acknowledge yet."""
        started(doors, world, wait=2)
        with pytest.raises(BadInput, match="not rung"):
            incident.acknowledge(doors)

    def test_the_first_acknowledgement_counts(self, doors: Doors, world: World) -> None:
        """Saying it twice changes nothing."""
        started(doors, world)
        first = incident.acknowledge(doors)
        world.pause(30)
        assert incident.acknowledge(doors) == first

    def test_breach_and_page_are_derived_though_nobody_watched(
        self, doors: Doors, world: World
    ) -> None:
        """A runner that was away for minutes still knows when it began, and when it rang."""
        started(doors, world, wait=300)
        row = incident.current(doors)
        assert row.injected_at is not None
        seen = incident.moments(doors, row)
        assert seen.breached_at == pytest.approx(row.injected_at + 6, abs=1.1)
        assert seen.paged_at == pytest.approx(row.injected_at + 20, abs=1.1)
        assert seen.recovered_at is None

    def test_hints_come_in_order_and_run_out(self, doors: Doors, world: World) -> None:
        """Each has its price; after the last one there is no more."""
        started(doors, world)
        assert [incident.take_hint(doors).hint.price for _ in range(2)] == [5, 10]
        assert incident.next_price(doors) is None
        with pytest.raises(BadInput, match="no more hints"):
            incident.take_hint(doors)

    def test_a_hint_costs_nothing_after_the_mend(self, doors: Doors, world: World) -> None:
        """Who has mended it and wants to understand it pays for no help; what fails is no mend."""
        started(doors, world)
        assert resolve(doors, QUIET, within_s=1).outcome is Outcome.FAIL
        assert incident.next_price(doors) == 5
        assert incident.take_hint(doors).price == 5
        mend(world)
        assert resolve(doors, QUIET).outcome is Outcome.PASS
        assert incident.next_price(doors) == 0
        assert incident.take_hint(doors).price == 0
        incident.diagnose(doors, TRUE)
        arithmetic = "\n".join(end(doors, QUIET).verdict.arithmetic)
        assert "2 taken for 5" in arithmetic

    def test_the_same_diagnosis_once_more_is_no_revision(self, doors: Doors, world: World) -> None:
        """A file that is sent twice costs nothing; said to be final it is final."""
        started(doors, world)
        assert incident.diagnose(doors, TRUE) == 1
        world.pause(10)
        assert incident.diagnose(doors, TRUE) == 1
        assert len(doors.journal.answers(1)) == 1
        assert incident.diagnose(doors, Diagnosis("worker", "workers-too-few")) == 2
        assert incident.diagnose(doors, TRUE, final=True) == 3
        with pytest.raises(BadInput, match="final"):
            incident.diagnose(doors, TRUE)
        assert "2 x 5" in "\n".join(end(doors, QUIET, give_up=True).verdict.arithmetic)

    def test_the_same_diagnosis_can_be_made_final(self, doors: Doors, world: World) -> None:
        """The last word may have been said before."""
        started(doors, world)
        incident.diagnose(doors, TRUE)
        assert incident.diagnose(doors, TRUE, final=True) == 1
        assert incident.current(doors).final_at is not None

    def test_a_diagnosis_with_unknown_words_is_not_an_attempt(
        self, doors: Doors, world: World
    ) -> None:
        """A typo costs nothing: nothing is recorded."""
        started(doors, world)
        with pytest.raises(BadInput, match="unknown cause"):
            incident.diagnose(doors, Diagnosis("postgres-primary", "mising-indx"))
        assert doors.journal.answers(1) == []

    @pytest.mark.parametrize("act", [end, resolve])
    def test_what_was_meant_for_one_incident_does_not_befall_another(
        self,
        doors: Doors,
        world: World,
        act: Callable[[Doors, Report], object],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Somebody types `lab end` twice. While the second waits for the first another night is
        begun: it goes on, and is neither measured nor healed."""
        started(doors, world)
        exclusive = ending.exclusive

        @contextmanager
        def meanwhile(*_: object) -> Iterator[None]:
            # Nothing else is undone: what keeps a night from starting a real process stays.
            monkeypatch.setattr(ending, "exclusive", exclusive)
            end(doors, QUIET, give_up=True)
            started(doors, world)
            yield

        monkeypatch.setattr(ending, "exclusive", meanwhile)
        with pytest.raises(BadInput, match="ended meanwhile"):
            act(doors, QUIET)
        assert incident.current(doors).id == 2
        assert world.broken
        assert doors.journal.claims(2) == []

    @pytest.mark.parametrize(
        "act",
        [end, resolve, restore, lambda doors, report: incident.start(doors, "slow", 1, report)],
    )
    def test_nothing_is_done_to_a_stack_of_another_checkout(
        self, doors: Doors, world: World, act: Callable[[Doors, Report], object]
    ) -> None:
        """Two checkouts with the same project: whoever is not the owner is told so before anything
        changes. The customers stay, nothing is healed, and nothing is on record."""
        started(doors, world)
        before = (world.load, world.ups, len(world.statements), doors.journal.unhealed())
        world.theirs = True
        with pytest.raises(BadInput, match="somebody else"):
            act(doors, QUIET)
        after = (world.load, world.ups, len(world.statements), doors.journal.unhealed())
        assert after == before
        assert incident.current(doors).id == 1

    def test_a_final_diagnosis_cannot_be_revised(self, doors: Doors, world: World) -> None:
        """The learner's last word is the last one."""
        started(doors, world)
        assert incident.diagnose(doors, Diagnosis("worker", "workers-too-few")) == 1
        assert incident.diagnose(doors, TRUE, final=True) == 2
        with pytest.raises(BadInput, match="final"):
            incident.diagnose(doors, TRUE)


class TestEnd:
    def test_a_mended_and_understood_incident_passes(self, doors: Doors, world: World) -> None:
        """The whole way: page, diagnosis, fix, measured recovery, verdict, home."""
        started(doors, world)
        incident.acknowledge(doors)
        incident.diagnose(doors, TRUE, final=True)
        mend(world)
        assert resolve(doors, QUIET).outcome is Outcome.PASS
        ended = end(doors, QUIET)
        assert (ended.verdict.diagnosed, ended.verdict.mitigated) == (Outcome.PASS, Outcome.PASS)
        assert ended.not_home is None
        assert doors.journal.open_one() is None
        assert not world.load.running

    def test_the_verdict_can_be_computed_again_later(
        self, doors: Doors, world: World, tmp_path: Path
    ) -> None:
        """It comes from the history that was kept, in any process, and is the same."""
        started(doors, world)
        incident.diagnose(doors, TRUE)
        mend(world)
        resolve(doors, QUIET)
        verdict = end(doors, QUIET).verdict
        with doors_to(world, tmp_path) as fresh:
            fresh.__dict__["prometheus"] = None
            assert verdict_of(fresh, chosen(fresh, None)) == verdict

    def test_without_a_fix_it_is_not_mitigated_and_the_lab_heals_it(
        self, doors: Doors, world: World
    ) -> None:
        """Nobody acted: fail and fail, and the stack comes home all the same."""
        started(doors, world)
        ended = end(doors, QUIET)
        assert (ended.verdict.diagnosed, ended.verdict.mitigated) == (Outcome.FAIL, Outcome.FAIL)
        assert not world.broken
        assert doors.journal.unhealed() == []

    def test_a_fix_that_was_never_claimed_is_measured_at_the_end(
        self, doors: Doors, world: World
    ) -> None:
        """Whoever forgets `lab resolve` is not punished for it."""
        started(doors, world)
        mend(world)
        world.pause(60)
        assert end(doors, QUIET).verdict.mitigated is Outcome.PASS

    def test_what_breaks_again_before_the_end_is_no_recovery(
        self, doors: Doors, world: World
    ) -> None:
        """The end looks again: a claim that passed long ago does not outlive what it was about, and
        the relapse is on record."""
        started(doors, world)
        mend(world)
        world.pause(20)
        assert resolve(doors, QUIET).outcome is Outcome.PASS
        world.run(f"DROP INDEX IF EXISTS public.{INDEX}")
        world.pause(60)
        ended = end(doors, QUIET)
        assert ended.verdict.mitigated is Outcome.FAIL
        assert history_of(ended.row).first("relapsed") is not None

    def test_a_page_for_everybody_after_the_claim_is_no_recovery(
        self, doors: Doors, world: World
    ) -> None:
        """Who is answered something else than they asked for is served no better for having been
        served before."""
        started(doors, world)
        mend(world)
        world.pause(20)
        assert resolve(doors, QUIET).outcome is Outcome.PASS
        world.fixed["client:wrong:ratio"] = 0.9
        world.pause(60)
        ended = end(doors, QUIET)
        assert ended.verdict.mitigated is Outcome.FAIL
        assert history_of(ended.row).first("relapsed") is not None

    def test_a_moment_is_no_relapse(self, doors: Doors, world: World) -> None:
        """What is broken for a few seconds at the end, and holds again, was mended."""
        started(doors, world)
        mend(world)
        world.pause(20)
        assert resolve(doors, QUIET).outcome is Outcome.PASS
        world.pause(30)
        world.changes += [(world.now - 10, True), (world.now - 3, False)]
        ended = end(doors, QUIET)
        assert ended.verdict.mitigated is Outcome.PASS
        assert history_of(ended.row).first("relapsed") is None

    def test_the_pager_is_looked_at_before_the_audit(
        self, doors: Doors, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Looking at everything takes seconds, and asks the system for something: what happens in
        them is not what the objectives were measured over."""
        started(doors, world)
        mend(world)

        def rummaging(*_: object) -> DataSeen:
            world.changes += [(world.now, True), (world.now + 1, False)]
            world.pause(RINGS_AFTER_S + 1)
            return DataSeen(checked=1)

        monkeypatch.setattr(mitigation, "data_seen", rummaging)
        assert resolve(doors, QUIET).outcome is Outcome.PASS

    def test_giving_up_shows_the_answer_without_measuring(self, doors: Doors, world: World) -> None:
        """Giving up is allowed."""
        started(doors, world)
        verdict = end(doors, QUIET, give_up=True).verdict
        assert verdict.mitigated is Outcome.FAIL
        assert verdict.answer.answer.cause == "missing-index"
        assert doors.journal.claims(1) == []

    def test_sending_the_customers_away_is_no_recovery(self, doors: Doors, world: World) -> None:
        """The objectives of nobody hold easily."""
        started(doors, world)
        mend(world)
        doors.load.stop()
        assert resolve(doors, QUIET).outcome is Outcome.FAIL

    def test_a_missing_replica_is_no_recovery(self, doors: Doors, world: World) -> None:
        """Everything that was there must be there."""
        started(doors, world)
        mend(world)
        world.down.add("api-3")
        measured = resolve(doors, QUIET)
        assert measured.outcome is Outcome.FAIL
        assert any("api-3" in check.reason for check in measured.checks)

    def test_without_prometheus_the_recovery_is_unknown(self, doors: Doors, world: World) -> None:
        """What could not be measured is not the learner's failure."""
        started(doors, world)
        mend(world)
        world.blind = True
        assert resolve(doors, QUIET, within_s=2).outcome is Outcome.UNKNOWN

    def test_a_prometheus_that_comes_back_tells_what_it_recorded(
        self, doors: Doors, world: World
    ) -> None:
        """It was stopped at the end, and is started again with the stack: nothing is lost."""
        started(doors, world)
        incident.diagnose(doors, TRUE)
        world.blind = True
        world.on_up = lambda: setattr(world, "blind", False)
        verdict = end(doors, QUIET, give_up=True).verdict
        assert verdict.diagnosed is Outcome.PASS
        assert verdict.times.breached_at is not None

    def test_a_machine_that_is_too_busy_makes_it_unknown(self, doors: Doors, world: World) -> None:
        """Mended, but everything waits for a core, the customers' own requests too."""
        started(doors, world)
        mend(world)
        world.fixed |= {"client:latency_seconds:p95": 0.7, "client:start_delay_seconds:p95": 0.4}
        world.pause(20)
        measured = resolve(doors, QUIET, within_s=0)
        assert measured.outcome is Outcome.UNKNOWN
        assert "begun up to 400 ms late" in measured.why

    def test_it_may_be_claimed_again_after_a_failure(self, doors: Doors, world: World) -> None:
        """A wrong fix is not the end: the last claim counts."""
        started(doors, world)
        assert resolve(doors, QUIET, within_s=1).outcome is Outcome.FAIL
        mend(world)
        assert resolve(doors, QUIET).outcome is Outcome.PASS
        assert len(doors.journal.claims(1)) == 2

    def test_there_is_no_verdict_while_it_is_on(self, doors: Doors, world: World) -> None:
        """No score is shown before it is final."""
        started(doors, world)
        with pytest.raises(BadInput, match="still on"):
            verdict_of(doors, chosen(doors, None))

    def test_whatever_becomes_of_the_telling_the_stack_comes_home(
        self, doors: Doors, world: World
    ) -> None:
        """A terminal that is gone, or words that it cannot print, are no reason to stay broken."""
        started(doors, world)

        def mumble(_: object) -> None:
            raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            end(doors, QUIET, on_verdict=mumble)
        assert not world.broken
        assert doors.journal.unhealed() == []
        # And nobody has to bring it home once more.
        assert doors.journal.open_one() is None

    def test_an_end_that_was_interrupted_is_carried_on(
        self, doors: Doors, world: World, tmp_path: Path
    ) -> None:
        """Killed while healing: the next `end` keeps the moment of the first, and heals."""
        started(doors, world)
        world.kill_before = "CREATE INDEX"
        with pytest.raises(Killed):
            end(doors, QUIET)
        assert world.broken
        with doors_to(world, tmp_path) as fresh:
            first = fresh.journal.incident(1).ended_at
            world.pause(100)
            end(fresh, QUIET)
            assert fresh.journal.incident(1).ended_at == first
            assert fresh.journal.open_one() is None
        assert not world.broken


class TestOneOpinion:
    """Of when it was well again: whoever looks on, the verdict and the report have the same."""

    def both(self, doors: Doors) -> tuple[float | None, float | None]:
        """What whoever is on call sees, and what the history tells."""
        row = incident.current(doors)
        live = incident.moments(doors, row).recovered_at
        told = gather(doors, row, incident.scenario_of(row), doors.now(), QUIET).last("recovered")
        return live, told.at if told else None

    def test_what_came_after_a_claim_is_not_its_merit(self, doors: Doors, world: World) -> None:
        """It was mended, claimed, broke for a moment, and came back by itself."""
        started(doors, world)
        mend(world)
        assert resolve(doors, QUIET).outcome is Outcome.PASS
        live, told = self.both(doors)
        assert live == told is not None
        world.run(f"DROP INDEX IF EXISTS public.{INDEX}")
        world.pause(10)
        assert "hold again" not in " ".join(toll(look_at(doors)))
        mend(world)
        world.pause(20)
        assert self.both(doors) == (live, told)

    def test_after_a_claim_that_failed_it_is_what_holds_now(
        self, doors: Doors, world: World
    ) -> None:
        """Whoever mends it after that, and ends it or gives up, has mended it then."""
        started(doors, world)
        assert resolve(doors, QUIET, within_s=0).outcome is Outcome.FAIL
        world.pause(5)
        mend(world)
        world.pause(20)
        live, told = self.both(doors)
        assert live == told is not None


class TestRestore:
    @pytest.mark.parametrize(
        ("moment", "statement"),
        [
            ("before", "json_agg"),
            ("after", "json_agg"),
            ("before", "DROP INDEX"),
            ("after", "DROP INDEX"),
        ],
    )
    def test_it_brings_the_stack_home_from_wherever_the_runner_died(
        self, doors: Doors, world: World, tmp_path: Path, moment: str, statement: str
    ) -> None:
        """Killed at any step of the injection, a fresh process heals from the journal alone."""
        setattr(world, f"kill_{moment}", statement)
        with pytest.raises(Killed):
            incident.start(doors, "slow", 1, QUIET)
        with doors_to(world, tmp_path) as fresh:
            restore(fresh, QUIET)
            assert fresh.journal.open_one() is None
            assert fresh.journal.unhealed() == []
        assert not world.broken
        assert not world.load.running

    def test_it_survives_being_killed_itself(
        self, doors: Doors, world: World, tmp_path: Path
    ) -> None:
        """A restore that dies is done again from the start."""
        started(doors, world)
        world.kill_after = "CREATE INDEX"
        with pytest.raises(Killed):
            restore(doors, QUIET)
        with doors_to(world, tmp_path) as fresh:
            restore(fresh, QUIET)
            assert fresh.journal.unhealed() == []
        assert not world.broken

    @pytest.mark.parametrize("ends", [restore, end])
    @pytest.mark.parametrize("scenario", ['{"faults": []}', '{"title": "Some', ""])
    def test_it_needs_no_scenario(
        self, doors: Doors, world: World, scenario: str, ends: Callable[..., object]
    ) -> None:
        """An incident whose scenario nobody can read any more, of another version of the lab or cut
        off: what would judge it says what helps; it can be abandoned, and ended without a verdict;
        and another may be started."""
        started(doors, world)
        doors.journal._db.execute("UPDATE incidents SET scenario = ?", (scenario,))
        with pytest.raises(Unknown, match="cannot be read") as refused:
            resolve(doors, QUIET)
        assert "lab restore" in (refused.value.remedy or "")
        with nullcontext() if ends is restore else pytest.raises(Unknown, match="is home"):
            ends(doors, QUIET)
        assert not world.broken
        assert doors.journal.open_one() is None
        assert doors.journal.unhealed() == []
        assert incident.start(doors, "slow", 1, QUIET).phase == "live"

    @pytest.mark.parametrize("ends", [restore, end])
    def test_it_needs_no_folder(
        self, doors: Doors, world: World, tmp_path: Path, ends: Callable[..., object]
    ) -> None:
        """Somebody has changed branches in the middle of the night: it can be seen, ended and told,
        from what was kept when it began."""
        started(doors, world)
        shutil.rmtree(tmp_path / "scenarios")
        said = Console(file=io.StringIO())
        announce(doors, incident.current(doors), said)
        assert "brief of slow is gone" in said.file.getvalue()  # type: ignore[attr-defined]
        ends(doors, QUIET)
        assert not world.broken
        assert doors.journal.open_one() is None
        paths = tell_story(doors, chosen(doors, None))
        assert "debrief of slow is gone" in paths.markdown.read_text()

    @pytest.mark.parametrize(
        ("table", "column"), [("answers", "diagnosis"), ("answers", "receipts")]
    )
    def test_what_was_answered_may_be_damaged(
        self, doors: Doors, world: World, table: str, column: str
    ) -> None:
        """The stack comes home all the same."""
        started(doors, world)
        incident.diagnose(doors, TRUE)
        doors.journal._db.execute(f"UPDATE {table} SET {column} = '[{{'")  # noqa: S608
        restore(doors, QUIET)
        assert not world.broken
        assert doors.journal.open_one() is None

    @pytest.mark.parametrize(
        "other", ["name = 'frost'", "token = '{\"index\": 1}'", "token = '{\"ind'"]
    )
    def test_a_fault_of_another_version_does_not_lock_the_home(
        self, doors: Doors, world: World, other: str
    ) -> None:
        """What cannot be healed from its token is as it is known at home, or the proof says what is
        not; once that is proven, the home is free."""
        started(doors, world)
        doors.journal._db.execute(f"UPDATE faults SET {other}")  # noqa: S608
        with pytest.raises(Failed, match="steady state"):
            restore(doors, QUIET)
        assert world.broken
        assert doors.journal.unhealed()
        mend(world)
        said = Said()
        done = restore(doors, said)
        assert done.healed == ()
        assert any("cannot be read" in line for line in said.lines)
        assert doors.journal.open_one() is None
        assert doors.journal.unhealed() == []

    def test_it_may_be_done_twice_and_without_any_need(self, doors: Doors, world: World) -> None:
        """Restoring a stack that is home changes nothing and proves it again."""
        assert restore(doors, QUIET).healed == ()
        assert restore(doors, QUIET).healed == ()
        assert not world.broken

    def test_it_starts_what_is_down_before_it_heals_in_it(self, doors: Doors, world: World) -> None:
        """The database is not there to be healed: it is started first."""
        started(doors, world)
        world.down.add("postgres-primary")
        assert restore(doors, QUIET).healed == ("drop_index",)
        assert not world.broken

    def test_an_abandoned_incident_keeps_what_was_answered(
        self, doors: Doors, world: World
    ) -> None:
        """Nothing is lost: its history and its diagnosis can still be judged."""
        started(doors, world)
        incident.diagnose(doors, TRUE)
        restore(doors, QUIET)
        verdict = verdict_of(doors, chosen(doors, None))
        assert verdict.diagnosed is Outcome.PASS
        assert verdict.mitigated is Outcome.FAIL

    def test_it_works_when_the_customers_and_prometheus_are_gone(
        self, doors: Doors, world: World
    ) -> None:
        """It heals what it can, and says that it could not prove it."""
        started(doors, world)
        world.blind = True
        with pytest.raises(Unknown):
            restore(doors, QUIET)
        assert not world.broken
        assert doors.journal.unhealed() == []

    def test_a_witness_that_still_sees_the_fault_is_believed(
        self, doors: Doors, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Healing that did not heal is an error, not a success."""
        from lab import faults

        started(doors, world)
        monkeypatch.setattr(faults, "heal", lambda *_: None)
        with pytest.raises(LabError, match="still shows"):
            restore(doors, QUIET)
        assert doors.journal.unhealed() != []


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """A disk of its own, with room for a night."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("nobody may mount a disk here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def healing(home: Home, world: World, elsewhere: Path) -> Iterator[Doors]:
    """The doors of a fresh process that heals, onto the made-up world."""
    with doors_to(world, elsewhere) as made, open_doors(home, for_healing=True) as doors:
        stack = FakeStack(world, home)
        own = {"home": home, "stack": stack, "journal": doors.journal, "unkept": doors.unkept}
        doors.__dict__.update(made.__dict__ | own)
        yield doors


class TestADiskThatTakesNothing:
    @pytest.mark.parametrize("trouble", ["read-only", "full"])
    def test_the_stack_comes_home(self, world: World, tmp_path: Path, trouble: str) -> None:
        """From the journal as it is; what could not be written is said, and done again later."""
        write_scenario(tmp_path)
        other = tmp_path / "other"
        other.mkdir()
        with disk(tmp_path / ".lab"):
            with doors_to(world, tmp_path) as doors:
                home = doors.home
                started(doors, world)
            options = "remount,ro" if trouble == "read-only" else "remount,size=1m"
            subprocess.run(["mount", "-o", options, str(tmp_path / ".lab")], check=True)
            filled = tmp_path / ".lab" / "filler"
            if trouble == "full":
                fill = ["dd", "if=/dev/zero", f"of={filled}", "bs=4k"]
                assert subprocess.run(fill, capture_output=True, check=False).returncode != 0
            with healing(home, world, other) as doors:
                done = restore(doors, QUIET)
            assert not world.broken
            assert done.healed == ("drop_index",)
            assert str(tmp_path / ".lab") in (done.unkept or "")
            subprocess.run(["mount", "-o", "remount,rw,size=300m", tmp_path / ".lab"], check=True)
            filled.unlink(missing_ok=True)
            with healing(home, world, other) as doors:
                assert doors.journal.open_one() is not None
                done = restore(doors, QUIET)
                assert done.unkept is None
                assert doors.journal.open_one() is None

    def test_a_history_that_cannot_be_kept_keeps_nothing_broken(
        self, doors: Doors, world: World
    ) -> None:
        """The stack comes home before it is said, and the verdict is there for whoever makes room
        and asks again."""
        started(doors, world)
        folder = folder_of(doors, incident.current(doors))
        folder.parent.mkdir(exist_ok=True)
        folder.touch()
        with pytest.raises(MachineLacks, match="history") as refused:
            end(doors, QUIET)
        assert "`lab end` gives the verdict" in (refused.value.remedy or "")
        assert not world.broken
        folder.unlink()
        ended = end(doors, QUIET)
        assert ended.verdict.mitigated is Outcome.FAIL
        assert doors.journal.open_one() is None
