"""When customers arrive, who they are and what they come for: seeded, skewed, open."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from customers.schedule import Schedule
from customers.visits import (
    ALBUMS,
    MIX,
    PHOTOS,
    STARS,
    USERS,
    Interests,
    Popularity,
    Visit,
    Visits,
    first_of,
    is_public,
)


def arrivals(schedule: Schedule, until: float) -> list[float]:
    times = []
    while schedule.next_at < until:
        times.append(schedule.advance())
    return times


def test_the_same_seed_gives_the_same_arrivals() -> None:
    """Two schedules of one seed agree on every arrival; another seed gives others."""
    one, same, other = (
        arrivals(Schedule(rate=50, seed=seed, start=100.0), 110.0) for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_arrivals_keep_their_rate_and_are_irregular() -> None:
    """Over a long time the rate is held, and gaps vary as a Poisson process's do."""
    times = arrivals(Schedule(rate=300, seed=3, start=0.0), 200.0)
    gaps = [after - before for before, after in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert len(times) == pytest.approx(300 * 200, rel=0.02)
    assert deviation == pytest.approx(mean, rel=0.05)


def test_the_rate_can_change_while_customers_arrive() -> None:
    """After a change arrivals come at the new rate, from the moment of the change on."""
    schedule = Schedule(rate=10, seed=4, start=0.0)
    before = arrivals(schedule, 100.0)
    schedule.set_rate(200, 100.0)
    after = arrivals(schedule, 200.0)
    assert schedule.rate == 200
    assert len(before) == pytest.approx(10 * 100, rel=0.1)
    assert len(after) == pytest.approx(200 * 100, rel=0.03)
    assert min(after) >= 100.0


def test_a_late_generator_still_owes_the_arrivals_of_the_old_rate() -> None:
    """A rate lowered at t=10, by a generator still at t=0, leaves the first ten seconds as due."""
    punctual, late = (Schedule(rate=100, seed=5, start=0.0) for _ in range(2))
    expected = arrivals(punctual, 10.0)
    late.set_rate(1, 10.0)
    owed = arrivals(late, 10.0)
    assert owed == expected
    assert late.next_at > 10.0


def test_a_rate_of_nothing_is_refused() -> None:
    """No arrivals is what stopping is for."""
    with pytest.raises(ValueError, match="above zero"):
        Schedule(rate=0, seed=1, start=0.0)


def test_the_mix_is_as_declared() -> None:
    """Each operation gets its share of the arrivals, and about nine in ten only read."""
    visits = Visits(6)
    drawn = Counter(visits.draw().operation for _ in range(50_000))
    for operation, share in MIX.items():
        assert drawn[operation] / 500 == pytest.approx(share, abs=0.6)
    assert sum(MIX.values()) == 100
    assert MIX["like"] + MIX["upload"] == 10


def test_the_same_seed_gives_the_same_visits() -> None:
    """Who comes, what for and every later choice follow from the seed alone."""
    first, again, other = (Visits(seed) for seed in (7, 7, 8))
    sequence = [first.draw() for _ in range(500)]
    assert sequence == [again.draw() for _ in range(500)]
    assert sequence != [other.draw() for _ in range(500)]


def test_a_link_from_outside_leads_many_to_the_same_few() -> None:
    """A focus of 0.8 sends four in five to a handful of photos; the others come as ever."""
    visits, plain = Visits(7, Interests(focus=0.8)), Visits(7)
    drawn = [(visits.draw(), plain.draw()) for _ in range(5_000)]
    linked = [visit for visit, otherwise in drawn if visit != otherwise]
    assert len(linked) / len(drawn) == pytest.approx(0.8, abs=0.03)
    assert {visit.operation for visit in linked} == {"photo"}
    assert len({visit.subject for visit in linked}) <= 20
    assert all(is_public(visit.subject) for visit in linked)


def test_fans_look_at_the_circles_of_a_few_stars() -> None:
    """So many of the arrivals as asked for, each star as often as another."""
    visits = Visits(7, Interests(fans=0.2))
    drawn = [visits.draw() for _ in range(5_000)]
    stars = Counter(visit.subject for visit in drawn if visit.operation == "circle")
    assert stars.total() / len(drawn) == pytest.approx(0.2, abs=0.03)
    assert set(stars) == set(STARS)


def test_fans_have_a_first_look_at_every_star() -> None:
    """One of each, and none where nobody comes for them."""
    assert [visit.subject for visit in first_of(Interests(fans=0.2))] == list(STARS)
    assert first_of(Interests(roam=1.0)) == []


def wanted_most(visits: list[Visit]) -> int:
    """How often the most popular photo or feed was asked for."""
    photos = Counter(visit.subject for visit in visits if visit.operation == "photo")
    feeds = Counter(visit.user_id for visit in visits if visit.operation == "feed")
    return min(max(photos.values()), max(feeds.values()))


def test_who_is_new_here_looks_at_anything() -> None:
    """The same operations as ever, but no two of them want the same photo, nor the same feed."""
    drawn = [Visits(7, Interests(roam=share)) for share in (0, 1)]
    usual, new = ([visits.draw() for _ in range(5_000)] for visits in drawn)
    assert [visit.operation for visit in new] == [visit.operation for visit in usual]
    assert wanted_most(usual) > 50
    assert wanted_most(new) < 5


@pytest.mark.parametrize("roam", [0, 1])
def test_visits_ask_only_for_what_exists(roam: float) -> None:
    """Every id is in the seed, and photos that were never published are not asked for."""
    visits = Visits(9, Interests(roam=roam))
    sizes = {"user": USERS, "user_photos": USERS, "feed": USERS, "album": ALBUMS}
    for _ in range(20_000):
        visit = visits.draw()
        assert 1 <= visit.user_id <= USERS
        assert 1 <= visit.subject <= sizes.get(visit.operation, PHOTOS)
        assert visit.operation in sizes or is_public(visit.subject)


@pytest.mark.parametrize("step", [1, 314_159])
def test_popularity_follows_zipf(step: int) -> None:
    """The second id is asked for about half as often as the first, the tenth a tenth."""
    popularity = Popularity(1_000_000, exponent=0.99, step=step)
    steps = 200_000
    asked = Counter(popularity.pick(i / steps) for i in range(steps))
    ranked = [(rank - 1) * step % 1_000_000 + 1 for rank in range(1, 11)]
    assert [id_ for id_, _ in asked.most_common(3)] == ranked[:3]
    assert asked[ranked[0]] / asked[ranked[1]] == pytest.approx(1.7, abs=0.15)
    assert asked[ranked[0]] / asked[ranked[9]] == pytest.approx(7.3, abs=0.8)
    assert {popularity.pick(0.0), popularity.pick(1 - 1e-16)} <= set(range(1, 1_000_001))


def test_a_step_that_would_leave_ids_out_is_refused() -> None:
    """A step that shares a factor with the size never reaches some ids."""
    with pytest.raises(ValueError, match="prime"):
        Popularity(100, exponent=0.9, step=10)
