"""`lab verify`: the rows of the matrix, from made-up nights, and a night on a made-up stack."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from lab.archive import load
from lab.autopilot import true_diagnosis
from lab.doors import Doors
from lab.errors import BadInput
from lab.history import Event, FaultSeen, FixSeen, History, Outcome, ServiceSeen
from lab.host.fingerprint import fingerprint
from lab.library import Library
from lab.progress import QUIET, Lines
from lab.proof import matrix
from lab.proof.again import judge_again
from lab.proof.kept import keep, nights_in, proofs_in
from lab.proof.lived import account
from lab.proof.night import live
from lab.proof.phases import told
from lab.proof.rows import AFTER, ANYBODY, DECOY, NO_PAGE, NOBODY, REMEDY, Night, Row, count, up_to
from lab.proof.table import markdown, rows_table, summary
from lab.recorded import with_receipts
from lab.scenario import Scenario
from lab.series import Series, Span
from tests.unit.histories import DIAGNOSED, ENDED, INJECTED, MENDED, night, recovery, vocabulary
from tests.unit.test_cli import journal_with_incident, lab
from tests.unit.world import INDEX, SCENARIO, World, doors_to, index, write_scenario

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


@cache
def scenario() -> Scenario:
    """The shipped one, on whose shapes the made-up night is built."""
    return Library().load("3am", 2)


def unmended(history: History, at: float) -> History:
    """Somebody claimed it then, and the witness said that it is still broken."""
    active = (FaultSeen("drop_index", active=True),)
    claim = replace(recovery(), window=Span(at - 30, at), faults=active)
    return up_to(history, at, claim)


@cache
def whole() -> Night:
    """A night in which everything is as it should be."""
    calm = moved(night(), "cache:evictions:rate", 0, 0.0)
    calm = running(moved(calm, "redis:up", 0, 1.0), "postgres-primary", "postgres-replica")
    return Night(
        scenario(),
        {
            NOBODY: unmended(calm, INJECTED + 100),
            f"{DECOY}add-workers": unmended(calm, INJECTED + 150),
            f"{ANYBODY}restart-everything": unmended(calm, INJECTED + 200),
            REMEDY: with_receipts(calm, true_diagnosis(scenario()), at=DIAGNOSED),
        },
    )


def found(night: Night) -> dict[tuple[str, str], Row]:
    return {(row.run, row.question): row for row in matrix.rows(night, vocabulary())}


def having(name: str, history: History) -> Night:
    return replace(whole(), runs={**whole().runs, name: history})


def test_a_good_scenario_has_nothing_but_promised_rows() -> None:
    """Every run of the matrix is answered, and each as the design says."""
    rows = found(whole())
    assert {key: row.was for key, row in rows.items()} == {
        ("no fault", "no symptom"): PASS,
        (NOBODY, "symptoms"): PASS,
        (NOBODY, "order"): PASS,
        (NOBODY, "unaffected"): PASS,
        (NOBODY, "paged"): PASS,
        (NOBODY, "diagnosed"): FAIL,
        (NOBODY, "mitigated"): FAIL,
        ("decoy add-workers", "diagnosed"): PASS,
        ("decoy add-workers", "mitigated"): FAIL,
        ("anybody's restart-everything", "diagnosed"): PASS,
        ("anybody's restart-everything", "mitigated"): FAIL,
        ("remedy", "diagnosed"): PASS,
        ("remedy", "mitigated"): PASS,
        ("remedy, wrong diagnosis", "diagnosed"): FAIL,
        ("remedy, wrong diagnosis", "mitigated"): PASS,
        ("remedy, Prometheus down", "diagnosed"): PASS,
        ("remedy, Prometheus down", "mitigated"): UNKNOWN,
        ("remedy, load not delivered", "diagnosed"): PASS,
        ("remedy, load not delivered", "mitigated"): UNKNOWN,
    }
    assert {row.result for row in rows.values()} == {"as promised"}


def moved(
    history: History, name: str, start: float, value: float, until: float = math.inf
) -> History:
    """The night with a signal of one series, `value` from `start` to `until` and 0 otherwise."""
    times = history.signals["client:arrivals:rate"][0].times
    made = Series({}, times, tuple(value if start <= at < until else 0.0 for at in times))
    return replace(history, signals={**history.signals, name: (made,)})


def running(history: History, *services: str) -> History:
    """The night with a container of each of these services that ran all the time."""
    up = moved(history, "container:up", 0, 1.0).signals["container:up"]
    made = tuple(replace(up[0], labels={"service": one}) for one in services)
    return replace(history, signals={**history.signals, "container:up": made})


class TestPromises:
    def test_a_symptom_that_never_appears_fails(self) -> None:
        """It is named."""
        calm = moved(whole().runs[NOBODY], "pool:waiting", 0, 0.0)
        row = found(having(NOBODY, calm))[NOBODY, "symptoms"]
        assert (row.was, row.result) == (FAIL, "false fail")
        assert row.why == "pool:waiting > 5 for 3 s: never appeared"

    def test_a_symptom_that_comes_too_late_fails(self) -> None:
        """With how long it took."""
        late = moved(whole().runs[NOBODY], "pool:waiting", INJECTED + 85, 9.0)
        row = found(having(NOBODY, late))[NOBODY, "symptoms"]
        assert row.was is FAIL
        assert "after 85 s of 75 s" in row.why

    @pytest.mark.parametrize("since", [None, 85.0])
    def test_a_symptom_missed_by_a_busy_machine_is_unknown(self, since: float | None) -> None:
        """Late or never: while customers themselves were begun late, no deadline can be held."""
        start = ENDED if since is None else INJECTED + since
        missed = moved(whole().runs[NOBODY], "pool:waiting", start, 9.0)
        late = moved(missed, "client:start_delay_seconds:p95", INJECTED + 20, 0.25)
        row = found(having(NOBODY, late))[NOBODY, "symptoms"]
        assert (row.was, row.result) == (UNKNOWN, "invalid")
        assert "begun up to 250 ms late: this machine was too busy to judge" in row.why
        early = moved(missed, "client:start_delay_seconds:p95", INJECTED + 80, 0.25)
        assert found(having(NOBODY, early))[NOBODY, "symptoms"].was is FAIL

    def test_a_symptom_that_was_not_watched_is_unknown(self) -> None:
        """A night that ends too early, or that nobody measured, proves nothing."""
        short = unmended(night(), INJECTED + 30)
        assert found(having(NOBODY, short))[NOBODY, "symptoms"].result == "invalid"
        blind = replace(whole().runs[NOBODY], signals={})
        rows = found(having(NOBODY, blind))
        assert rows[NOBODY, "symptoms"].was is UNKNOWN
        assert rows[NOBODY, "unaffected"].was is UNKNOWN
        assert rows["no fault", "no symptom"].was is UNKNOWN

    def test_what_gives_itself_away_is_no_night(self) -> None:
        """A line in which the stack itself says what was done; where nobody looked there is no
        answer, and no row."""
        assert (NOBODY, "gives itself away") not in found(whole())
        for lines, was in (((), FAIL), (("docker logs x: DROP INDEX y",), PASS)):
            row = found(replace(whole(), giveaways=lines))[NOBODY, "gives itself away"]
            assert row.was is was
            assert row.result == ("as promised" if was is FAIL else "false pass")

    def test_a_page_before_anything_is_broken_is_noise(self) -> None:
        """Nobody should have to explain what is not the incident's; no row where nobody looked."""
        assert ("no fault", NO_PAGE) not in found(whole())
        assert found(replace(whole(), rang=()))["no fault", NO_PAGE].result == "as promised"
        row = found(replace(whole(), rang=("CustomerLatencyHigh for 8 s",)))["no fault", NO_PAGE]
        assert (row.was, row.why) == (FAIL, "CustomerLatencyHigh for 8 s")

    def test_what_must_stay_calm_must_not_move(self) -> None:
        """Waiting locks would make it another scenario."""
        locked = moved(whole().runs[NOBODY], "postgres:locks_waiting", INJECTED + 20, 7.0)
        row = found(having(NOBODY, locked))[NOBODY, "unaffected"]
        assert row.was is FAIL
        assert "postgres:locks_waiting <= 2: broken in 81 of 101 samples" in row.why

    def test_what_a_machine_owes_after_it_stood_still_is_unknown(self) -> None:
        """Those who could not come come all at once: that is no other scenario. What moves while
        customers are begun in time is."""
        stood = moved(
            whole().runs[NOBODY], "postgres:locks_waiting", INJECTED + 20, 7.0, INJECTED + 24
        )
        owed = moved(stood, "client:start_delay_seconds:p95", INJECTED + 18, 14.0, INJECTED + 22)
        row = found(having(NOBODY, owed))[NOBODY, "unaffected"]
        assert row.was is UNKNOWN
        assert "14 s late" in row.why
        before = moved(stood, "client:start_delay_seconds:p95", INJECTED, 14.0, INJECTED + 4)
        assert found(having(NOBODY, before))[NOBODY, "unaffected"].was is FAIL

    def test_a_symptom_without_its_fault_fails(self) -> None:
        """What shows on a calm night, too, is no symptom."""
        noisy = moved(whole().runs[NOBODY], "pool:waiting", INJECTED - 20, 9.0)
        row = found(having(NOBODY, noisy))["no fault", "no symptom"]
        assert row.was is FAIL
        assert "appeared without the fault" in row.why

    def test_a_pager_that_never_rings_fails(self) -> None:
        """Somebody must be woken up."""
        silent = replace(whole().runs[NOBODY], events=())
        row = found(having(NOBODY, silent))[NOBODY, "paged"]
        assert (row.was, row.why) == (FAIL, "never rang")

    def test_a_chain_that_moved_the_other_way_round_fails(self) -> None:
        """Nobody is asked for an order that was not that of the night."""
        still = replace(whole().runs[NOBODY], signals={}, sharp={})
        late = moved(whole().runs[NOBODY], scenario().truth.chain[0], INJECTED + 40, 4e6)
        assert found(having(NOBODY, late))[NOBODY, "order"].was is FAIL
        assert found(having(NOBODY, still))[NOBODY, "order"].why.startswith("0 of")


