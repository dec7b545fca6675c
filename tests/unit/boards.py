"""A board as it was made for Grafana, to be looked at by checks and tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from lab import looks
from lab.boards import discover
from lab.boards.layout import Board
from lab.looks import CROWDS
from lab.signals import Catalogue, Signal

ROOT = Path(__file__).resolve().parents[2]
IDS: dict[str, dict[str, str]] = json.loads((ROOT / "lab/boards/panels.json").read_text())
"""Board, then panel: the first expression that it asks for, for good."""

OVERVIEW = "night-overview"
STRIP = (OVERVIEW, 41)
"""The one panel whose queries are no signals."""

FLAGS = ("api", 24)
CHAIN = ("customers", "front-door", "api", "cache", "database", "queue")
MOST_QUERIES = 36
FIRST_SCREEN, FIRST_ROW = 15, 9

Json = dict[str, Any]


@dataclass(frozen=True)
class Look:
    """One board as it was made, and what the lab says of it."""

    made: Json
    catalogue: Catalogue

    @property
    def board(self) -> Board:
        return next(one for one in discover() if one.uid == self.made["uid"])

    @property
    def panels(self) -> list[Json]:
        """Those that measure something."""
        return [one for one in self.made["panels"] if one["type"] not in ("row", "text")]

    def at(self, number: int) -> Json:
        return next(one for one in self.made["panels"] if one["id"] == number)

    def signals(self, panel: Json) -> list[Signal]:
        """What it shows; nothing for the strip of what rang."""
        names = [one["expr"] for one in panel["targets"]]
        return [self.catalogue[name] for name in names if name in self.catalogue]

    def strip(self, panel: Json) -> bool:
        return (self.made["uid"], panel["id"]) == STRIP

    def flags(self, panel: Json) -> bool:
        return (self.made["uid"], panel["id"]) == FLAGS


def defaults(panel: Json) -> Json:
    return panel["fieldConfig"]["defaults"]


def steps(panel: Json) -> list[tuple[float | None, str]]:
    return [(one["value"], one["color"]) for one in defaults(panel)["thresholds"]["steps"]]


VALUES = {
    **{label: [*values] for label, values in looks.COLOURS.items()},
    **{label: [*chain.from_iterable(CROWDS)] for label in looks.CROWDED},
    "statement": [*CROWDS[0], *CROWDS[1]],
    "pool": ["primary", "replica"],
}
VALUES["service"] = [*VALUES["service"], "load", *(f"api@10.0.0.{end}" for end in range(10))]
VALUES["upstream"] = [*VALUES["upstream"], *(f"api@10.0.0.{end}" for end in range(10))]
