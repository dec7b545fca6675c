"""Can one scenario be taken for another? Every night against every other's truth and promises."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from lab.history import Outcome
from lab.proof.confusion import confusion, promised
from lab.proof.rows import NOBODY, Night
from lab.scenario import Scenario, Symptom, TruthEntry
from lab.series import Condition
from tests.unit.histories import INJECTED, night, vocabulary
from tests.unit.test_verify import moved, scenario, unmended, whole

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


@cache
def cold() -> Scenario:
    """A look-alike: customers wait, too, but because the cache came back empty."""
    return scenario().model_copy(
        update={
            "slug": "cold",
            "seed": 4,
            "truth": TruthEntry(
                component="redis-cache",
                cause="cache-flushed",
                object="all keys",
                chain=["cache:keys", "cache:misses:rate", "client:latency_seconds:p95"],
                evidence=["cache:keys"],
            ),
            "accepted": [],
            "symptoms": [
                Symptom(signal="client:latency_seconds:p95", op=">", value=0.5, within_s=40),
                Symptom(signal="cache:keys", op="<", value=100, within_s=10),
            ],
            "unaffected": [Condition(signal="postgres:seq_rows:rate", op="<=", value=1e6)],
        }
    )


@cache
def cold_night() -> Night:
    """Keys gone, misses up, customers waiting; nobody walks through a table."""
    history = night()
    for name, start, value in (
        ("cache:misses:rate", INJECTED + 1, 200.0),
        ("postgres:seq_rows:rate", INJECTED + 1, 0.0),
        ("postgres:seq_scans:rate", INJECTED + 1, 0.0),
    ):
        history = moved(history, name, start, value)
    keys = history.signals["cache:misses:rate"][0]
    gone = replace(keys, values=tuple(10.0 if one else 5000.0 for one in keys.values))
    history = replace(history, signals={**history.signals, "cache:keys": (gone,)})
    return Night(cold(), {NOBODY: unmended(history, INJECTED + 100)})


def test_look_alikes_are_told_apart() -> None:
    """Both ways round: neither truth passes in the other's night, no promise holds in both."""
    rows = confusion([whole(), cold_night()], vocabulary())
    assert [row.run for row in rows] == [
        "3am-2 as cold: its truth",
        "3am-2 as cold: taken for it",
        "3am-2 as cold",
        "cold-4 as 3am: its truth",
        "cold-4 as 3am: taken for it",
        "cold-4 as 3am",
    ]
    assert {row.result for row in rows} == {"as promised"}, rows
    assert promised(cold(), cold_night().runs[NOBODY])[0] is PASS
    assert promised(scenario(), whole().runs[NOBODY])[0] is PASS


def test_a_scenario_that_promises_what_another_shows_is_found() -> None:
    """Symptoms that any bad night has, and no contrast: the promise holds where it must not."""
    vague = cold().model_copy(update={"symptoms": cold().symptoms[:1], "unaffected": []})
    rows = confusion([whole(), Night(vague)], vocabulary())
    (row,) = [row for row in rows if row.question == "promise"]
    assert (row.run, row.result) == ("3am-2 as cold", "false pass")


def test_the_contrast_alone_tells_apart() -> None:
    """What stays calm in one and moves in the other is enough."""
    vague = cold().model_copy(update={"symptoms": cold().symptoms[:1]})
    outcome, why = promised(vague, whole().runs[NOBODY])
    assert outcome is FAIL
    assert why.startswith("postgres:seq_rows:rate <= 1e+06: broken")


def test_the_same_answer_in_two_scenarios_is_no_confusion() -> None:
    """Then only what is seen must differ."""
    twin = cold().model_copy(update={"truth": scenario().truth})
    rows = confusion([whole(), Night(twin, cold_night().runs)], vocabulary())
    assert {row.question for row in rows} == {"promise"}


def test_seeds_of_one_scenario_are_not_held_against_each_other() -> None:
    """Nor a night that was never recorded against anything."""
    again = replace(whole(), scenario=scenario().model_copy(update={"seed": 2}))
    assert confusion([whole(), again], vocabulary()) == []
    assert len(confusion([whole(), again, Night(cold(), problem="dark")], vocabulary())) == 6