class TestFixes:
    def test_a_decoy_that_mends_is_a_false_pass(self) -> None:
        """The lab's worst mistake, unless the scenario accepts it."""
        name = f"{DECOY}add-workers"
        mended = replace(night(), events=whole().runs[name].events)
        row = found(having(name, mended))["decoy add-workers", "mitigated"]
        assert (row.should, row.was, row.result) == (FAIL, PASS, "false pass")

    @pytest.mark.parametrize("over", [None, 40.0])
    @pytest.mark.parametrize("gone", [None, 20.0])
    def test_a_true_diagnosis_is_true_whenever_its_evidence_shows(
        self, gone: float | None, over: float | None
    ) -> None:
        """The page rings after 3 s and somebody claims at once; the evidence shows after 6 s, and
        may be gone long before the end, whether anything was mended or not."""
        name = f"{DECOY}add-workers"
        history = night()
        until = math.inf if gone is None else INJECTED + gone
        for signal in scenario().truth.evidence:
            history = moved(history, signal, INJECTED + 6, 4e6, until=until)
        events = [Event(INJECTED + 3, "paged"), Event(INJECTED + 3, "claimed")]
        if over is not None:
            events.append(Event(INJECTED + over, "recovered"))
        tried = unmended(replace(history, events=tuple(events)), INJECTED + 200)
        row = found(having(name, tried))[name, "diagnosed"]
        assert row.result == "as promised", row.why

    def test_an_accepted_fix_may_pass(self) -> None:
        """What the scenario accepts is no false pass, and the reason is told; but what it shows on
        a system that lacks something else is not worth more for it."""
        name = f"{DECOY}add-workers"
        fixed = replace(recovery(), fix=FixSeen("shed the feed"))
        mended = replace(night(), recovery=fixed, events=whole().runs[name].events)
        row = found(having(name, mended))["decoy add-workers", "mitigated"]
        assert row.result == "as promised"
        assert row.why.startswith("accepted: shed the feed; all")
        gone = replace(fixed, services=(ServiceSeen("api-3", up=False),))
        lame = replace(mended, recovery=gone)
        row = found(having(name, lame))["decoy add-workers", "mitigated"]
        assert (row.should, row.result) == (FAIL, "as promised")

    @pytest.mark.parametrize("act", AFTER)
    def test_what_only_hides_it_may_not_though_the_remedy_is_accepted(self, act: str) -> None:
        """After a remedy that the scenario accepts it is still in place: that excuses nothing."""
        fixed = replace(recovery(), fix=FixSeen("shed the feed"))
        mended = replace(night(), recovery=fixed, events=whole().runs[REMEDY].events)
        row = found(having(ANYBODY + act, mended))[ANYBODY + act, "mitigated"]
        assert row.result == "false pass"

    def test_a_remedy_that_does_not_mend_is_a_false_fail(self) -> None:
        """A learner who does the right thing would be failed."""
        row = found(having(REMEDY, unmended(whole().runs[REMEDY], MENDED)))["remedy", "mitigated"]
        assert row.result == "false fail"

    def test_what_could_not_be_done_is_invalid(self) -> None:
        """A decoy that did not run has proven nothing; neither has half a night."""
        undone = replace(whole(), undone={f"{DECOY}x": "no such container"})
        assert found(undone)["decoy x", "mitigated"].result == "invalid"
        half = replace(whole(), runs={NOBODY: whole().runs[NOBODY]}, undone={"the rest": "dark"})
        assert found(half)[REMEDY, "was recorded"].result == "invalid"
        none = Night(scenario(), problem="not steady")
        assert [row.result for row in found(none).values()] == ["invalid"]

    def test_the_hardest_wrong_diagnosis_is_the_one_that_is_tried(self) -> None:
        """All else right, of the same family: nobody can come closer with a wrong cause."""
        wrong, verdict = matrix.hardest_wrong(scenario(), whole().runs[REMEDY], vocabulary())
        assert vocabulary().same_family(wrong.cause, "missing-index")
        assert 50 < verdict.points < 70


