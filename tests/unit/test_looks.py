"""One language of names, colours and bounds, whatever shows them."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from lab import looks
from lab.series import Condition
from lab.signals import Catalogue
from tests.unit.boards import VALUES

CATALOGUE = Catalogue.load()
LIGHT, DARK = "#FFFFFF", "#181B1F"
"""Of Grafana's panels, and about what the room's are."""

DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
"""Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
Deficiency" (2009), severity 1."""

Colour = tuple[float, float, float]


def linear(colour: str) -> Colour:
    def channel(at: int) -> float:
        value = int(colour[at : at + 2], 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return channel(1), channel(3), channel(5)


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """As WCAG 2 has it: 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(colour: Colour) -> Colour:
    red, green, blue = colour
    xyz = (
        (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047,
        0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
        (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883,
    )
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def as_deuteranopes_see(colour: str) -> Colour:
    seen = linear(colour)
    red, green, blue = (
        min(1.0, max(0.0, sum(a * b for a, b in zip(row, seen, strict=True))))
        for row in DEUTERANOPIA
    )
    return red, green, blue


def test_a_crowds_colours_are_told_apart() -> None:
    """Any two of the eight, with and without seeing red and green (CIE76 of 30: plainly another
    colour); each stands out on light and on dark, and none is a red."""
    for one, other in itertools.combinations(looks.CROWD, 2):
        assert math.dist(lab(linear(one)), lab(linear(other))) > 30
        assert math.dist(lab(as_deuteranopes_see(one)), lab(as_deuteranopes_see(other))) > 30
    for one in looks.CROWD:
        assert contrast(one, LIGHT) > 2.2
        assert contrast(one, DARK) > 2.5
        _, a, b = lab(linear(one))
        assert 55 < math.degrees(math.atan2(b, a)) % 360 < 345


def test_up_and_broken_are_told_apart_by_everybody() -> None:
    """The two colours of a state, and red on white and on black."""
    up, broken = as_deuteranopes_see(looks.UP), as_deuteranopes_see(looks.BROKEN)
    assert math.dist(lab(up), lab(broken)) > 40
    assert min(contrast(looks.BROKEN, LIGHT), contrast(looks.BROKEN, DARK)) > 3


def test_nobody_stands_twice_in_the_table() -> None:
    """A name has one colour."""
    every = [*itertools.chain.from_iterable(looks.CROWDS)]
    assert len(every) == len({*every})


@pytest.mark.parametrize(
    "signal", [one for one in CATALOGUE if one.split], ids=lambda signal: signal.name
)
def test_a_line_has_the_same_colour_by_its_labels_and_by_its_name(signal) -> None:
    """Grafana knows a line's name alone; the room and the report know its labels."""
    patterns = [(re.compile(text), colour) for text, colour in looks.patterns([signal])]
    assert patterns
    values = [
        VALUES[label] if label != "server" else SERVERS[signal.name] for label in signal.split
    ]
    for chosen in itertools.product(*values):
        labels = dict(zip(signal.split, chosen, strict=True))
        name = looks.called(labels)
        # The last that fits counts, in Grafana as here.
        seen = [colour for pattern, colour in patterns if pattern.search(name)]
        if signal.component != "host" and "service" in labels and "api" not in labels["service"]:
            continue
        assert (seen[-1] if seen else looks.REST) == looks.colour(labels), name


SERVERS = {
    one.name: ["postgres-primary", "postgres-replica"]
    if one.name != "redis:up"
    else ["redis-cache"]
    for one in CATALOGUE
}


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ({}, ""),
        ({"server": "postgres-primary"}, "postgres-primary"),
        ({"server": "postgres-primary", "statement": "feed"}, "feed · primary"),
        ({"service": "api-1", "pool": "replica"}, "replica · api-1"),
        (
            {"server": "postgres-replica", "statement": "SELECT count(*) FROM photos WHERE x"},
            "SELECT count(*) FROM p… · replica",
        ),
    ],
)
def test_a_line_is_called_by_what_tells_it_apart(labels: dict[str, str], name: str) -> None:
    """The most telling first, and a long statement by its beginning."""
    assert looks.called(labels) == name


def test_the_replica_is_dashed_where_its_primary_has_the_same_colour() -> None:
    """Sessions by state of two servers; crowds have another colour for it instead."""
    replica = {"server": "postgres-replica", "state": "active"}
    primary = {**replica, "server": "postgres-primary"}
    assert looks.colour(replica) == looks.colour(primary)
    assert looks.dashed(replica)
    assert not looks.dashed(primary)
    assert not looks.dashed({"server": "postgres-replica"})
    crowd = {"server": "postgres-replica", "statement": "feed"}
    assert not looks.dashed(crowd)
    assert looks.colour(crowd) != looks.colour({**crowd, "server": "postgres-primary"})


@pytest.mark.parametrize(
    ("names", "prefixes"),
    [
        (["queue:depth"], [""]),
        (["queue:depth", "queue:unacked"], ["depth", "unacked"]),
        (["client:errors:ratio", "client:wrong:ratio"], ["Failing", "Wrong answers"]),
        (["nginx:upstream_errors:ratio", "nginx:errors:ratio"], ["", "all"]),
        (["api:reads:rate", "api:fallback_reads:rate"], ["", "fallback reads"]),
        (["postgres:commits:rate", "postgres:rollbacks:rate"], ["commits", "rollbacks"]),
    ],
)
def test_signals_of_one_chart_are_called_by_what_they_do_not_share(
    names: list[str], prefixes: list[str]
) -> None:
    """No line is called by a signal's whole name."""
    assert looks.prefixes([CATALOGUE[name] for name in names]) == prefixes


def test_a_promise_is_said_as_people_say_it() -> None:
    """The same words in Grafana's titles and among the objectives; a signal without a short name
    has its own."""
    said = [
        (Condition(signal="client:latency_seconds:p95", op="<=", value=0.5), "p95 ≤ 500 ms"),
        (Condition(signal="client:errors:ratio", op="<=", value=0.05), "Failing ≤ 5 %"),
        (Condition(signal="api:ready:count", op=">=", value=3), "Replicas ready ≥ 3"),
        (Condition(signal="client:in_flight", op="<", value=9), "client:in_flight < 9"),
        (
            Condition(signal="nginx:upstream_up", op=">=", value=1, where={"upstream": "api-1"}),
            "nginx:upstream_up of api-1 ≥ yes",
        ),
    ]
    for condition, text in said:
        assert looks.promise(condition, CATALOGUE[condition.signal]) == text


def test_what_a_number_alone_would_not_say_is_said() -> None:
    """The end of the last bucket may be any longer; none in the balancer means that all are
    tried."""
    task, replicas = CATALOGUE["queue:task_seconds:p95"], CATALOGUE["nginx:upstreams_up:count"]
    assert looks.said(120.0, task) == "≥ 2 min 00 s"
    assert looks.said(3.0, task) == "3 s"
    assert looks.said(0.0, replicas) == "none: all tried"
    assert looks.said(2.0, replicas) == "2"
