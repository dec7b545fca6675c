"""The page of proofs says how well each scenario's order can be told."""

from __future__ import annotations

from lab.proof.order import Order, Placed, markdown, order_of
from tests.unit.histories import CHAIN, night

FAR = Order((Placed("a:up", 1.0, 1.25), Placed("b:up", 1.5, 1.25), Placed("c:up", 9.0, 1.25)))
TURNED = Order((Placed("a:up", 9.0, 1.25), Placed("b:up", 1.5, 1.25), Placed("c:up", None, None)))


def test_only_what_is_far_enough_apart_is_told() -> None:
    """Two of three pairs are; half a second is no order; what never moved stands nowhere."""
    assert (FAR.pairs, FAR.told, FAR.judged) == (3, (2, 0), True)
    assert (TURNED.told, TURNED.judged) == ((0, 1), False)


def test_each_chain_has_its_line() -> None:
    """How late and how sharply each signal was known, how many pairs, in how many nights."""
    page = markdown([("here", FAR), ("here", FAR), ("here", TURNED), ("there", FAR)])
    assert "| here | `a:up` 1.0 s (1.2 s), `b:up` 1.5 s (1.2 s), `c:up` 9.0 s (1.2 s) |" in page
    assert "| 3 | 2 (1 to 2) of 3 | 1 | 2 of 3 |" in page
    assert "| 1 | 2 (2 to 2) of 3 | 0 | 1 of 1 |" in page
    assert markdown([]) == ""


def test_the_order_of_a_night_is_that_of_its_onsets() -> None:
    """The made-up night, as it was made."""
    order = order_of(night(), CHAIN)
    assert [one.signal for one in order.chain] == list(CHAIN)
    assert order.told[0] > 0
    assert order.told[1] == 0