def test_rows_are_counted_by_what_is_wrong_with_them() -> None:
    """False passes, false fails and invalid rows apart."""
    answers = [(PASS, PASS), (FAIL, PASS), (UNKNOWN, PASS), (PASS, FAIL), (UNKNOWN, FAIL)]
    rows = [Row("run", "question", should, was, "why") for should, was in answers]
    rows.append(Row("run", "question", FAIL, UNKNOWN, "why"))
    assert count(rows) == {"as promised": 1, "false pass": 2, "false fail": 2, "invalid": 1}
    assert "false passes: 2, false fails: 2, invalid: 1" in summary(rows)


class TestKept:
    def test_a_night_survives_the_disk(self, tmp_path: Path) -> None:
        """Histories, scenario and rows; the rows can be found again from the histories."""
        rows = matrix.rows(whole(), vocabulary())
        proof = keep(replace(whole(), phases={"up": 6.0}), rows, tmp_path)
        assert proofs_in([tmp_path]) == proofs_in([tmp_path / "3am-2"]) == [proof]
        (again,) = nights_in(tmp_path)
        assert replace(again, phases={}) == whole()
        assert matrix.rows(again, vocabulary()) == rows

    def test_a_proof_says_when_its_symptoms_came(self, tmp_path: Path) -> None:
        """Page and symptoms by their texts, in seconds after the injection; and on what machine."""
        proof = keep(whole(), [], tmp_path)
        assert proof.page_s == 41
        assert proof.symptoms["pool:waiting > 5 for 3 s"] == 9
        assert len(proof.symptoms) == len(scenario().symptoms)
        assert proof.machine == fingerprint()

    def test_what_was_kept_before_that_was_asked_is_read(self, tmp_path: Path) -> None:
        """A proof without machine, delays and phases is a proof."""
        path = tmp_path / keep(whole(), [], tmp_path).name / "proof.json"
        document = json.loads(path.read_text())
        for name in ("machine", "page_s", "symptoms", "phases", "stacks", "busy", "beside"):
            del document[name]
        path.write_text(json.dumps(document))
        (proof,) = proofs_in([tmp_path])
        assert (proof.machine, proof.symptoms, proof.phases, proof.stacks) == (None, {}, {}, 1)

    def test_proving_it_again_leaves_nothing_of_the_last_time(self, tmp_path: Path) -> None:
        """No history of a run that is no more."""
        keep(whole(), [], tmp_path)
        keep(Night(scenario(), problem="dark"), [], tmp_path)
        assert [path.name for path in (tmp_path / "3am-2").iterdir()] == ["proof.json"]

    def test_what_another_version_has_left_is_left_out(self, tmp_path: Path) -> None:
        """It is said, and the rest is judged; only the runs that are asked for are read."""
        keep(whole(), [], tmp_path)
        keep(replace(whole(), scenario=scenario().model_copy(update={"seed": 4})), [], tmp_path)
        path = tmp_path / "3am-4" / "proof.json"
        path.write_text(path.read_text().replace('"family"', '"kind"'))
        (found,) = nights_in(tmp_path, only=[NOBODY])
        assert (found.name, list(found.runs)) == ("3am-2", [NOBODY])

    def test_a_recorded_night_is_judged_again(self, tmp_path: Path) -> None:
        """By the lab as it is now, also where its truth names another chain since; what only the
        night itself could be asked stays, as does a night of what is another scenario by now."""
        chain = tuple(reversed(scenario().truth.chain))
        truth = scenario().truth.model_copy(update={"chain": chain})
        old = scenario().model_copy(update={"truth": truth})
        loud = Row("no fault", NO_PAGE, PASS, FAIL, "CustomerLatencyHigh for 8 s")
        stale = Row(NOBODY, "order", PASS, FAIL, "the other way round")
        keep(replace(whole(), scenario=old), [loud, stale], tmp_path)
        longer = scenario().model_copy(update={"minutes": 59, "seed": 4})
        keep(replace(whole(), scenario=longer), [stale], tmp_path)
        judge_again(tmp_path, Library(), vocabulary(), QUIET)
        now, other = proofs_in([tmp_path])
        assert now.rows == (*matrix.rows(whole(), vocabulary()), loud)
        assert now.order is not None
        assert [one.signal for one in now.order.chain] == list(scenario().answer.chain)
        assert other.rows == (stale,)

    def test_where_no_proof_is(self, tmp_path: Path) -> None:
        """It is said."""
        with pytest.raises(BadInput, match="no proof"):
            proofs_in([tmp_path])
        for damaged in ("{", "[" * 100_000, "{}", '{"rows": [{}]}', "null"):
            (tmp_path / "proof.json").write_text(damaged)
            with pytest.raises(BadInput, match="not a proof"):
                proofs_in([tmp_path])

    @pytest.mark.parametrize("way", ["../../elsewhere.json.gz", "/etc/passwd", "..", ".hidden"])
    def test_a_history_is_named_and_not_led_to(self, tmp_path: Path, way: str) -> None:
        """The names of histories are names: none leads out of its own folder."""
        keep(whole(), [], tmp_path / "kept")
        path = tmp_path / "kept" / "3am-2" / "proof.json"
        document = json.loads(path.read_text())
        file = path.parent / document["runs"][NOBODY]
        shutil.copy(file, tmp_path / "elsewhere.json.gz")
        path.write_text(json.dumps({**document, "runs": {NOBODY: way}}))
        said: list[str] = []
        report = Lines()
        report.say = said.append  # type: ignore[method-assign]
        assert nights_in(tmp_path / "kept", report) == []
        assert "runs.nobody acts" in said[0]
        path.write_text(json.dumps({**document, "slug": way}))
        with pytest.raises(BadInput, match="slug"):
            proofs_in([path])

    def test_the_page_shows_what_is_wrong(self, tmp_path: Path) -> None:
        """Counts on top, a table for each scenario, wrong rows in bold, cells that stay cells."""
        wrong = Row("decoy x", "mitigated", FAIL, PASS, "a | b\nc")
        text = markdown([keep(whole(), [wrong], tmp_path)], [wrong])
        assert "2 rows, 0 as promised; false passes: 2" in text
        assert "| decoy x | mitigated | fail | **pass: false pass** | a \\| b c |" in text
        assert rows_table([wrong]).row_count == 1

    def test_the_page_tells_of_every_night(self, tmp_path: Path) -> None:
        """Each on its line, with page and remedy; only the longest of a scenario in full."""
        rows = matrix.rows(whole(), vocabulary())
        long = keep(whole(), rows, tmp_path)
        short = replace(long, seed=4, rows=tuple(row for row in rows if row.question != "paged"))
        text = markdown([short, long], [])
        assert "2 nights: the page rang in 1, the remedy was recognised in 2." in text
        assert f"| 3am | 4 | none | 0 s | - | pass | {len(short.rows)} | - |" in text
        assert "## 3am, seed 2" in text
        assert "## 3am, seed 4" not in text


