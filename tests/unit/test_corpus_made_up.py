"""Two thousand bad inputs that are made up: good ones with a few places changed.

LAB_TEST_INPUTS says how many, instead. The end of a run of the tests counts them.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.unit.bad_inputs import DIAGNOSIS, Place, read_once, scenarios_of
from tests.unit.inprocess import Done
from tests.unit.world import SCENARIO

INPUTS = int(os.environ.get("LAB_TEST_INPUTS", "2000"))
SHARES = {"diagnosis": 0.35, "history": 0.25, "scenario": 0.15, "arguments": 0.25}
"""What most people write most often gets most of them."""

Tree = Any


def as_many(kind: str) -> settings:
    """So many examples of that kind. Each run tries the same ones, so that one that fails is not
    gone with the next; another number of them is another selection."""
    return settings(
        max_examples=round(INPUTS * SHARES[kind]),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# -- what is put into a place ---------------------------------------------------------------------

AWKWARD_TEXT = [
    *("", " ", "\0", "\x1b[2J", "a\rb", "\u202eabc", "\ud800", "é", "\u0663"),
    *("[/b]", "[red]", "{", "}", "${x}", "$(id)", "../..", "/etc/passwd", "-", "--"),
    *("now", "now/d", "-60s", "-1h30m", "99:99:99", "22:09:34", "1763607600", "2026-11-31"),
    *("9999-12-31T23:59:59Z", "0001-01-01", "null", "true", "nan", "inf", "1e999"),
    *("a" * 3000, "(" * 3000, 'a{b=~"(x+)+$"}', "queue:depth", "sum(queue:depth)"),
    "http://[host]/d/x?viewPanel=1",
    "http://127.0.0.1:3000/d/night?viewPanel=99999999999999999999",
]
AWKWARD_NUMBERS = [
    *(0, -1, 1, 2**31, 2**63, 2**64, 10**30, -(10**30), 0.5, -0.0, 1e-300, 1e300, 253402300800),
    *(float("inf"), float("-inf"), float("nan")),
]
YAML_SIGNS = ["&a", "*a", "!!x ", "<<: *a", "? ", "- ", ": ", "\t"]

words = st.sampled_from(AWKWARD_TEXT) | st.text(max_size=12)
numbers = st.sampled_from(AWKWARD_NUMBERS) | st.integers() | st.floats()
leaves = st.none() | st.booleans() | numbers | words
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def changed(draw: st.DrawFn, good: Callable[[], Tree]) -> Tree:
    """A good tree with one to three places gone, doubled, or something else."""
    tree = json.loads(json.dumps(good()))
    for _ in range(draw(st.integers(1, 3))):
        found = _place(draw, tree)
        if found is None:
            break
        node, last = found
        match draw(st.sampled_from(["other", "other", "gone", "more"])):
            case "gone":
                del node[last]
            case "more" if isinstance(node, list):
                node.extend([node[last]] * draw(st.sampled_from([1, 2, 200])))
            case "more":
                node[draw(words)] = draw(values)
            case _:
                node[last] = draw(values)
    return tree


def _place(draw: st.DrawFn, tree: Tree) -> tuple[Tree, Any] | None:
    """Somewhere in it, and what it is in. Step by step from the top: of all the places of a history
    nearly each is one of thousands of samples."""
    node, at = tree, None
    while True:
        inside = list(node) if isinstance(node, dict) else range(len(node))
        if not inside:
            return at
        at = node, draw(st.sampled_from(inside))
        node = at[0][at[1]]
        if not isinstance(node, dict | list) or draw(st.integers(0, 3)) == 0:
            return at


@st.composite
def scribbled(draw: st.DrawFn, good: str) -> str:
    """Good text with something cut out, put in or said twice."""
    text = good
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        piece = draw(
            words | st.sampled_from(["&a", "*a", "!!x ", "<<: *a", "? ", "- ", ": ", "\t"])
        )
        kept = draw(st.sampled_from(["", text[start:end], text[start:end] * 2]))
        text = text[:start] + kept[:20_000] + piece + text[end:]
    return text


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# -- where they are tried -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One for all: nothing that is tried here may lose what is in it."""
    made = Place.made(tmp_path_factory.mktemp("made-up"))
    before = made.kept
    with read_once():
        yield made
    assert made.kept >= before, "something is lost"


