"""The closed vocabulary: complete, unambiguous, and in step with the signal catalogue."""

from __future__ import annotations

import pytest

from lab.errors import BadInput
from lab.grading.vocabulary import VOCABULARY, Vocabulary
from tests.unit.histories import facts, vocabulary


def test_the_words_of_the_lab_load():
    """The lab's own vocabulary is valid and has about a dozen components and thirty causes."""
    words = vocabulary()
    assert 10 <= len(words.components) <= 15
    assert 28 <= len(words.causes) <= 40


def test_what_causes_show_is_in_the_catalogue():
    """Every signal that tells a cause apart exists."""
    known = set(facts())
    assert {name for cause in vocabulary().causes.values() for name in cause.shows} <= known


def test_families_are_told_apart_by_something():
    """No cause shows exactly what a cause of another family shows."""
    causes = list(vocabulary().causes.values())
    for one in causes:
        for other in causes:
            if one.family != other.family:
                assert set(one.shows) != set(other.shows), (one.name, other.name)


def test_words_are_found_in_any_dress():
    """Names and aliases are found whatever their case and separators; others are not."""
    words = vocabulary()
    for word in ("missing-index", "Missing Index", "DROPPED_INDEX", " index  gone "):
        cause = words.cause_named(word)
        assert cause is not None
        assert cause.name == "missing-index"
    assert words.component_named("Load Balancer") is words.components["nginx"]
    assert words.component_named("blame") is None
    assert words.cause_named("") is None


def test_neighbours_are_one_step_away_either_way():
    """A neighbour is what a component needs or what needs it, the whole that it is a part of, or a
    part of it; never itself, and never another part of the same."""
    words = vocabulary()
    assert {"api", "worker", "postgres-replica"} <= words.neighbours("postgres-primary")
    assert "nginx" not in words.neighbours("postgres-primary")
    assert "api" in words.neighbours("api-2")
    assert "api-1" not in words.neighbours("api-2")
    for name in words.components:
        assert name not in words.neighbours(name)
        assert all(name in words.neighbours(other) for other in words.neighbours(name))


def test_hints_speak_in_the_vocabularys_words():
    """A guess names the word itself, not the alias that was close."""
    words = vocabulary()
    assert words.cause_hint("droped-index") == "did you mean missing-index?"
    assert words.component_hint("postgre").startswith("did you mean postgres-primary")
    assert words.cause_hint("zzzzzz") == ""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("depends_on: [nginx]", "depends_on: [ngimx]", "did you mean nginx?"),
        ("aliases: [cache]", "aliases: [cache, proxy]", "'proxy' already means nginx"),
        (
            "    aliases: [cache]\n",
            "    alias: [cache]\n",
            "alias: unknown key; did you mean aliases",
        ),
        ("families:", "family:", "family: unknown key"),
    ],
)
def test_a_wrong_vocabulary_is_refused(tmp_path, old, new, expected):
    """A mistake in a vocabulary file is named with its place."""
    path = tmp_path / "words.yaml"
    text = VOCABULARY.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInput, match=r"words.yaml:\d+:\d+") as caught:
        Vocabulary.load(path)
    assert expected in caught.value.message