# -- a live night, with a stack that is made up ---------------------------------------------------


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def doors(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doors]:
    """A scenario whose remedy mends, and an operator's docker that does nothing."""
    folder = write_scenario(tmp_path, "slow", SCENARIO)
    (folder / "remedy.sh").write_text(f"#!/bin/sh\ntouch {tmp_path}/mended\n")
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/typed\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:/usr/bin:/bin")
    monkeypatch.setattr("lab.proof.night.giveaways", lambda *_: [])

    def operate() -> None:
        typed = (tmp_path / "typed").read_text() if (tmp_path / "typed").exists() else ""
        if (tmp_path / "mended").exists() and world.broken:
            (tmp_path / "mended").unlink()
            world.indexes[INDEX] = index(INDEX, "user_id created_at id")
            world.changes.append((world.now, False))
        if "nginx.conf" in typed:
            world.fixed |= {"client:wrong:ratio": 0.9, "client:errors:ratio": 0.9}
        if "rm --stop" in typed:
            world.down.add("api-3")
        if "DELETE" in typed and world.load.running:
            world.load = replace(world.load, state="stopped")

    def start_anew() -> None:
        """With a front door whose file is that of its image."""
        typed = tmp_path / "typed"
        if typed.exists() and "nginx.conf" in typed.read_text():
            typed.unlink()
            world.fixed.clear()

    world.on_up = start_anew
    with doors_to(world, tmp_path) as opened:

        def now() -> float:
            # What was typed has its effect before anybody looks.
            operate()
            return world.now

        opened.now = now
        yield opened


