"""What the control API accepts, and what it answers to the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

MAX_RATE = 2000.0
MAX_DURATION_S = 2 * 3600.0
MAX_SEED = 2**63 - 1

#: Field -> (least, most); all but the seed may be fractions. Least itself is allowed.
_BOUNDS = {
    "rate": (0.1, MAX_RATE),
    "duration_s": (1.0, MAX_DURATION_S),
    "seed": (0, MAX_SEED),
    "focus": (0.0, 1.0),
    "fans": (0.0, 1.0),
}


class Refused(Exception):
    """A request that makes no sense; `status` is the HTTP status that says so."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Settings:
    """A run's settings: arrivals per second, seconds, and the seed of both sequences.

    `focus` is the share of the arrivals who come for the same few photos, `fans` the share of those
    who come for the circles of a few stars.
    """

    rate: float
    duration_s: float
    seed: int = 0
    focus: float = 0.0
    fans: float = 0.0

    @classmethod
    def parse(cls, body: object) -> Settings:
        """From a decoded POST body. Raises Refused."""
        values = _fields(body, ("rate", "duration_s", "seed", "focus", "fans"))
        missing = [name for name in ("rate", "duration_s") if name not in values]
        if missing:
            raise Refused(422, f"missing: {', '.join(missing)}")
        return cls(
            values["rate"],
            values["duration_s"],
            int(values.get("seed", 0)),
            values.get("focus", 0.0),
            values.get("fans", 0.0),
        )


@dataclass(frozen=True)
class Change:
    """What a PATCH changes; None leaves it. `duration_s` counts from now."""

    rate: float | None
    duration_s: float | None
    focus: float | None
    fans: float | None

    @classmethod
    def parse(cls, body: object) -> Change:
        """From a decoded PATCH body. Raises Refused."""
        values = _fields(body, ("rate", "duration_s", "focus", "fans"))
        if not values:
            raise Refused(422, "nothing to change: give rate, duration_s, focus or fans")
        return cls(*(values.get(name) for name in ("rate", "duration_s", "focus", "fans")))


def _fields(body: object, allowed: tuple[str, ...]) -> dict[str, float]:
    if not isinstance(body, Mapping):
        raise Refused(422, f"expected a JSON object with {', '.join(allowed)}")
    unknown = sorted(set(body) - set(allowed))
    if unknown:
        raise Refused(422, f"unknown: {', '.join(unknown)}; allowed: {', '.join(allowed)}")
    return {name: _number(name, value) for name, value in body.items()}


def _number(name: str, value: object) -> float:
    least, most = _BOUNDS[name]
    kinds = (int,) if name == "seed" else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise Refused(422, f"{name} is not {'an integer' if name == 'seed' else 'a number'}")
    if not least <= value <= most:
        raise Refused(422, f"{name} is between {least:g} and {most:g}, not {value:g}")
    return value
