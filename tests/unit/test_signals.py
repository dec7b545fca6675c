"""The catalogue is sound, finds what it is asked for, and says what it could not find."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from lab.errors import BadInput
from lab.promql import names_in, plain_selector
from lab.signals import COMPONENTS, Catalogue


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def test_names_say_component_and_metric(catalogue: Catalogue) -> None:
    """`component:metric_unit[:aggregate]`, letters and underscores."""
    for signal in catalogue:
        assert re.fullmatch(r"[a-z]+(:[a-z0-9_]+){1,2}", signal.name), signal.name


def test_components_follow_the_chain(catalogue: Catalogue) -> None:
    """Every component is one of the dependency chain."""
    assert {signal.component for signal in catalogue} <= set(COMPONENTS)


def test_texts_are_sentences(catalogue: Catalogue) -> None:
    """Meanings and hints can be read aloud."""
    for signal in catalogue:
        for text in (signal.meaning, signal.look_next):
            assert text[-1] in ".?!", signal.name


def test_hints_name_signals_that_exist(catalogue: Catalogue) -> None:
    """A hint that points at a signal points at one that is there."""
    for signal in catalogue:
        for name in re.findall(r"\b[a-z]+(?::[a-z0-9_]+)+\b", signal.look_next):
            assert name in catalogue, f"{signal.name} points at {name}"


def test_expressions_leave_the_labels_that_split(catalogue: Catalogue) -> None:
    """A split signal aggregates by exactly its labels; an unsplit one by none."""
    for signal in catalogue:
        groups = re.findall(r"\bby \(([^)]*)\)", signal.expr)
        labels = {label.strip() for group in groups for label in group.split(",")} - {"le", ""}
        assert labels == set(signal.split), signal.name


def test_windows_are_short(catalogue: Catalogue) -> None:
    """Nothing looks back further than ten seconds, so that a change shows within ten."""
    for signal in catalogue:
        for window in re.findall(r"\[([^\]]*)\]", signal.expr):
            assert re.fullmatch(r"\d+s", window), signal.name
            assert int(window[:-1]) <= 10, signal.name


def test_rates_survive_missed_scrapes(catalogue: Catalogue) -> None:
    """A rate needs two samples; with one a second, three may be missed."""
    for signal in catalogue:
        for seconds in re.findall(r"rate\([^\[]*\[(\d+)s\]", signal.expr):
            assert int(seconds) >= 5, signal.name


def test_shares_and_quantiles_of_nothing_are_absent(catalogue: Catalogue) -> None:
    """No signal divides by zero, and none records a quantile that is not a number."""
    for signal in catalogue:
        if "histogram_quantile" in signal.expr:
            assert signal.expr.endswith(">= 0"), signal.name
        if " / " in signal.expr:
            assert "> 0)" in signal.expr, signal.name


def test_steady_bounds_lie_on_the_good_side(catalogue: Catalogue) -> None:
    """What is bad when it rises is bounded above, what is bad when it falls below."""
    for signal in catalogue:
        if signal.steady is not None:
            assert (signal.direction, signal.steady.op) in (("up", "<="), ("down", ">=")), signal


def test_unknown_name_suggests_the_nearest(catalogue: Catalogue) -> None:
    """A misspelt signal is bad input, with what was probably meant."""
    with pytest.raises(BadInput) as caught:
        catalogue["client:latency_second:p95"]
    assert "client:latency_seconds:p95" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("promql", "expected"),
    [
        ("client:errors:ratio", {"client:errors:ratio"}),
        # Not also what is made of it.
        ("queue:enqueued:rate", {"queue:enqueued:rate"}),
        ("max_over_time(queue:depth[1m])", {"queue:depth"}),
        ("sum(rate(queue_published_total[1m]))", {"queue:enqueued:rate", "queue:growth:rate"}),
        # The mean of a histogram is about the same measurement as its quantiles.
        (
            "rate(worker_task_duration_seconds_sum[9s]) / worker_task_duration_seconds_count",
            {"queue:task_seconds:p95"},
        ),
        ('{__name__="queue_depth"}', {"queue:depth"}),
        ('{__name__=~"queue:(depth|workers)"}', {"queue:depth"}),
        ("queue:depth # it's long", {"queue:depth"}),
        ("go_goroutines", set()),
    ],
)
def test_promql_resolves_to_signals(catalogue: Catalogue, promql: str, expected: set[str]) -> None:
    """An expression counts as the signals that it names or whose raw metrics it reads."""
    assert catalogue.resolve(promql) == expected


@pytest.mark.parametrize(
    ("promql", "expected"),
    [
        ('sum by (le, service) (rate(a_bucket{status=~"5..",x="b_total"}[5s]))', {"a"}),
        ("a / on (x) group_left (y) b or vector(0)", {"a", "b"}),
        ("a > 5e3 and b offset 5m", {"a", "b"}),
        ("# a comment about c\na", {"a"}),
        ("a # it's a comment", {"a"}),
        ("a * on (x) group_left b", {"a", "b"}),
        ('sum({__name__="a:b", x=~"c.*"}) by (d)', {"a:b"}),
        ("max_over_time((a - b offset 1m)[5m:1s] @ end())", {"a", "b"}),
        ('label_replace(a, "b", "$1", "c", "(.*)")', {"a"}),
        ("a{b='c}d'}", {"a"}),
        ("this is no PromQL", set()),
        ("quantile_over_time(0.9, a:b_seconds:p95[1m:5s])", {"a:b_seconds:p95"}),
    ],
)
def test_names_of_promql(promql: str, expected: set[str]) -> None:
    """Functions, labels, strings, numbers and durations are no metrics."""
    assert names_in(promql) == expected


@pytest.mark.parametrize(
    "promql",
    ["-" * 250 + "a", "-" * 4900 + "a", "(" * 2400 + "a" + ")" * 2400, "a+" * 2400 + "a"],
    ids=lambda text: text[:3],
)
def test_what_is_nested_takes_no_longer_for_it(promql: str) -> None:
    """What nobody writes is taken for none; walking it would take the square of its depth."""
    begun = time.process_time()
    assert names_in(promql) <= {"a"}
    assert plain_selector(promql) is None
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("(a+)+x?", True),
        ("(a+)+$b", False),
        ("(a|a)*b", False),
        ("a{40}", True),
        ("(?=a)a*", False),
    ],
)
def test_patterns_are_those_of_prometheus(pattern: str, fits: bool) -> None:
    """They fit as RE2 has it, in a time that grows with the text alone; what RE2 does not read fits
    nothing."""
    found = plain_selector(f'pool:waiting{{service=~"{pattern}"}}')
    # What is no pattern of Prometheus' is no PromQL either.
    passes = found[1] if found is not None else lambda _: False
    begun = time.process_time()
    assert passes({"service": "a" * 40}) is fits
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a:b: {unit: s}", "Field required"),
        ("a:b: [", "parsing"),
        ("- a", "'list'"),
        ("", "'NoneType'"),
    ],
)
def test_wrong_catalogue_is_bad_input(tmp_path: Path, text: str, complaint: str) -> None:
    """A catalogue that cannot be read says which file and what is wrong."""
    path = tmp_path / "signals.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"signals\.yaml") as caught:
        Catalogue.load(path)
    assert complaint in caught.value.message
