"""Who comes, and what for: the mix of operations and the skew of popularity."""

from __future__ import annotations

import random
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from math import gcd

USERS = 50_000
PHOTOS = 1_000_000
ALBUMS = 100_000

#: Operation -> share of arrivals, in percent; about nine in ten only read.
MIX = {
    "feed": 34,
    "photo": 22,
    "user_photos": 14,
    "album": 10,
    "user": 8,
    "media": 2,
    "like": 7,
    "upload": 3,
}

#: Poll of an upload's job. No arrival draws it: some of those who come for a
#: published file first ask whether their own upload is ready.
JOB = "job"

#: Look at a star's circle: drawn by a share of the arrivals that a run may ask for.
CIRCLE = "circle"

OPERATIONS = (*MIX, JOB, CIRCLE)


@dataclass(frozen=True, slots=True)
class Visit:
    """One arrival's intention.

    `user_id` is who comes; `subject` the id of what they came for (a user, a
    photo or an album, as the operation needs); `chance` in [0, 1) settles
    whatever is still to be chosen when the visit is carried out.
    """

    operation: str
    user_id: int
    subject: int
    chance: float


class Popularity:
    """Zipf's law over the ids 1..size: rank k is asked for about 1/k**exponent as often.

    The same ids are popular in every run, so a cache that is warm stays so
    from one run to the next.
    """

    def __init__(self, size: int, *, exponent: float, step: int = 1) -> None:
        """Rank k is the id k; or, with a `step`, ranks lie `step` ids apart, round and round."""
        if gcd(size, step) != 1 or exponent <= 0 or exponent == 1:
            raise ValueError("popularity wants a step prime to its size and an exponent != 1")
        self._size = size
        self._step = step
        self._power = 1 - exponent
        self._reach = (size + 1) ** self._power - 1

    def pick(self, u: float) -> int:
        """The id at quantile `u` of popularity, `u` in [0, 1): 0 is the most popular."""
        # The inverse of the continuous (Pareto) distribution function: exact
        # enough in the head, and it needs no table of a million weights.
        rank = int((u * self._reach + 1) ** (1 / self._power))
        return self.rank(min(max(rank, 1), self._size))

    def rank(self, rank: int) -> int:
        """The id that is the `rank`-th most popular, from 1."""
        return (rank - 1) * self._step % self._size + 1

    def any(self, u: float) -> int:
        """The id at `u` in [0, 1), one as often as another."""
        return int(u * self._size) + 1


#: In the seed, low ids are the busy users and their albums; popular photos are of any age.
_visitors = Popularity(USERS, exponent=0.9)
_people = Popularity(USERS, exponent=0.99)
_albums = Popularity(ALBUMS, exponent=0.99)
_photos = Popularity(PHOTOS, exponent=0.99, step=314_159)
_SUBJECTS = {"album": _albums, "user": _people, "user_photos": _people, "feed": _people}


def is_public(photo_id: int) -> bool:
    """Whether the seeded photo is published; the seed has some rejected and some failed ones."""
    return photo_id % 1000 != 0 and photo_id % 2500 != 1


#: What a link from outside leads to: the most popular photos.
LINKED = tuple(
    photo if is_public(photo) else 3 for photo in (_photos.rank(rank) for rank in range(1, 21))
)

#: Users whom many follow, about as many each; their circles are what their fans look at.
STARS = range(10, 50)


@dataclass(frozen=True, slots=True)
class Interests:
    """What brings people here, as shares in [0, 1]; whoever is left comes as on any day.

    `focus` of all follow a link from outside to one of a few photos; `fans` of the others look at
    the circle of a star; `uploads` of the others bring a photo; `roam` of all but the first are new
    here, and look at anything, popular or not: at the circle of anybody, too.
    """

    focus: float = 0.0
    fans: float = 0.0
    roam: float = 0.0
    uploads: float = 0.0


USUAL = Interests()


def first_of(interests: Interests) -> list[Visit]:
    """What is looked at before many come for it: each star's circle; nothing where nobody does."""
    if not interests.fans:
        return []
    return [Visit(CIRCLE, _visitors.rank(1), star, 0.0) for star in STARS]


class Visits:
    """The seeded sequence of visits; equal seeds give equal sequences. `interests` may change."""

    def __init__(self, seed: int, interests: Interests = USUAL) -> None:
        self.interests = interests
        self._random = random.Random(f"visits:{seed}")
        self._links = random.Random(f"links:{seed}")
        self._operations = list(MIX)
        self._shares = list(accumulate(MIX.values()))

    def draw(self) -> Visit:
        """The next arrival's intention."""
        roll, who, what, chance = (self._random.random() for _ in range(4))
        if self._links.random() < self.interests.focus:
            return Visit("photo", _visitors.pick(who), self._links.choice(LINKED), chance)
        if self._links.random() < self.interests.fans:
            star = self._links.choice(STARS)
            new = self._links.random() < self.interests.roam
            return Visit("circle", _visitors.pick(who), _people.any(what) if new else star, chance)
        operation = self._operations[bisect(self._shares, roll * self._shares[-1])]
        if self._links.random() < self.interests.uploads:
            operation = "upload"
        subjects = _SUBJECTS.get(operation, _photos)
        new = self._links.random() < self.interests.roam
        subject = subjects.any(what) if new else subjects.pick(what)
        user = _visitors.any(who) if new else _visitors.pick(who)
        if operation not in _SUBJECTS and not is_public(subject):
            subject = max(subject - 2, 2)  # nobody has a link to it; take a neighbour
        return Visit(operation, user, subject, chance)