def test_a_live_night_records_every_run(doors: Doors, world: World, tmp_path: Path) -> None:
    """Nobody, each decoy, what anybody would try, the remedy, and what only hides it: each with a
    history of its own; the stack is home afterwards, and every row is as promised."""
    heard: list[tuple[str, str]] = []
    lived = live(doors, "slow", 1, QUIET, lambda run, one: heard.append((run, one.outcome)))
    assert lived.undone == {}
    assert dict(heard) == {
        NOBODY: "fail",
        "decoy restart": "fail",
        "anybody's flush-cache": "fail",
        "anybody's restart-everything": "fail",
        REMEDY: "pass",
        "anybody's answer-nothing": "fail",
        "anybody's same-for-everybody": "fail",
        "anybody's maintenance-page": "fail",
        "anybody's remove-replica": "fail",
        "anybody's stop-load": "fail",
    }
    rows = matrix.rows(lived, doors.vocabulary)
    assert [
        row for row in rows if row.result != "as promised" and row.question != "unaffected"
    ] == []
    assert not world.broken
    assert doors.journal.open_one() is None
    saved = keep(lived, rows, tmp_path / "proof")
    path = tmp_path / "proof" / saved.name
    files = json.loads((path / "proof.json").read_text())["runs"]
    assert load(path / files[REMEDY]).told.diagnosis == true_diagnosis(lived.scenario)  # type: ignore[union-attr]


