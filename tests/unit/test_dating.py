"""Raw samples date an onset, and never put two signals into the wrong order."""

from __future__ import annotations

import bisect
import itertools
import random
import re
from dataclasses import replace
from typing import cast

import pytest
from ruamel.yaml import YAML

from lab.grading.dating import SCRAPE_S
from lab.grading.onset import ANSWER_S, Onset, apart, onset, onsets
from lab.history import LATE_S, SignalFacts
from lab.prometheus import Prometheus
from lab.promql import names_in
from lab.series import Series, Span, Tolerance
from lab.sharp import ONE_SAMPLE, SHARP_STEP, TWO_SAMPLES, read, sharp
from lab.signals import CATALOGUE, Catalogue
from tests.unit.histories import night

CALM = Span(0, 30)
WATCHED = Span(32, 120)
RATE = SignalFacts("1/s", "", "up", "api", Tolerance(ratio=0.5, floor=2), window_s=5)
GAUGE = SignalFacts("count", "", "up", "api", Tolerance(ratio=1, floor=5), window_s=0)


def counted(began: float, before: float, after: float, dice: random.Random) -> tuple[float, ...]:
    """When something happened that is counted: `before` a second, and from `began` on `after`."""
    times, at = [], 0.0
    while at < WATCHED.end:
        at += dice.expovariate(before if at < began else after)
        times.append(at)
    return tuple(times)


def scraped(events: tuple[float, ...], offset: float, window: int) -> list[float]:
    """What `rate` over `window` samples says at each scrape, from the first that has them."""
    counts = [bisect.bisect_right(events, offset + second) for second in range(int(WATCHED.end))]
    return [(now - then) / window for then, now in zip(counts, counts[window:], strict=False)]


def seen(values: list[float], first: float, step: float) -> Series:
    """Values that hold from each scrape (the first one at `first`) to the next, looked at every
    `step` seconds."""
    times = [n * step for n in range(int(WATCHED.end / step))]
    kept = [at for at in times if 0 <= at - first < len(values)]
    return Series({}, kept, [values[int(at - first)] for at in kept])


def a_rate(began: float, before: float, after: float, dice: random.Random) -> Onset:
    """The onset of something counted, by a rule over five seconds and by two samples."""
    offset = dice.random()
    events = counted(began, before, after, dice)
    rule = seen(scraped(events, offset, 5), offset + 6, 1.0)
    raw = seen(scraped(events, offset, 1), offset + 1, SHARP_STEP)
    return onset("rate", [rule], RATE, CALM, WATCHED, 1.0, [raw])


def a_gauge(began: float, climb: float, dice: random.Random) -> Onset:
    """The onset of something that grows by `climb` a second from `began` on."""
    offset = dice.random()
    values = [max(0.0, climb * (offset + second - began)) for second in range(int(WATCHED.end))]
    rule, raw = seen(values, offset, 1.0), seen(values, offset, SHARP_STEP)
    return onset("gauge", [rule], GAUGE, CALM, WATCHED, 1.0, [raw])


def drawn(dice: random.Random) -> tuple[float, Onset]:
    """When something began, and the onset that was found."""
    began = dice.uniform(40, 60)
    if dice.random() < 0.5:
        return began, a_gauge(began, dice.uniform(3, 30), dice)
    before = dice.uniform(6, 40)
    return began, a_rate(began, before, before * dice.uniform(5, 10), dice)


def test_it_began_between_the_sample_that_shows_it_and_the_one_before() -> None:
    """Rates and gauges, scraped at moments of their own: rightly dated, nine in ten to 1.5 s."""
    dice = random.Random(1)
    found = [drawn(dice) for _ in range(400)]
    right = [one.at - one.resolution_s <= began <= one.at for began, one in found]
    sharp_enough = [one.resolution_s <= 1.5 for _, one in found]
    assert sum(right) >= 0.97 * len(found)
    assert sum(sharp_enough) >= 0.9 * len(found)


