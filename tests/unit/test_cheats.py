"""Ways to win without mending or understanding, each by its name, and why it does not work.

On the pure grader and recovery checks where these suffice; on a made-up stack where it takes one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab import incident, manifest
from lab.diagnosis import parse_diagnosis
from lab.documents import Document
from lab.doors import Doors
from lab.ending import end, resolve
from lab.errors import BadInput
from lab.grade import grade
from lab.grading.recovery import recovery_checks
from lab.history import DataSeen, FaultSeen, LoadSeen, Outcome, ServiceSeen
from lab.progress import QUIET
from lab.prometheus import Rule
from lab.recall import last_recovery
from lab.shipped import NAME, OTHERS_NAME, alerts, plain
from lab.steady import BEHIND_S
from tests.unit.histories import (
    GOOD_EVIDENCE,
    TRUTH,
    WATCHED,
    citing,
    diagnosis,
    facts,
    night,
    recovery,
    vocabulary,
)
from tests.unit.world import INDEX, World, index

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


def mitigated(**changes: object) -> Outcome:
    """What a recovery is worth in which all else is well."""
    history = replace(night(), recovery=replace(recovery(), **changes))
    return Outcome.all(check.outcome for check in recovery_checks(history))


def test_all_else_is_well() -> None:
    """The night that the cheats are played on would pass without them."""
    assert mitigated() is PASS


class TestTheLoad:
    def test_stopping_it_fails(self) -> None:
        """Nobody complains where nobody comes."""
        assert mitigated(load=LoadSeen(60, 60, 1200, 1200, "stopped")) is FAIL

    def test_slowing_it_fails(self) -> None:
        """Half the customers are half the load; the incident's rate is on record."""
        assert mitigated(load=LoadSeen(60, 30, 900, 900, "running")) is FAIL

    def test_making_it_stumble_is_unknown(self) -> None:
        """A generator that was starved, frozen or killed has delivered nothing to judge by."""
        assert mitigated(load=LoadSeen(60, 60, 1800, 700, "running")) is UNKNOWN
        assert mitigated(load=LoadSeen(60, None, None, None, None, problem="gone")) is UNKNOWN


class TestWhatIsThere:
    def test_deleting_the_replica_fails(self) -> None:
        """What is gone is not mended."""
        gone = (*recovery().services, ServiceSeen("api-3", up=False, detail="missing"))
        assert mitigated(services=gone) is FAIL

    def test_taking_a_replica_out_of_rotation_fails(self) -> None:
        """It is there, but nobody asks it anything."""
        idle = ServiceSeen("api-3 behind nginx", up=False, detail="out of rotation")
        assert mitigated(services=(*recovery().services, idle)) is FAIL

    def test_dropping_the_data_fails(self) -> None:
        """Empty tables are quick; customers have written down what they were promised."""
        assert mitigated(data=DataSeen(checked=412, lost=400)) is FAIL

    def test_purging_the_queue_fails(self) -> None:
        """A queue without photos is short; the photos were accepted, though."""
        assert mitigated(data=DataSeen(checked=412, unfinished=35)) is FAIL

    def test_hiding_the_symptom_fails(self) -> None:
        """Objectives that hold while the witness says broken are luck."""
        assert mitigated(faults=(FaultSeen("drop_index", active=True),)) is FAIL


class TestTheMeasuring:
    def test_missing_samples_are_unknown(self) -> None:
        """Restarting Prometheus, or stopping it, leaves a hole; a hole is neither well nor ill."""
        hole = WATCHED.start + 10
        for last in (hole + 6, WATCHED.end):
            signals = {
                name: tuple(
                    replace(
                        one,
                        times=[at for at in one.times if not hole < at < last],
                        values=[
                            value
                            for at, value in zip(one.times, one.values, strict=True)
                            if not hole < at < last
                        ],
                    )
                    for one in several
                )
                for name, several in night().signals.items()
            }
            verdict = grade(TRUTH, replace(night(), signals=signals), None, vocabulary=vocabulary())
            assert verdict.mitigated is UNKNOWN

    def test_watching_too_briefly_is_unknown(self) -> None:
        """A lucky moment is no recovery."""
        brief = replace(WATCHED, end=WATCHED.start + 8)
        assert mitigated(window=brief, load=LoadSeen(60, 60, 480, 480, "running")) is UNKNOWN


