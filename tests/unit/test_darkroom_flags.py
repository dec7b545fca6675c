"""The application's flags: what an operator may write, and what becomes of it."""

from __future__ import annotations

import pytest
from darkroom.flags import FLAGS, BadFlag, Flags, find


def test_all_flags_are_off_at_first() -> None:
    """A mechanism is there when somebody has turned it on, and not before."""
    assert all(value == 0 for _, value in Flags())


@pytest.mark.parametrize(
    ("text", "value"), [("on", 1), ("ON ", 1), ("true", 1), ("1", 1), ("off", 0), ("no", 0)]
)
def test_a_switch_takes_the_usual_words(text: str, value: float) -> None:
    """People write on, true, yes and 1, and mean the same."""
    assert find("single_flight").parse(text) == value


@pytest.mark.parametrize(
    ("name", "words"),
    [("single_fligt", "did you mean single_flight"), ("tea", "`flags` lists them")],
)
def test_an_unknown_flag_is_refused_with_its_neighbour(name: str, words: str) -> None:
    """A slip of the finger is answered with the name that was meant, where one is near."""
    with pytest.raises(BadFlag, match=words):
        find(name)


def test_a_value_that_is_none_is_refused_with_those_that_are() -> None:
    """The refusal says what would have been taken."""
    with pytest.raises(BadFlag, match="on or off, not 'onn'; did you mean on"):
        find("serve_stale").parse("onn")


def test_values_read_back_as_they_are_shown() -> None:
    """What the list shows can be set again."""
    for flag in FLAGS.values():
        for value in (0.0, 1.0):
            assert flag.parse(flag.show(value)) == value


@pytest.mark.parametrize("text", ["many", "-1", "nan", "inf", "1e9", ""])
def test_a_number_is_one_that_makes_sense(text: str) -> None:
    """What is no rate at all is refused, with the range that is."""
    with pytest.raises(BadFlag, match="from 0"):
        find("rate_limit").parse(text)
    assert find("rate_limit").parse("12.5") == 12.5
    assert find("rate_limit").parse("off") == 0


def test_a_change_is_told_once() -> None:
    """The log has one line for a change, however often the hash is read after it."""
    flags = Flags()
    fields = {"serve_stale": "on"}
    assert flags.take(fields) == (["serve_stale is on, was off"], [])
    assert flags.take(fields) == ([], [])
    assert flags.on(FLAGS["serve_stale"])
    assert flags.take({}) == (["serve_stale is off, was on"], [])


def test_nonsense_changes_nothing_and_is_told_once() -> None:
    """A bad value leaves the flag as it is, and is told once while it lasts."""
    flags = Flags()
    flags.take({"ttl_jitter": "on"})
    bad = {"ttl_jitter": "of", "tea": "on"}
    changes, nonsense = flags.take(bad)
    assert changes == []
    assert len(nonsense) == 2
    assert flags.take(bad) == ([], [])
    assert flags.on(FLAGS["ttl_jitter"])
    assert len(flags.take(bad | {"ttl_jitter": "onn"})[1]) == 1