def test_a_night_without_temptation_is_short(doors: Doors) -> None:
    """Nobody acts, then the remedy: what is to be seen with each seed, and no more."""
    lived = live(doors, "slow", 1, QUIET, tempted=False)
    assert (list(lived.runs), lived.undone) == ([NOBODY, REMEDY], {})


def test_a_night_may_be_mended_in_another_way(doors: Doors, tmp_path: Path) -> None:
    """By a right fix that the scenario does not name; an unknown one is refused before anything
    is broken."""
    fix = tmp_path / "scenarios" / "slow" / "fixes" / "another.sh"
    fix.parent.mkdir()
    fix.write_text(f"#!/bin/sh\n# Why it is right: it mends.\ntouch {tmp_path}/mended\n")
    fix.chmod(0o755)
    with pytest.raises(BadInput, match="no fix"):
        live(doors, "slow", 1, QUIET, tempted=False, fix="anothr")
    assert doors.journal.latest() is None
    lived = live(doors, "slow", 1, QUIET, tempted=False, fix="another")
    rows = {(row.run, row.question): row for row in matrix.rows(lived, doors.vocabulary)}
    assert rows[REMEDY, "mitigated"].result == "as promised"
    assert lived.name == "slow-1-another"
    proof = keep(lived, list(rows.values()), tmp_path / "proof")
    assert proof.fix == account(proof).fix == "another"
    assert "| pass: another |" in markdown([proof], [])