class TestTheDiagnosis:
    @pytest.mark.parametrize(
        "text",
        [
            "component: postgres-primary\ncause: [missing-index, lock-contention]\n",
            "component: [postgres-primary, worker]\ncause: missing-index\n",
            "component: postgres-primary\ncause: missing-index\ncause: lock-contention\n",
            "component: postgres-primary\ncause: missing-index, lock-contention\n",
        ],
    )
    def test_answering_everything_is_refused(self, text: str) -> None:
        """One component, one cause."""
        with pytest.raises(BadInput):
            parse_diagnosis(Document(text, "standard input"), vocabulary(), facts())

    def test_answering_one_after_the_other_costs(self) -> None:
        """Each revision takes 5 points: whoever tries all words has lost on the way."""
        shown = citing(night(), *GOOD_EVIDENCE)
        worth = [
            grade(TRUTH, shown, diagnosis(), vocabulary=vocabulary(), revisions=number)
            for number in range(len(vocabulary().causes))
        ]
        assert [one.points for one in worth[:3]] == [worth[0].points - cost for cost in (0, 5, 10)]
        assert worth[0].diagnosed is PASS
        assert worth[-1].diagnosed is FAIL

    def test_citing_every_signal_shows_nothing(self) -> None:
        """Receipts that show nothing cost as much as those that support are worth."""
        everything = citing(night(), *facts())
        verdict = grade(TRUTH, everything, diagnosis(evidence=facts()), vocabulary=vocabulary())
        evidence = next(part for part in verdict.parts if part.name == "evidence")
        assert evidence.earned == 0
        assert verdict.points <= 60

    def test_one_receipt_that_touches_every_signal_shows_nothing(self) -> None:
        """A query that selects them all points at none of them."""
        broad = replace(
            citing(night(), GOOD_EVIDENCE[0]).receipts[0],
            claim='{__name__=~".+"}',
            signals=tuple(facts()),
        )
        shown = replace(night(), receipts=(broad,))
        verdict = grade(TRUTH, shown, diagnosis(), vocabulary=vocabulary())
        assert next(part for part in verdict.parts if part.name == "evidence").earned == 0

    def test_naming_every_signal_as_the_order_does_not_help(self) -> None:
        """What never moved is one wrong claim each."""
        chain = [*TRUTH.chain, *(name for name in facts() if name not in TRUTH.chain)]
        verdict = grade(TRUTH, night(), diagnosis(chain=chain), vocabulary=vocabulary())
        assert next(part for part in verdict.parts if part.name == "order").earned <= 5


# -- what takes a stack ---------------------------------------------------------------------------


def on(doors: Doors, world: World) -> None:
    """An incident, a while after it broke."""
    incident.start(doors, "slow", 1, QUIET)
    world.pause(40)


def mend(world: World) -> None:
    world.indexes[INDEX] = index(INDEX, "user_id created_at id")
    world.changes.append((world.now, False))


def test_raising_the_objectives_changes_nothing(doors: Doors, world: World, tmp_path: Path) -> None:
    """The journal holds the scenario as it was when the incident began."""
    on(doors, world)
    path = tmp_path / "scenarios" / "slow" / "scenario.yaml"
    path.write_text(path.read_text().replace("value: 0.5}", "value: 50}").replace("0.05", "1"))
    measured = resolve(doors, QUIET, within_s=0)
    assert measured.outcome is FAIL
    assert any(one.name == "client:latency_seconds:p95 <= 0.5" for one in measured.checks)
    assert end(doors, QUIET, give_up=True).verdict.mitigated is FAIL


EDITED = [
    Rule("client:errors:ratio", "vector(0)"),
    Rule("client:latency_seconds:p95", "0.1 * vector(1)"),
    Rule("client:wrong:ratio", "vector(0)"),
    Rule("PhotoQueueBackingUp", "vector(0) > 1", 5),
    Rule("PhotoQueueBackingUp", "x", 3600),
]


