"""What the control API accepts, and what it answers to the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from customers.visits import USUAL, Interests

MAX_RATE = 2000.0
MAX_DURATION_S = 2 * 3600.0
MAX_SEED = 2**63 - 1

INTERESTS = tuple(one.name for one in fields(Interests))

#: Field -> (least, most); all but the seed may be fractions. Least itself is allowed.
_BOUNDS = {
    "rate": (0.1, MAX_RATE),
    "duration_s": (1.0, MAX_DURATION_S),
    "seed": (0, MAX_SEED),
    **dict.fromkeys(INTERESTS, (0.0, 1.0)),
}


class Refused(Exception):
    """A request that makes no sense; `status` is the HTTP status that says so."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Settings:
    """A run's settings: arrivals per second, seconds, the seed of all sequences, and interests."""

    rate: float
    duration_s: float
    seed: int = 0
    interests: Interests = USUAL

    @classmethod
    def parse(cls, body: object) -> Settings:
        """From a decoded POST body. Raises Refused."""
        values = _fields(body, ("rate", "duration_s", "seed", *INTERESTS))
        missing = [name for name in ("rate", "duration_s") if name not in values]
        if missing:
            raise Refused(422, f"missing: {', '.join(missing)}")
        return cls(
            values["rate"],
            values["duration_s"],
            int(values.get("seed", 0)),
            Interests(**_interests(values)),
        )


@dataclass(frozen=True)
class Change:
    """What a PATCH changes; None leaves it, as does an interest that is not there.

    `duration_s` counts from now.
    """

    rate: float | None = None
    duration_s: float | None = None
    interests: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: object) -> Change:
        """From a decoded PATCH body. Raises Refused."""
        allowed = ("rate", "duration_s", *INTERESTS)
        values = _fields(body, allowed)
        if not values:
            raise Refused(422, f"nothing to change: give any of {', '.join(allowed)}")
        return cls(values.get("rate"), values.get("duration_s"), _interests(values))


def _interests(values: Mapping[str, float]) -> dict[str, float]:
    return {name: values[name] for name in INTERESTS if name in values}


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
