"""How long it took and what it cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.grading.times import burnt, first_breach, times
from lab.history import Outcome
from tests.unit.histories import BREACHED, INJECTED, RECOVERED, night


def test_times_run_from_the_first_breach():
    """Acknowledging, diagnosing and mitigating are timed from the breach, not from injection."""
    found = times(night(), Outcome.PASS)
    assert found.breached_at == BREACHED
    assert found.acknowledged_s == 46
    assert found.diagnosed_s == 231
    assert found.mitigated_s == RECOVERED - BREACHED


def test_what_never_happened_has_no_time():
    """Nothing done means no times, and a failed mitigation has none either."""
    found = times(night(mended=False), Outcome.FAIL)
    assert (found.acknowledged_s, found.diagnosed_s, found.mitigated_s) == (None, None, None)
    assert times(night(), Outcome.FAIL).mitigated_s is None


def test_the_breach_is_measured_when_no_event_says_it():
    """Without the recorded event, the first sample that breaks an objective starts the clock."""
    events = tuple(event for event in night().events if event.kind != "breached")
    assert first_breach(replace(night(), events=events)) == pytest.approx(BREACHED, abs=3)
    assert first_breach(replace(night(), events=(), signals={})) is None


def test_the_budget_is_the_failed_share_over_time():
    """62 % of the requests failed for about 290 s: some three minutes of complete outage."""
    burn = burnt(night())
    assert burn.outage_s == pytest.approx(0.62 * 276, rel=0.05)
    assert burn.share == pytest.approx(burn.outage_s / 2592)
    assert "99.9 %" in burn.reason


def test_an_unmeasured_budget_is_unknown():
    """Where the failures were not measured, nobody says what was burnt."""
    burn = burnt(replace(night(), signals={}))
    assert (burn.outage_s, burn.share) == (None, None)


def test_doing_something_before_the_breach_is_doing_it_at_once():
    """Somebody who acknowledges before an objective breaks took no time at all."""
    early = tuple(
        replace(event, at=INJECTED + 1) if event.kind == "acknowledged" else event
        for event in night().events
    )
    assert times(replace(night(), events=early), Outcome.PASS).acknowledged_s == 0