@pytest.mark.parametrize("rule", EDITED, ids=[f"{one.name}-{one.for_s:g}" for one in EDITED])
def test_editing_the_rules_fails(doors: Doors, world: World, rule: Rule) -> None:
    """Numbers that are made otherwise than shipped prove nothing, whatever they are."""
    on(doors, world)
    mend(world)
    world.rules[rule.name] = rule
    measured = resolve(doors, QUIET)
    assert measured.outcome is FAIL
    (check,) = [one for one in measured.checks if one.outcome is not PASS]
    assert check.name == NAME
    assert rule.name in check.reason
    world.rules.clear()
    assert resolve(doors, QUIET).outcome is PASS, "what was put back is not held against anybody"


def test_making_somebody_elses_system_better_fails(
    doors: Doors, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partner that does more at a time, customers who ask for less: nobody on call can have that.
    What is put back is not held against anybody."""
    made = {"partner": "image 1, two at a time", "load": "image 2", "api-1": "image 3"}
    monkeypatch.setattr(manifest, "kinds", tuple)
    monkeypatch.setattr(manifest, "_made_from", lambda _: dict(made))
    manifest.keep(doors.stack)
    on(doors, world)
    mend(world)
    made["api-1"] = "image 4"
    assert resolve(doors, QUIET).outcome is PASS, "what is ours may be made otherwise"
    for other in ("partner", "load"):
        before, made[other] = made[other], "of my own"
        measured = resolve(doors, QUIET)
        (check,) = [one for one in measured.checks if one.outcome is not PASS]
        assert (measured.outcome, check.name, other in check.reason) == (FAIL, OTHERS_NAME, True)
        made[other] = before
        assert resolve(doors, QUIET).outcome is PASS


def test_adding_a_rule_of_the_same_name_fails(doors: Doors, world: World) -> None:
    """Its points would lie among the shipped one's."""
    on(doors, world)
    mend(world)
    asked = doors.prometheus.rules()
    doors.prometheus.rules = lambda: [*asked, Rule("client:errors:ratio", "vector(0)")]  # type: ignore[method-assign]
    assert resolve(doors, QUIET).outcome is FAIL


def test_a_window_begins_after_the_rules_were_loaded(doors: Doors, world: World) -> None:
    """Part of an earlier one may have been measured with others, so it is watched anew."""
    on(doors, world)
    mend(world)
    world.pause(30)
    world.reloaded_at = loaded = world.now - BEHIND_S - 3
    assert resolve(doors, QUIET).outcome is PASS
    (row,) = doors.journal.incidents()
    recovery = last_recovery(doors, row)
    assert recovery is not None
    assert recovery.window.start >= loaded


def test_rules_loaded_while_being_watched_are_unknown(doors: Doors, world: World) -> None:
    """Whoever loads rules over and over is never measured with the shipped ones."""
    on(doors, world)
    mend(world)
    world.pause(30)

    def load_again() -> None:
        world.reloaded_at = world.now

    world.on_pause = load_again
    load_again()
    measured = resolve(doors, QUIET)
    assert {one.name for one in measured.checks if one.outcome is UNKNOWN} == {NAME}


def test_prometheus_writes_rules_its_own_way() -> None:
    """White space and the spelling of numbers are no change; a number is."""
    assert plain("a:b > 1.6e7 and\n (c)") == plain("a:b > 1.6e+07 and (c)")
    assert plain("x[5s] > 0.05") != plain("x[5s] > 0.5")
    assert plain("client:latency_seconds:p95 > 1") != plain("client:latency_seconds:p50 > 1")


def test_shipped_alerts_say_how_long_they_must_hold(tmp_path: Path) -> None:
    """As Prometheus writes durations, in seconds; at once without one."""
    rule = "groups: [{name: g, rules: [{alert: A, expr: x, for: 1m30s}, {alert: B, expr: y}]}]"
    (tmp_path / "rules.yml").write_text(rule)
    assert alerts(tmp_path) == {"A": ("x", 90.0), "B": ("y", 0.0)}
