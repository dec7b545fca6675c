"""When a signal left its baseline, and when nobody can say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.grading.onset import BLIND_S, onset, onsets
from lab.history import LATE_S, SignalFacts
from lab.series import Series, Span, Tolerance
from tests.unit.histories import INJECTED, facts, night

CALM = Span(0, 30)
WATCHED = Span(30, 120)
FACTS = SignalFacts("s", "", "up", "api", Tolerance(ratio=0.5, floor=0.1))


def steps(*values: tuple[int, float], labels: dict[str, str] | None = None) -> Series:
    """A series of one point a second: each value for so many seconds."""
    flat = [value for count, value in values for _ in range(count)]
    return Series(labels or {}, [float(at) for at in range(len(flat))], flat)


def found(*series: Series, facts: SignalFacts = FACTS):
    return onset("x", series, facts, CALM, WATCHED, 1.0)


def test_a_step_is_dated_to_its_second():
    """A sudden, lasting change is dated to the sample at which it happened."""
    one = found(steps((50, 0.2), (71, 2.0)))
    assert (one.state, one.at, one.before, one.extreme, one.way) == ("moved", 50, 0.2, 2.0, "up")


def test_a_hiccup_is_no_onset():
    """Two odd samples in a row are a hiccup, not an onset."""
    assert found(steps((50, 0.2), (2, 9.0), (69, 0.2))).state == "still"


def test_a_climb_is_dated_from_its_foot():
    """A slow climb is dated from where it left the noise, not from where it crossed a limit."""
    climb = [0.2] * 50 + [0.2 + 0.02 * n for n in range(71)]
    one = found(Series({}, [float(at) for at in range(121)], climb))
    assert one.at == pytest.approx(51, abs=2)


def test_the_good_way_is_no_onset():
    """A signal that is bad upward has not left its baseline when it falls."""
    assert found(steps((50, 2.0), (71, 0.2))).state == "still"


def test_noise_of_the_baseline_is_absorbed():
    """A value that the baseline itself often reaches is no departure, however small the floor."""
    noisy = Series({}, list(range(121)), [1.0 + (n * 7919 % 13) / 10 for n in range(121)])
    tight = SignalFacts("s", "", "either", "api", Tolerance(ratio=0.0, floor=0.001))
    assert found(noisy, facts=tight).state == "still"


def test_one_outlier_in_the_baseline_hides_nothing():
    """One odd sample in the baseline does not blind the lab for what comes later."""
    one = found(steps((10, 0.2), (1, 50.0), (39, 0.2), (71, 2.0)))
    assert one.at == 50


def test_the_first_series_to_move_dates_the_signal():
    """A split signal moves when the first of its series does, and says which."""
    one = found(
        steps((60, 0.2), (61, 2.0), labels={"service": "api-1"}),
        steps((45, 0.2), (76, 2.0), labels={"service": "api-2"}),
    )
    assert (one.at, one.labels) == (45, {"service": "api-2"})


def test_nothing_recorded_is_unknown():
    """A signal without a recording, without samples or without a baseline is unknown."""
    assert onset("x", None, FACTS, CALM, WATCHED, 1.0).state == "unknown"
    assert found().state == "unknown"
    late = steps((121, 2.0)).between(40, 120)
    assert found(late).state == "unknown"


def test_a_long_hole_makes_stillness_unknown():
    """A signal that never moved where it was seen is unknown if it was not seen for long."""
    whole = steps((121, 0.2))
    holey = Series(
        {},
        [at for at in whole.times if not 60 < at < 60 + BLIND_S + 2],
        [0.2] * (121 - int(BLIND_S) - 1),
    )
    assert found(whole).state == "still"
    assert found(holey).state == "unknown"


def test_a_hole_before_the_onset_widens_the_resolution():
    """When it moved unseen, the onset is uncertain by as long as nobody looked."""
    stepped = steps((50, 0.2), (71, 2.0))
    kept = [at for at in stepped.times if not 45 < at < 55]
    holey = Series({}, kept, [0.2 if at < 50 else 2.0 for at in kept])
    seen, unseen = found(stepped), found(holey)
    assert unseen.resolution_s >= seen.resolution_s + 8


def test_absence_can_mean_zero():
    """A series that appears only now has moved where its absence meant zero, else it is unknown."""
    errors = Series({"outcome": "http_5xx"}, list(range(60, 121)), [4.0] * 61)
    other = steps((121, 1.0), labels={"outcome": "timeout"})
    zero = SignalFacts("1/s", "", "up", "client", Tolerance(ratio=1.0, floor=1.0), absent=0.0)
    assert found(errors, other, facts=zero).at == 60
    assert found(errors).state == "unknown"


def test_a_small_change_in_a_long_window_is_dated_less_sharply():
    """The resolution grows with the window of the rate and shrinks with the size of the change."""
    wide = SignalFacts("s", "", "up", "api", Tolerance(ratio=0.5, floor=0.1), window_s=10)
    small, large = steps((50, 0.2), (71, 0.35)), steps((50, 0.2), (71, 9.0))
    assert found(small, facts=wide).resolution_s > found(large, facts=wide).resolution_s + 4


def test_a_night_is_dated_as_it_was_made():
    """Every signal of a made-up night is dated within three seconds of when it began to move."""
    measured = onsets(night())
    for name, delay in (
        ("postgres:seq_rows:rate", 1),
        ("pool:in_use:ratio", 6),
        ("client:errors:ratio", 14),
        ("nginx:upstreams_up:count", 24),
        ("queue:oldest_age_seconds", 32),
        ("cache:hits:ratio", 52),
    ):
        at = measured[name].at
        assert at is not None, name
        assert at - INJECTED == pytest.approx(delay, abs=3), name


def test_a_calm_night_has_no_onset():
    """Where nothing happened nothing moved, whatever the noise: five seeds, every signal."""
    for seed in range(5):
        calm = night(seed)
        quiet = [
            one.signal
            for one in (
                onset(
                    name,
                    series,
                    calm.facts[name],
                    Span(INJECTED - 45, INJECTED - 25),
                    Span(INJECTED - 24, INJECTED),
                    1.0,
                )
                for name, series in calm.signals.items()
            )
            if one.state != "still"
        ]
        assert quiet == []


def test_what_is_counted_at_its_end_may_show_late():
    """A rate of what has ended is dated less sharply than a gauge: it may have begun earlier."""
    catalogue = facts()
    assert catalogue["postgres:seq_rows:rate"].late_by(1e6) >= LATE_S
    assert catalogue["client:latency_seconds:p95"].late_by(0.7) == 0.7
    assert catalogue["pool:waiting"].late_by(50) == 0
    stepped = steps((50, 0.2), (71, 9.0))
    late = replace(FACTS, late_s=LATE_S)
    assert found(stepped, facts=late).resolution_s == found(stepped).resolution_s + LATE_S


def test_what_moved_before_the_fault_is_noise():
    """A busy machine moves things, too: what strayed just before is no onset, unless it goes on to
    stray a good deal further; and nothing is dated before the fault."""
    assert found(steps((25, 1.0), (5, 3.0), (91, 3.0))).state == "still"
    assert found(steps((25, 1.0), (5, 3.0), (91, 3.5))).state == "still"
    far = found(steps((25, 1.0), (5, 3.0), (91, 9.0)))
    assert (far.state, far.at) == ("moved", 30)


def test_a_baseline_that_trends_is_no_calm():
    """What was on its way before anything broke hides whether it moved: nobody is blamed for it.
    Noise on top of calm is calm, and what moved further has moved."""
    downhill = Series(
        {}, [float(at) for at in range(121)], [max(0.2, 3 - at / 10) for at in range(121)]
    )
    assert found(downhill).state == "unknown"
    assert "before anything broke" in found(downhill).reason
    noisy = Series({}, list(range(121)), [1.0 + (n * 7919 % 13) / 10 for n in range(121)])
    assert found(noisy).state == "still"
    far = replace(
        downhill,
        values=[value + (50 if at > 60 else 0) for at, value in enumerate(downhill.values)],
    )
    assert found(far).state == "moved"
