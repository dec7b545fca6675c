"""What the learner's order is worth."""

from __future__ import annotations

import pytest

from lab.grading.onset import Onset, apart
from lab.grading.order import measured_order, order_part


def moved(name: str, at: float, resolution: float = 3.0) -> Onset:
    return Onset(name, "moved", "left its baseline", at=at, resolution_s=resolution)


ONSETS = {
    one.signal: one
    for one in (
        moved("a", 0),
        moved("a2", 2),
        moved("b", 10),
        moved("c", 20),
        moved("d", 30),
        moved("e", 50),
        Onset("calm", "still", "never left its baseline"),
        Onset("blind", "unknown", "was not recorded"),
    )
}
STORY = ("a", "b", "c", "d")


def points(*chain: str, herrings: tuple[str, ...] = ()) -> tuple[int, int]:
    part = order_part(chain, STORY, ONSETS, herrings)
    return part.earned, part.open


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ((), 0),
        (("a",), 0),
        (("a", "b"), 10),
        (("a", "b", "c"), 15),
        (("a", "b", "c", "d"), 20),
        (("a", "b", "c", "d", "e"), 20),
        (("d", "c", "b", "a"), 0),
        (("b", "a", "c", "d"), 13),
        (("a", "a2", "b", "c"), 20),
        (("a", "b", "c", "d", "calm"), 14),
        (("calm",), 0),
    ],
)
def test_what_an_order_is_worth(chain, expected):
    """Right pairs against wrong ones, weighed with how much of the story is placed."""
    assert points(*chain) == (expected, 0)


def test_pairs_within_the_resolution_do_not_count():
    """Two signals that moved at nearly the same time may stand in either order."""
    assert points("a", "a2", "b", "c") == points("a2", "a", "b", "c")


def test_what_cannot_be_told_apart_is_no_loss():
    """Two that moved at nearly the same time are neither right nor wrong: what they would have won
    is open, and with it what another beside them would."""
    assert points("a", "a2") == (0, 10)
    assert points("a2", "a") == (0, 10)
    earned, hidden = points("a", "a2", "b")
    assert (earned, hidden) == (15, 0)


def test_a_red_herring_in_the_chain_is_wrong():
    """A signal that the scenario moved for no reason does not belong to the order."""
    assert points("a", "b", "c", "d", "e", herrings=("e",))[0] < 20


def test_what_was_not_measured_is_open():
    """An unmeasured signal costs nothing: it opens what it could have brought."""
    earned, hidden = points("a", "b", "c", "blind")
    assert earned == 15
    assert hidden == 5
    assert points("a", "b", "c", "d", "blind") == (20, 0)


def test_an_incident_without_an_order_is_open():
    """Where no two onsets can be told apart, or none was measured, the part is not judged."""
    together = {name: moved(name, at) for at, name in enumerate(("a", "b", "c"))}
    assert order_part(("a", "b"), ("a", "b", "c"), together).open == 20
    assert order_part(("a", "b"), STORY, {}).open == 20
    assert order_part((), STORY, {}).open == 0


def test_the_later_one_decides_whether_a_pair_counts():
    """Signals show late, never early: the later may have begun before the other showed."""
    assert apart(moved("x", 0), moved("y", 5))
    assert not apart(moved("x", 0), moved("y", 5, resolution=8))
    assert apart(moved("x", 0, resolution=8), moved("y", 5))
    assert apart(moved("y", 5), moved("x", 0, resolution=8))
    assert not apart(moved("x", 0), ONSETS["calm"])


def test_the_measured_order_is_told_whole():
    """For the report: moved signals by time, then the still ones, then the unknown."""
    names = [one.signal for one in measured_order(["blind", "calm", "d", "a", "new"], ONSETS)]
    assert names == ["a", "d", "calm", "blind", "new"]


def test_wrong_pairs_are_named():
    """The learner reads which two were the other way round."""
    part = order_part(("b", "a", "c"), STORY, ONSETS)
    assert "a moved 10.0 s before b, not after it" in part.lines