def test_a_night_says_where_its_time_went(doors: Doors) -> None:
    """Every second is one of a phase, in the order of the night."""
    lived = live(doors, "slow", 1, QUIET, tempted=False)
    evening = ["up", "customers", "calm", "fault"]
    assert list(lived.phases) == [*evening, "page", "deadlines", "remedy", "judged", "read", "home"]
    assert sum(lived.phases.values()) == pytest.approx(lived.seconds)
    assert lived.phases["calm"] >= 10
    assert told({"up": 6.4, "calm": 30.0}) == "up 6, calm 30"


def test_a_night_that_cannot_begin_is_invalid(doors: Doors, world: World) -> None:
    """A stack that does not carry its load proves nothing about the scenario."""
    world.fixed["client:latency_seconds:p95"] = 2.0
    lived = live(doors, "slow", 1, QUIET)
    assert "nothing was broken" in (lived.problem or "")
    assert lived.runs == {}
    assert lived.phases == {"refused": lived.seconds}


def test_what_cannot_be_done_is_told(doors: Doors, tmp_path: Path) -> None:
    """A decoy that fails is on record as undone, and the night goes on."""
    (tmp_path / "scenarios" / "slow" / "decoys" / "restart.sh").write_text(
        "#!/bin/sh\n# Why people try it: hope.\nexit 7\n"
    )
    lived = live(doors, "slow", 1, QUIET)
    assert "exit code 7" in lived.undone["decoy restart"]
    assert REMEDY in lived.runs


def test_a_tempting_fix_that_mends_is_broken_again_for_the_remedy(
    doors: Doors, world: World, tmp_path: Path
) -> None:
    """Its row is a false pass; the remedy is still proven on what is broken."""
    (tmp_path / "scenarios" / "slow" / "decoys" / "restart.sh").write_text(
        f"#!/bin/sh\n# Why people try it: it is the remedy.\ntouch {tmp_path}/mended\n"
    )
    lived = live(doors, "slow", 1, QUIET)
    rows = {(row.run, row.question): row for row in matrix.rows(lived, doors.vocabulary)}
    assert rows["decoy restart", "mitigated"].result == "false pass"
    assert rows[REMEDY, "mitigated"].result == "as promised"
    drops = [statement for statement in world.statements if "DROP INDEX" in statement]
    assert len(drops) == 2


def test_the_command_shows_what_was_proven(tmp_path: Path) -> None:
    """Without an engine: a table, one JSON document, a page; exit codes 0, 1, 3 and 2."""
    folder, page = tmp_path / "proof", tmp_path / "proof.md"
    rows = matrix.rows(whole(), vocabulary())
    keep(whole(), rows, folder)
    shown = lab(tmp_path, "verify", "--table", str(folder), "--markdown", str(page))
    assert shown.returncode == 0, shown.stderr
    assert f"{len(rows)} rows, {len(rows)} as promised" in shown.stdout
    assert "| remedy | mitigated | pass | pass |" in page.read_text()
    sent = lab(tmp_path, "verify", "--table", str(folder), "--into", str(tmp_path / "sent"))
    assert "to be sent along: " in sent.stderr
    assert (tmp_path / "sent" / "3am" / "proof" / f"{fingerprint().id}.json").is_file()
    told = lab(tmp_path, "verify", "--table", str(folder), "--json")
    assert [one["slug"] for one in json.loads(told.stdout)["proofs"]] == ["3am"]
    for was, code in ((UNKNOWN, 3), (PASS, 1)):
        keep(whole(), [Row("decoy", "mitigated", FAIL, was, "why")], tmp_path / was)
        assert lab(tmp_path, "verify", "--table", str(tmp_path / was)).returncode == code
    assert lab(tmp_path, "verify", "--table", str(tmp_path)).returncode == 2
    assert lab(tmp_path, "verify", "3am", "3m").returncode == 2
    journal_with_incident(tmp_path / "on")
    refused = lab(tmp_path / "on", "verify", "3am")
    assert (refused.returncode, "the incident 3am is on" in refused.stderr) == (2, True)
