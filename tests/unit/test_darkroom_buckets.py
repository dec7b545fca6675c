"""Token buckets: who may come when."""

from __future__ import annotations

import pytest
from darkroom.buckets import USER_SHARE, Buckets


def taken(buckets: Buckets, user: str, seconds: float, rate: float, every: float = 0.01) -> int:
    """How many of the requests that come `every` so often are let in."""
    steps = range(round(seconds / every))
    return sum(buckets.ask(user, 1000 + step * every, rate)[0] == 0 for step in steps)


def test_a_burst_of_a_second_and_then_the_rate() -> None:
    """Out of a flood a second's worth is let in at once, and after that the rate."""
    assert taken(Buckets(), "", 10, rate=20) == pytest.approx(20 + 10 * 20, abs=1)


def test_a_user_has_a_tenth_and_leaves_the_rest_to_others() -> None:
    """One user's flood stops at their own limit and does not use up the replica's."""
    buckets = Buckets()
    mine = 50 * USER_SHARE
    assert taken(buckets, "1", 10, rate=50) == pytest.approx(mine + 10 * mine, abs=1)
    assert buckets.ask("2", 1010, 50) == (0.0, "")


def test_the_refusal_says_whose_limit_it_is_and_for_how_long() -> None:
    """The wait is that until the next token, of the user's bucket or of the replica's."""
    buckets = Buckets()
    assert buckets.ask("1", 0, 1) == (0.0, "")
    assert buckets.ask("1", 0.25, 1) == (0.75, "user")
    assert buckets.ask("2", 0.25, 1) == (0.75, "replica")
    assert buckets.ask("2", 1.0, 1) == (0.0, "")


def test_a_refused_request_costs_no_token() -> None:
    """Whoever is refused by the replica's limit keeps what their own allows."""
    buckets = Buckets()
    buckets.ask("1", 0, 1)
    for step in range(5):
        assert buckets.ask("2", step / 10, 1)[1] == "replica"
    assert buckets.ask("2", 1.0, 1) == (0.0, "")