def well(done: Done, inputs: dict[str, int]) -> None:
    inputs["made up"] += 1
    assert not done.complaints, (done.argv, done.out[-1500:], done.err[-1500:])


@cache
def _good_diagnosis() -> Tree:
    return YAML(typ="safe", pure=True).load(DIAGNOSIS)


@cache
def _good_scenario() -> Tree:
    return YAML(typ="safe", pure=True).load(SCENARIO)


diagnoses = st.one_of(
    changed(_good_diagnosis).map(json.dumps), scribbled(DIAGNOSIS), st.text(max_size=40)
).map(encoded)
scenarios = st.one_of(changed(_good_scenario).map(json.dumps), scribbled(SCENARIO)).map(encoded)


def test_diagnoses(place: Place, inputs: dict[str, int]) -> None:
    """Graded against a recorded night, or refused with the place."""

    @as_many("diagnosis")
    @given(diagnoses)
    def tried(text: bytes) -> None:
        place.given.write_bytes(text)
        how = ["--json"] if len(text) % 4 else []
        given = ["--history", str(place.night), "-f", str(place.given), *how]
        well(place.lab("grade", *given), inputs)

    tried()


def test_histories(place: Place, inputs: dict[str, int]) -> None:
    """Judged, or refused as none."""
    whole = gzip.decompress(place.night.read_bytes())
    damaged = st.builds(
        lambda text, at, byte: text[:at] + bytes([byte]) + text[at + 1 :],
        st.sampled_from([whole, gzip.compress(whole, 1)]),
        st.integers(0, 3000),
        st.integers(0, 255),
    )
    histories = changed(lambda: json.loads(whole)).map(json.dumps).map(encoded) | damaged

    @as_many("history")
    @given(histories)
    def tried(text: bytes) -> None:
        path = place.given.with_suffix(".json.gz" if text[:1] == b"\x1f" else ".json")
        path.write_bytes(text)
        well(place.lab("grade", "--history", str(path), "--json"), inputs)

    tried()


def test_scenarios(place: Place, inputs: dict[str, int]) -> None:
    """Checked, with every mistake in its place."""
    path = place.scenario / "scenario.yaml"
    good = path.read_bytes()

    @as_many("scenario")
    @given(scenarios)
    def tried(text: bytes) -> None:
        path.write_bytes(text)
        well(place.lab("check", "slow"), inputs)

    with scenarios_of(place.scenario.parent):
        tried()
    path.write_bytes(good)


COMMANDS = [
    *("ack", "audit", "check", "diagnose", "down", "grade", "hint", "logs", "replay", "report"),
    *("reset", "restore", "run", "scenarios", "signals", "slow", "start", "status", "trace"),
    *("up", "verdict", "verify"),
]
"""But for those that serve, watch or look around for a while, whatever they are asked: `room`,
`end`, `resolve`, `doctor`, `bench`."""
OPTIONS = [
    *("--json", "--file", "-f", "--history", "--at", "--since", "--incident", "--seed"),
    *("--lines", "-n", "--wait", "--request", "--service", "--component", "--out", "--table"),
    *("--user", "--over", "--final", "--light", "--slow", "--errors", "--moved", "--check"),
    *("--words", "--prometheus", "--disturbed", "--fix", "-h", "--", "--nothing", "--upload"),
]


def test_arguments(place: Place, inputs: dict[str, int]) -> None:
    """Done, or refused with what there is. No engine is there, so nothing is broken either."""
    files = st.sampled_from(
        [str(place.night), str(place.diagnosis), str(place.folder), "/dev/null"]
    )
    anything = st.sampled_from(OPTIONS) | files | words | st.integers().map(str)
    # What keeps looking, or looks for long, is asked for by people who are there to end it.
    calm = anything.filter(lambda word: not word.startswith(("-w", "--watch")))

    @as_many("arguments")
    @given(st.sampled_from(COMMANDS), st.lists(calm, max_size=4))
    def tried(command: str, rest: list[str]) -> None:
        # An argument has no NUL, nor half of a pair but as a byte that is none.
        argv = [word.replace("\0", "").replace("\ud800", "\udcff") for word in rest]
        well(place.lab(command, *argv), inputs)

    with scenarios_of(place.scenario.parent):
        tried()
