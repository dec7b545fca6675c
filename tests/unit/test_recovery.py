"""What counts as mended, and the cheats that do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.grading.recovery import recovery_checks
from lab.history import (
    Check,
    DataSeen,
    FaultSeen,
    FixSeen,
    History,
    LoadSeen,
    Outcome,
    ServiceSeen,
)
from lab.series import Condition, Series, Span
from tests.unit.histories import INJECTED, RECOVERED, WATCHED, night, recovery

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


def outcomes(history: History) -> dict[str, Outcome]:
    return {check.name: check.outcome for check in recovery_checks(history)}


def mended(**changes: object) -> History:
    return replace(night(), recovery=replace(recovery(), **changes))


def test_a_true_recovery_passes_every_check():
    """Objectives, answers, load, cause, services and data: each a named check that passes."""
    assert set(outcomes(night()).values()) == {PASS}
    assert len(outcomes(night())) == 7


def test_answering_with_something_else_fails_whatever_is_accepted():
    """A fix may refuse some so that others are served; it may not give them something else. What
    was recorded before anybody looked at answers is judged without that."""
    refusing = FixSeen("some are refused", keep=night().objectives)
    wrong = night().signals["client:wrong:ratio"][0]
    wrong = replace(wrong, values=tuple(0.2 for _ in wrong.values))
    signals = {**night().signals, "client:wrong:ratio": (wrong,)}
    before = {name: what for name, what in signals.items() if name != "client:wrong:ratio"}

    def judged(signals):
        found = replace(night(), signals=signals, recovery=replace(recovery(), fix=refusing))
        return Outcome.all(outcomes(found).values())

    assert judged(signals) is FAIL
    assert judged(before) is PASS


def test_nobody_said_that_it_was_fixed():
    """Without a claim there is no recovery."""
    assert outcomes(night(mended=False)) == {"recovery": FAIL}


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (LoadSeen(60, 60, 1800, 1799, "running"), PASS),
        (LoadSeen(60, 60, None, None, "stopped"), FAIL),
        (LoadSeen(60, 20, 600, 600, "running"), FAIL),
        (LoadSeen(60, 60, 1800, 1200, "running"), UNKNOWN),
        (LoadSeen(60, 60, 900, 900, "running"), UNKNOWN),
        (LoadSeen(60, 60, None, None, "running"), UNKNOWN),
        (LoadSeen(60, 60, 1800, 1800, "finished"), UNKNOWN),
        (LoadSeen(60, None, None, None, None, problem="refused"), UNKNOWN),
    ],
)
def test_the_load_must_be_the_same(load, expected):
    """Cheat: stopping or slowing the load fails; load that did not come on its own is unknown."""
    assert outcomes(mended(load=load))["same load"] is expected


def test_deleting_the_replica_fails():
    """Cheat: a service that is gone is no recovery, and one that nobody could see is unknown."""
    gone = (ServiceSeen("nginx", up=True), ServiceSeen("api-2", up=False, detail="exited"))
    unseen = (ServiceSeen("nginx", up=True), ServiceSeen("api-2", up=None))
    assert outcomes(mended(services=gone))["everything there"] is FAIL
    assert outcomes(mended(services=unseen))["everything there"] is UNKNOWN
    assert outcomes(mended(services=()))["everything there"] is UNKNOWN


def test_dropping_the_data_fails():
    """Cheat: acknowledged writes that are lost, doubled or never finished are no recovery."""
    for data in (DataSeen(9, lost=1), DataSeen(9, doubled=1), DataSeen(9, unfinished=1)):
        assert outcomes(mended(data=data))["data intact"] is FAIL
    assert outcomes(mended(data=DataSeen(problem="no ledger")))["data intact"] is UNKNOWN


def test_the_witness_must_say_gone():
    """Objectives that hold while the cause is still there are no recovery."""
    assert outcomes(mended(faults=(FaultSeen("x", active=True),)))["cause gone"] is FAIL
    assert outcomes(mended(faults=(FaultSeen("x", active=None),)))["cause gone"] is UNKNOWN
    assert outcomes(mended(faults=()))["cause gone"] is UNKNOWN


def test_objectives_must_hold_for_the_whole_window():
    """One broken sample fails, however good the rest."""
    early = Span(RECOVERED - 16, WATCHED.end)
    found = outcomes(mended(window=early, load=LoadSeen(60, 60, 2800, 2800, "running")))
    assert found["client:latency_seconds:p95 <= 0.5"] is FAIL


def test_a_short_look_is_unknown():
    """Objectives that held for less than the full window have not been proven."""
    short = Span(WATCHED.start, WATCHED.start + 10)
    assert outcomes(mended(window=short))["client:errors:ratio <= 0.05"] is UNKNOWN


def test_an_objective_speaks_of_the_worst_series_it_covers():
    """Every replica must be up; `where` narrows an objective to the series it names."""
    lame = tuple(
        Series(one.labels, one.times, [0.0] * len(one.times))
        if one.labels["upstream"] == "api-2"
        else one
        for one in night().signals["nginx:upstream_up"]
    )
    signals = {**night().signals, "nginx:upstream_up": lame}
    all_up = Condition(signal="nginx:upstream_up", op=">=", value=1)
    first_up = Condition(signal="nginx:upstream_up", op=">=", value=1, where={"upstream": "api-1"})
    history = replace(night(), signals=signals, objectives=(all_up,))
    assert outcomes(history)["nginx:upstream_up >= 1"] is FAIL
    history = replace(history, objectives=(first_up,))
    assert outcomes(history)["nginx:upstream_up >= 1"] is PASS


def test_without_samples_the_objectives_are_unknown():
    """Cheat: taking Prometheus away proves nothing; neither does a hole in the window."""
    assert outcomes(replace(night(), signals={}))["client:errors:ratio <= 0.05"] is UNKNOWN
    holey = tuple(
        Series(
            one.labels,
            [t for t in one.times if not 5 < t - WATCHED.start < 15],
            [
                v
                for t, v in zip(one.times, one.values, strict=True)
                if not 5 < t - WATCHED.start < 15
            ],
        )
        for one in night().signals["client:errors:ratio"]
    )
    history = replace(night(), signals={**night().signals, "client:errors:ratio": holey})
    assert outcomes(history)["client:errors:ratio <= 0.05"] is UNKNOWN


def test_a_scenarios_own_checks_count():
    """What a scenario adds (a replayed trigger) is judged with the rest."""
    extra = (Check("replayed", FAIL, "it broke again"),)
    assert outcomes(mended(extra=extra))["replayed"] is FAIL


def test_a_machine_that_was_too_busy_is_not_the_learners_failure():
    """Customers who were begun late wait for the machine: what fails then is unknown, with the
    figures, and what passes has passed all the same. So it was judged while nobody measured it."""
    broken = Span(INJECTED + 60, INJECTED + 90)
    extra = (Check("pager quiet", FAIL, "it rings"), Check("rules as shipped", FAIL, "changed"))
    for late_s, expected in ((0.4, UNKNOWN), (0.1, FAIL), (None, FAIL)):
        load = LoadSeen(60, 60, 1800, 1800, "running", late_s=late_s)
        history = mended(window=broken, load=load, extra=extra)
        found = {check.name: check for check in recovery_checks(history)}
        assert found["client:errors:ratio <= 0.05"].outcome is expected
        assert found["pager quiet"].outcome is expected
        assert found["rules as shipped"].outcome is FAIL
        reason = found["client:latency_seconds:p95 <= 0.5"].reason
        busy = "customers themselves were begun up to 400 ms late: this machine was too busy"
        assert (busy in reason) is (expected is UNKNOWN)
        assert "as far as 4." in reason
        assert set(outcomes(mended(load=load)).values()) == {PASS}


def test_a_lab_whose_own_steps_came_late_does_not_blame_the_service():
    """Customers come before the service where both want a core. What a busy machine alone may do,
    a replica that answers the balancer too late among it, is unknown then; what is gone is gone."""
    broken = Span(INJECTED + 60, INJECTED + 90)
    out = (
        ServiceSeen("api-1 behind nginx", up=False, detail="out of rotation"),
        ServiceSeen("api-1", up=False, detail="running unhealthy"),
    )
    gone = (*out, ServiceSeen("worker", up=False, detail="exited"))
    for late_s, expected in ((0.3, UNKNOWN), (0.1, FAIL), (None, FAIL)):
        found = outcomes(mended(window=broken, services=out, late_s=late_s))
        assert found["client:latency_seconds:p95 <= 0.5"] is expected
        assert found["everything there"] is expected
        assert outcomes(mended(services=gone, late_s=late_s))["everything there"] is FAIL
        assert set(outcomes(mended(late_s=late_s)).values()) == {PASS}


def slow(p95: float, errors: float = 0.0, **changes: object) -> dict[str, Outcome]:
    """A recovery in which customers waited for so long, and so many failed."""
    signals = dict(night().signals)
    for name, value in (("client:latency_seconds:p95", p95), ("client:errors:ratio", errors)):
        (one,) = signals[name]
        signals[name] = (replace(one, values=[value] * len(one.times)),)
    rings = (Check("pager quiet", FAIL, "it rings"),)
    return outcomes(replace(mended(extra=rings, **changes), signals=signals))


def test_a_stack_that_was_kept_from_its_work_is_not_the_learners_failure():
    """Six times as long as on a free core: what would have been short enough is unknown; what is
    far too long all the same, or no latency, fails, and so does what a free core would not mend."""
    late = "client:latency_seconds:p95 <= 0.5"
    for slowed, p95, expected in (
        (6.0, 2.9, UNKNOWN), (6.0, 3.1, FAIL), (4.0, 0.6, FAIL), (None, 0.6, FAIL)
    ):  # fmt: skip
        found = slow(p95, slowed=slowed)
        assert (found[late], found["pager quiet"]) == (expected, expected)
    assert slow(2.9, errors=0.3, slowed=6.0)[late] is FAIL
    assert slow(0.2, slowed=6.0)[late] is PASS
    still = FaultSeen("x", active=True)
    assert slow(2.9, slowed=6.0, faults=(still,))["cause gone"] is FAIL


def test_a_cause_that_is_gone_is_gone_whatever_else_was_done():
    """Who brings back what died, and has something in its place, too, is told the better of it."""
    other = FixSeen("another replica in its place")
    for active, told in ((False, "whole"), (True, "accepted instead: another replica")):
        history = mended(faults=(FaultSeen("x", active=active),), fix=other)
        (cause,) = [one for one in recovery_checks(history) if one.name == "cause gone"]
        assert cause.outcome is PASS
        assert told in cause.reason


def test_objectives_are_those_of_the_beginning():
    """Cheat: raising the objectives afterwards changes nothing; a broken window stays broken."""
    window = Span(INJECTED + 60, INJECTED + 90)
    found = outcomes(mended(window=window, load=LoadSeen(60, 60, 1800, 1800, "running")))
    assert found["client:latency_seconds:p95 <= 0.5"] is FAIL
    assert found["client:errors:ratio <= 0.05"] is FAIL


def test_what_lasts_is_to_be_lived_with():
    """A night whose load was multiplied passes as it is, and fails when it was changed back."""
    lasting = (FaultSeen("load_multiplier", active=True, lasting=True),)
    undone = (FaultSeen("load_multiplier", active=False, lasting=True),)
    assert outcomes(mended(faults=lasting))["cause gone"] is PASS
    assert outcomes(mended(faults=undone))["cause gone"] is FAIL


def test_an_accepted_fix_spares_only_what_it_names():
    """Another replica in place of a dead one: the dead one may be missing, no other service."""
    gone = (
        ServiceSeen("nginx", up=True),
        ServiceSeen("api-2", up=False),
        ServiceSeen("api-2 behind nginx", up=False),
    )
    fix = FixSeen("another replica", without=("api-2",))
    assert outcomes(mended(services=gone, fix=fix))["everything there"] is PASS
    more = (*gone, ServiceSeen("worker", up=False))
    assert outcomes(mended(services=more, fix=fix))["everything there"] is FAIL
