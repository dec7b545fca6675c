"""Places for what lasts: so many at a time, and of one owner no more than a share of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Crowded(Exception):
    """There is no place: `whose` says whose places are all taken, "" that all are; `most` how many
    that is."""

    def __init__(self, whose: str, most: int) -> None:
        super().__init__(f"{most} of {whose or 'all'}")
        self.whose = whose
        self.most = most


class Places:
    """Counted in this process, by one event loop."""

    def __init__(self, most: int, shares: Mapping[str, int]) -> None:
        """`shares`: of what kind of owner one may have how many."""
        self._most = most
        self._shares = shares
        self._taken: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def one(self, **owners: str) -> Iterator[None]:
        """A place, for as long as the context lasts, that counts for each of its `owners`, by kind.

        Raises Crowded.
        """
        mine = list(owners.items())
        for kind, name in mine:
            if self._taken[kind, name] >= self._shares[kind]:
                raise Crowded(kind, self._shares[kind])
        if self._taken["", ""] >= self._most:
            raise Crowded("", self._most)
        counted = [("", ""), *mine]
        self._taken.update(counted)
        try:
            yield
        finally:
            self._taken.subtract(counted)
            # What nobody holds is forgotten: names are whatever somebody asks for.
            self._taken = +self._taken
