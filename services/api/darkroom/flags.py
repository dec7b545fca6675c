"""Flags: an operator's switches in the running application, one for each production mechanism.

Their values are the hash `flags` in redis-broker, field by field; a flag without a field has its
default. Each replica reads the hash about once a second (darkroom/flag_reader.py), and `flags` in
this image's shell lists and sets them (darkroom/flags_command.py).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: The hash in redis-broker.
KEY = "flags"

_WORDS = {
    **dict.fromkeys(("on", "true", "yes", "1"), 1.0),
    **dict.fromkeys(("off", "false", "no", "0"), 0.0),
}
#: More than any replica can do; a slip of the finger, then.
_MOST = 1_000_000.0


class BadFlag(Exception):
    """There is no such flag, or this is none of its values; the message says what is."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One switch: on or off, or with a `unit` a number of that unit (0 is off)."""

    name: str
    meaning: str
    unit: str | None = None
    default: float = 0.0

    def parse(self, text: str) -> float:
        """The value that an operator wrote: 1 for on, 0 for off, or the number. BadFlag."""
        word = text.strip().lower()
        if self.unit is None:
            if word not in _WORDS:
                near = _near(word, ("on", "off"))
                raise BadFlag(f"{self.name} is on or off, not {text!r}{near}")
            return _WORDS[word]
        if word == "off":
            return 0.0
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not 0 <= value <= _MOST:
            raise BadFlag(
                f"{self.name} is a number of {self.unit} from 0 (off) to {_MOST:.0f}, not {text!r}"
            )
        return value

    def show(self, value: float) -> str:
        """A value as `parse` reads it."""
        if self.unit is not None:
            return f"{value:g}"
        return "on" if value else "off"


SINGLE_FLIGHT = Flag(
    "single_flight", "Misses of one object at the same time load it once, over all replicas."
)
EARLY_REFRESH = Flag(
    "early_refresh", "Objects in demand are loaded again a little before they expire."
)
SERVE_STALE = Flag(
    "serve_stale", "Expired objects are served for ten more TTLs while they are loaded again."
)
TTL_JITTER = Flag("ttl_jitter", "TTLs are spread by half either way: not all expire together.")
SHED = Flag(
    "shed",
    "With too many loads under way, those that need one get 503: circles first, photos last.",
)
RATE_LIMIT = Flag(
    "rate_limit",
    "Requests a second for each replica, a tenth of it for each user; more get 429. 0: no limit.",
    unit="requests a second",
)

_ALL = (SINGLE_FLIGHT, EARLY_REFRESH, SERVE_STALE, TTL_JITTER, SHED, RATE_LIMIT)
FLAGS = {flag.name: flag for flag in _ALL}


def find(name: str) -> Flag:
    """The flag of that name; raises BadFlag with the nearest one."""
    if name in FLAGS:
        return FLAGS[name]
    raise BadFlag(f"there is no flag {name!r}{_near(name, FLAGS) or '; `flags` lists them'}")


def _near(word: str, known: tuple[str, ...] | Mapping[str, Flag]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


class Flags:
    """The values that hold in this replica now."""

    def __init__(self) -> None:
        self._values = {name: flag.default for name, flag in FLAGS.items()}
        self._told: dict[str, str] = {}

    def __iter__(self) -> Iterator[tuple[Flag, float]]:
        return ((flag, self._values[name]) for name, flag in FLAGS.items())

    def on(self, flag: Flag) -> bool:
        return self._values[flag.name] > 0

    def number(self, flag: Flag) -> float:
        return self._values[flag.name]

    def take(self, fields: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """Makes the hash's `fields` the values; returns what changed and what is new nonsense.

        Both are sentences for the log. A value that is none leaves the flag as it is, and is told
        once for as long as it stands there.
        """
        wanted = {name: flag.default for name, flag in FLAGS.items()}
        nonsense: dict[str, str] = {}
        for name, text in fields.items():
            try:
                wanted[name] = find(name).parse(text)
            except BadFlag as error:
                if name in FLAGS:
                    wanted[name] = self._values[name]
                nonsense[name] = str(error)
        changes = [
            f"{name} is {flag.show(wanted[name])}, was {flag.show(self._values[name])}"
            for name, flag in FLAGS.items()
            if wanted[name] != self._values[name]
        ]
        news = [words for name, words in nonsense.items() if self._told.get(name) != words]
        self._values, self._told = wanted, nonsense
        return changes, news
