"""Places among what lasts, event streams for one: nobody has all of them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from darkroom.places import Crowded, Places


def test_one_owner_leaves_places_to_others() -> None:
    """One job, or one user, is told that its own places are taken, while others find some."""
    places = Places(10, {"job": 3, "user": 5})
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(places.one(job="a", user="1"))
        with pytest.raises(Crowded) as refused:
            held.enter_context(places.one(job="a", user="2"))
        assert (refused.value.whose, refused.value.most) == ("job", 3)
        for job in ("b", "c"):
            held.enter_context(places.one(job=job, user="1"))
        with pytest.raises(Crowded) as refused:
            held.enter_context(places.one(job="d", user="1"))
        assert (refused.value.whose, refused.value.most) == ("user", 5)
        held.enter_context(places.one(job="d", user="2"))


def test_there_are_no_more_than_there_are() -> None:
    """Whoever asks."""
    places = Places(2, {"job": 2})
    with places.one(job="a"), places.one(job="b"):
        with pytest.raises(Crowded) as refused, places.one(job="c"):
            pass
        assert (refused.value.whose, refused.value.most) == ("", 2)


def test_a_place_is_free_again() -> None:
    """Also where something went wrong; and nothing is kept of whoever was there."""
    places = Places(1, {"job": 1})
    for number in range(5):
        with pytest.raises(RuntimeError), places.one(job=str(number)):
            raise RuntimeError
    with places.one(job="a"):
        pass
    assert not places._taken