@pytest.mark.parametrize("seed", range(2))
def test_two_are_hardly_ever_put_the_wrong_way_round(seed: int) -> None:
    """Of eighty thousand pairs, however close, one in twenty thousand at most; and those that are
    three seconds apart are told apart."""
    dice = random.Random(seed)
    pairs = list(itertools.combinations([drawn(dice) for _ in range(400)], 2))
    told = [(one, other) for one, other in pairs if apart(one[1], other[1])]
    wrong = [1 for one, other in told if (one[1].at < other[1].at) != (one[0] < other[0])]
    assert sum(wrong) <= len(pairs) / 20_000
    far = [(one, other) for one, other in pairs if abs(one[0] - other[0]) > 3]
    assert len([1 for one, other in far if apart(one[1], other[1])]) >= 0.99 * len(far)


def test_what_the_samples_do_not_bear_out_is_dated_no_better_than_they_say() -> None:
    """A rule that strayed by chance, long before the samples show anything: anywhere in between."""
    rule = Series(
        {}, [float(at) for at in range(119)], [9.0 if at > 40 else 0.0 for at in range(119)]
    )
    raw = seen([0.0] * 60 + [90.0] * 60, 0.0, SHARP_STEP)
    one = onset("gauge", [rule], GAUGE, CALM, WATCHED, 1.0, [raw])
    assert one.at is not None
    assert one.at - one.resolution_s <= 41 < 60 <= one.at


def test_nothing_is_dated_before_the_fault_nor_by_what_the_calm_reached() -> None:
    """A queue that has one or two waiting now and then is not growing yet; a climb that ends after
    the fault did not begin before it."""
    values = [2.0 if second % 7 == 0 else 0.0 for second in range(60)] + [
        2.0 + 4 * second for second in range(59)
    ]
    one = onset(
        "x", [seen(values, 0, 1.0)], GAUGE, CALM, WATCHED, 1.0, [seen(values, 0, SHARP_STEP)]
    )
    assert one.at == 61
    climb = [0.0] * 28 + [float(second) for second in range(91)]
    rule = seen([0.0] * 33 + climb[33:], 0, 1.0)
    late = onset("x", [rule], GAUGE, CALM, WATCHED, 1.0, [seen(climb, 0, SHARP_STEP)])
    assert late.at is not None
    assert late.at >= WATCHED.start


def test_what_is_counted_in_lumps_is_dated_no_better_than_by_its_rule() -> None:
    """A statement that reads a million rows is counted when it ends; between two nothing is."""
    lumps = [0.0] * 50 + [40.0 if second % 4 == 0 else 0.0 for second in range(69)]
    rule = Series(
        {}, list(range(119)), [sum(lumps[max(0, n - 9) : n + 1]) / 10 for n in range(119)]
    )
    one = onset("x", [rule], RATE, CALM, WATCHED, 1.0, [seen(lumps, 0, SHARP_STEP)])
    assert one.at is not None
    assert one.at - one.resolution_s <= 50 <= one.at


def test_what_has_gone_on_for_a_while_began_no_earlier_than_it_says() -> None:
    """The age of what is not done yet: rightly dated, and never vaguer than the age itself."""
    dice = random.Random(1)
    age = replace(GAUGE, unit="s", tolerance=Tolerance(ratio=1, floor=0.2), age=True)
    for _ in range(200):
        began, offset = dice.uniform(40, 60), dice.random()
        values = [max(0.0, offset + second - began) for second in range(int(WATCHED.end))]
        rule, raw = seen(values, offset, 1.0), seen(values, offset, SHARP_STEP)
        one = onset("age", [rule], age, CALM, WATCHED, 1.0, [raw])
        assert one.at is not None
        assert one.at - one.resolution_s <= began <= one.at
        assert one.resolution_s <= raw.between(one.at, one.at).values[0] + ANSWER_S


def test_moments_between_one_slow_thing_and_the_next_do_not_hide_the_first() -> None:
    """A second's look falls between two slow statements now and then: the first was slow all the
    same."""
    age = replace(GAUGE, unit="s", tolerance=Tolerance(ratio=1, floor=0.2), age=True)
    values = [0.0] * 50 + [0.3, 1.3, 0.0, 1.0, 1.7, 0.0, 1.2] + [1.5] * 63
    # The rule shows the longest of the last three seconds.
    rule = seen([max(values[max(0, n - 2) : n + 1]) for n in range(120)], 0, 1.0)
    one = onset("age", [rule], age, CALM, WATCHED, 1.0, [seen(values, 0, SHARP_STEP)])
    assert one.at == 50
    assert one.resolution_s == pytest.approx(0.3 + ANSWER_S)


