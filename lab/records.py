"""What the journal keeps: its tables, and its rows as the rest of the lab sees them.

Times are Unix seconds; what has not happened yet is NULL, or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from lab.units import LAST

STEPS = (
    """
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slug TEXT NOT NULL,
    seed INTEGER NOT NULL,
    scenario TEXT NOT NULL,
    opened_at REAL NOT NULL,
    load_run TEXT,
    services TEXT,
    baseline_from REAL,
    baseline_until REAL,
    injected_at REAL,
    announced_at REAL,
    paged_at REAL,
    final_at REAL,
    ended_at REAL,
    history TEXT,
    closed_at REAL,
    invalid TEXT
);
-- One incident at a time: a second open row is refused by the database itself.
CREATE UNIQUE INDEX one_open_incident ON incidents ((closed_at IS NULL)) WHERE closed_at IS NULL;
CREATE TABLE faults (
    incident INTEGER NOT NULL REFERENCES incidents,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    planned_at REAL NOT NULL,
    injected_at REAL,
    healed_at REAL,
    PRIMARY KEY (incident, position)
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident INTEGER NOT NULL REFERENCES incidents,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE TABLE hints (
    incident INTEGER NOT NULL REFERENCES incidents,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    price INTEGER NOT NULL,
    PRIMARY KEY (incident, number)
);
CREATE TABLE answers (
    incident INTEGER NOT NULL REFERENCES incidents,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    diagnosis TEXT NOT NULL,
    receipts TEXT NOT NULL,
    PRIMARY KEY (incident, number)
);
CREATE TABLE claims (
    incident INTEGER NOT NULL REFERENCES incidents,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    recovery TEXT NOT NULL,
    PRIMARY KEY (incident, number)
);
""",
    "ALTER TABLE faults ADD COLUMN role TEXT NOT NULL DEFAULT 'fault'",
)
"""What makes a journal, step by step. One that was written by an earlier version has the first of
them, and takes the others; a step that was ever released is never changed."""

VERSION = len(STEPS)

Stamp = Literal[
    "load_run",
    "services",
    "baseline_from",
    "baseline_until",
    "injected_at",
    "announced_at",
    "paged_at",
    "final_at",
    "ended_at",
    "history",
    "closed_at",
    "invalid",
]
Role = Literal["stage", "fault", "trigger", "herring"]
"""What a fault is there for: the state in which a night begins, what breaks and is to be mended,
what only sets something off, and what only distracts."""

Phase = Literal["preparing", "live", "ended", "closed"]


@dataclass(frozen=True, slots=True)
class Row:
    """One incident as the journal has it. What has not happened yet is None.

    `scenario` is the scenario's JSON, `services` those that were there when all was well (JSON),
    `history` the file of its history (kept relative to the home), `invalid` why the run does not
    count.
    """

    id: int
    slug: str
    seed: int
    scenario: str
    opened_at: float
    load_run: str | None
    services: str | None
    baseline_from: float | None
    baseline_until: float | None
    injected_at: float | None
    announced_at: float | None
    paged_at: float | None
    final_at: float | None
    ended_at: float | None
    history: str | None
    closed_at: float | None
    invalid: str | None

    @property
    def phase(self) -> Phase:
        """Where it is: being prepared, on, over but not yet healed, or closed."""
        if self.closed_at is not None:
            return "closed"
        if self.ended_at is not None or self.invalid is not None:
            return "ended"
        return "preparing" if self.announced_at is None else "live"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault that was planned, and perhaps injected, and perhaps healed. `position` counts an
    incident's faults, from 0, in the order in which they were planned."""

    incident: int
    position: int
    name: str
    token: str
    planned_at: float
    injected_at: float | None
    healed_at: float | None
    role: Role


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that happened during an incident."""

    at: float
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The `number`-th diagnosis, from 1, and what its evidence showed when it was recorded."""

    number: int
    at: float
    diagnosis: str
    receipts: str


@dataclass(frozen=True, slots=True)
class Numbered:
    """The `number`-th hint or claim, from 1. `content` is its price or its JSON."""

    number: int
    at: float
    content: str


Kind = TypeVar("Kind", Row, PlannedFault, Noted, Answer, Numbered)

_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "str": (str,), "float": (int, float)}


def read(kind: type[Kind], values: Sequence[Any]) -> Kind:
    """One row. Raises `ValueError` for what none of ours has: SQLite takes any value in any column,
    and a time that no calendar shows would be found out by whoever prints it."""
    for one, value in zip(fields(kind), values, strict=True):
        named, _, none = str(one.type).partition(" | ")
        if named not in _TYPES or (none and value is None):
            continue
        fits = isinstance(value, _TYPES[named])
        if not fits or (isinstance(value, float) and not 0 <= value <= LAST):
            raise ValueError(f"{one.name} is {value!r}")
    return kind(*values)