def test_what_cannot_be_hidden_is_not_allowed_for() -> None:
    """A queue has nobody waiting, or more: where nobody waits the rise has not begun, though one or
    two wait now and then when all is well. What strays to both sides may hide some of it."""
    calm = [2.0 if second % 7 == 1 else 0.0 for second in range(50)]
    rise = [4.0 * second for second in range(1, 70)]
    found = []
    for low in (0.0, -2.0):
        before = [low if second % 7 == 3 else value for second, value in enumerate(calm)]
        values = before + rise
        raw = seen(values, 0, SHARP_STEP)
        found.append(onset("x", [seen(values, 0, 1.0)], GAUGE, CALM, WATCHED, 1.0, [raw]))
    exact, vague = found
    assert exact.at == vague.at
    assert exact.resolution_s < 1.2 < vague.resolution_s


def test_seconds_that_something_took_began_as_long_before() -> None:
    """What took two seconds is seen when it ends: it began two seconds before."""
    took = replace(GAUGE, unit="s", lasts=True)
    raw = seen([0.0] * 60 + [20.0] * 60, 0.0, SHARP_STEP)
    rule = seen([0.0] * 60 + [20.0] * 60, 0.0, 1.0)
    soon = onset("x", [rule], GAUGE, CALM, WATCHED, 1.0, [raw])
    late = onset("x", [rule], took, CALM, WATCHED, 1.0, [raw])
    assert late.at == soon.at
    assert late.resolution_s == pytest.approx(soon.resolution_s + LATE_S)


def test_a_sharp_expression_is_made_of_raw_samples_only() -> None:
    """Every signal's: Prometheus' own language, no rule in it, and no look back further than two
    scrapes."""
    catalogue = Catalogue.load()
    for signal in catalogue:
        expr = sharp(catalogue, signal.name)
        assert names_in(expr), expr
        assert not [name for name in names_in(expr) if name in catalogue], expr
        windows = set(re.findall(r"\[([^\]]*)\]", expr))
        assert windows <= {TWO_SAMPLES, ONE_SAMPLE}, expr
        rates = re.findall(r"rate\([^()]*\[([^\]]*)\]\)", expr)
        assert set(rates) <= {TWO_SAMPLES}, expr


def test_samples_come_as_often_as_dating_takes_for_granted() -> None:
    """Once a second, from everything that has samples."""
    config = YAML(typ="safe").load(CATALOGUE.parent / "prometheus.yml")
    assert config["global"]["scrape_interval"] == f"{SCRAPE_S:g}s"
    others = [one["job_name"] for one in config["scrape_configs"] if "scrape_interval" in one]
    assert others == ["signals"], "what signals mean is no sample; all else is measured"


def test_only_what_has_moved_is_looked_at_again() -> None:
    """Its baseline once a second, and often around its onset, no longer than the night was."""
    asked: list[tuple[str, float, float, float]] = []

    class Samples:
        def query_range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
            asked.append((expr, start, end, step))
            return [Series({"a": "b"}, [start, end], [0.0, 1.0])]

    history = night()
    found = read(Catalogue.load(), cast("Prometheus", Samples()), history)
    moved = {name: one for name, one in onsets(history).items() if one.at is not None}
    assert found.keys() == moved.keys()
    assert len(asked) == 2 * len(moved)
    for (_, *calm), (_, start, end, step), one in zip(
        asked[::2], asked[1::2], moved.values(), strict=True
    ):
        assert calm == [history.baseline.start, history.baseline.end, SCRAPE_S]
        assert start < one.at < end <= history.ended_at
        assert step == SHARP_STEP
        assert end - start < 60
    (joined,) = found["client:errors:ratio"]
    assert list(joined.times) == sorted(joined.times)
    assert len(joined.times) == 4
