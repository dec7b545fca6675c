"""The journal: what the lab is about to do, written down before it does it.

From it any later process can tell what was broken and undo it, whatever became of the one that
broke it.
Times are Unix seconds. What has a type of its own elsewhere (a scenario, a token, a diagnosis) is
kept as the JSON of that type.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from lab.errors import BadInput
from lab.records import Answer, Noted, Numbered, PlannedFault, Role, Row, Stamp, read
from lab.store import Store


class OneAtATime(BadInput):
    """A second incident was asked for while one is open."""


class Journal(Store):
    """The journal of one lab home. Use as a context manager, or call `close`."""

    # -- incidents ------------------------------------------------------------------------------

    def begin(self, slug: str, seed: int, scenario: str, at: float) -> int:
        """A new incident's number. Raises `OneAtATime` while another is open."""
        try:
            with self._writing() as db:
                made = db.execute(
                    "INSERT INTO incidents (slug, seed, scenario, opened_at) VALUES (?, ?, ?, ?)",
                    (slug, seed, scenario, at),
                )
        except sqlite3.IntegrityError as error:
            raise OneAtATime(
                "an incident is open already",
                remedy="`lab status` shows it; `lab end` finishes it, `lab restore` abandons it",
            ) from error
        assert made.lastrowid is not None
        return made.lastrowid

    def stamp(self, incident: int, what: Stamp, value: str | float) -> None:
        """Write down one fact about an incident. The first value of a time stays."""
        if what not in get_args(Stamp):
            raise ValueError(what)
        # `what` is one of the literals above.
        keep = f"coalesce({what}, :value)" if what.endswith("_at") else ":value"
        with self._writing() as db:
            db.execute(
                f"UPDATE incidents SET {what} = {keep} WHERE id = :id",  # noqa: S608
                {"value": value, "id": incident},
            )

    def open_one(self) -> Row | None:
        """The incident that is not closed, if there is one."""
        return next(self._incidents("WHERE closed_at IS NULL"), None)

    def latest(self) -> Row | None:
        """The incident that was begun last."""
        return next(self._incidents("ORDER BY id DESC LIMIT 1"), None)

    def incident(self, number: int) -> Row:
        """That incident. Raises `BadInput` when the journal has none of this number."""
        # More than SQLite counts to, somebody may ask for all the same.
        there = abs(number) < 2**63
        found = next(self._incidents("WHERE id = ?", number), None) if there else None
        if found is None:
            raise BadInput(f"there is no incident {number}", remedy="`lab past` lists them")
        return found

    def incidents(self, limit: int = 20) -> list[Row]:
        """The newest incidents, newest first."""
        return list(self._incidents("ORDER BY id DESC LIMIT ?", limit))

    # -- faults ---------------------------------------------------------------------------------

    def plan(self, incident: int, name: str, token: str, at: float, role: Role = "fault") -> None:
        """Keep a fault's token. On return it is on the disk, and the fault may be injected."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO faults (incident, position, name, token, planned_at, role)"
                " SELECT ?1, count(*), ?2, ?3, ?4, ?5 FROM faults WHERE incident = ?1",
                (incident, name, token, at, role),
            )

    def injected(self, fault: PlannedFault, at: float) -> None:
        self._mark(fault, "injected_at", at)

    def healed(self, fault: PlannedFault, at: float) -> None:
        self._mark(fault, "healed_at", at)

    def back_again(self, fault: PlannedFault) -> None:
        """What was healed shows itself once more: it is to be healed."""
        self._mark(fault, "healed_at", None)

    def faults(self, incident: int) -> list[PlannedFault]:
        """The faults of an incident, in the order in which they were planned."""
        return self._faults("WHERE incident = ? ORDER BY rowid", incident)

    def unhealed(self) -> list[PlannedFault]:
        """Every fault of any incident that may still be there, the last planned first: where two
        touch the same thing, the later has kept what the earlier made of it."""
        return self._faults("WHERE healed_at IS NULL ORDER BY rowid DESC")

    # -- what happened --------------------------------------------------------------------------

    def note(self, incident: int, at: float, kind: str, detail: str = "") -> None:
        with self._writing() as db:
            db.execute(
                "INSERT INTO events (incident, at, kind, detail) VALUES (?, ?, ?, ?)",
                (incident, at, kind, detail),
            )

    def events(self, incident: int) -> list[Noted]:
        """What was noted, in the order of time."""
        with self._said():
            rows = self._db.execute(
                "SELECT at, kind, detail FROM events WHERE incident = ? ORDER BY at, id",
                (incident,),
            )
            return [read(Noted, row) for row in rows]

    def hint(self, incident: int, prices: Sequence[int], at: float) -> int | None:
        """Record the next hint as taken, at its price of `prices`. Returns its number, from 1, and
        None when there is no more: whoever asks at the same moment gets another, or none.

        Raises `BadInput` once the incident is over.
        """
        with self._writing() as db:
            self._refuse_late(db, incident)
            number = self._next(db, "hints", incident)
            if number > len(prices):
                return None
            return self._append(db, "hints", incident, at, price=prices[number - 1])

    def hints(self, incident: int) -> list[Numbered]:
        return self._numbered("hints", "price", incident)

    def answer(
        self, incident: int, diagnosis: str, receipts: str, at: float, *, final: bool = False
    ) -> int:
        """Record a diagnosis. Returns its number: 1 is the first, the others are revisions; the
        last one once more is none, and keeps its number.

        Raises `BadInput`, and records nothing, after a final one and once the incident is over.
        """
        with self._writing() as db:
            self._refuse_late(db, incident, revising=True)
            if final:
                db.execute("UPDATE incidents SET final_at = ? WHERE id = ?", (at, incident))
            last = db.execute(
                "SELECT number, diagnosis FROM answers WHERE incident = ?"
                " ORDER BY number DESC LIMIT 1",
                (incident,),
            ).fetchone()
            if last is not None and last[1] == diagnosis:
                return int(last[0])
            return self._append(db, "answers", incident, at, diagnosis=diagnosis, receipts=receipts)

    def answers(self, incident: int) -> list[Answer]:
        with self._said():
            rows = self._db.execute(
                "SELECT number, at, diagnosis, receipts FROM answers WHERE incident = ?"
                " ORDER BY number",
                (incident,),
            )
            return [read(Answer, row) for row in rows]

    def claim(self, incident: int, recovery: str, at: float) -> int:
        """Record what was measured when somebody said that it is fixed. Returns its number."""
        with self._writing() as db:
            return self._append(db, "claims", incident, at, recovery=recovery)

    def claims(self, incident: int) -> list[Numbered]:
        return self._numbered("claims", "recovery", incident)

    # -- within ---------------------------------------------------------------------------------

    def _incidents(self, which: str, *values: float) -> Iterator[Row]:
        with self._said():
            rows = self._db.execute(f"SELECT * FROM incidents {which}", values)  # noqa: S608
            yield from [self._placed(read(Row, row)) for row in rows]

    def _placed(self, row: Row) -> Row:
        """With its history where it is now: homes are moved, and copied."""
        if row.history is None:
            return row
        kept = Path(row.history)
        # An earlier version kept the whole path: <home>/incidents/<name>/<file>.
        here = self.home.joinpath(*kept.parts[-3:])
        return replace(row, history=str(here if here.exists() else self.home / kept))

    def _faults(self, which: str, *values: float) -> list[PlannedFault]:
        with self._said():
            rows = self._db.execute(f"SELECT * FROM faults {which}", values)  # noqa: S608
            return [read(PlannedFault, row) for row in rows]

    def _mark(self, fault: PlannedFault, what: str, at: float | None) -> None:
        with self._writing() as db:
            db.execute(
                f"UPDATE faults SET {what} = ? WHERE incident = ? AND position = ?",  # noqa: S608
                (at, fault.incident, fault.position),
            )

    @staticmethod
    def _refuse_late(db: sqlite3.Connection, incident: int, *, revising: bool = False) -> None:
        """Raises `BadInput` where the incident, or the word on it, is over by now."""
        over, final = db.execute(
            "SELECT coalesce(ended_at, invalid) IS NOT NULL, final_at IS NOT NULL"
            " FROM incidents WHERE id = ?",
            (incident,),
        ).fetchone()
        if over:
            raise BadInput("the incident is over", remedy="`lab report` writes its story")
        if final and revising:
            raise BadInput("the diagnosis is final already", remedy="`lab end` shows the verdict")

    @staticmethod
    def _next(db: sqlite3.Connection, table: str, incident: int) -> int:
        (last,) = db.execute(
            f"SELECT coalesce(max(number), 0) FROM {table} WHERE incident = ?",  # noqa: S608
            (incident,),
        ).fetchone()
        return int(last) + 1

    def _append(
        self, db: sqlite3.Connection, table: str, incident: int, at: float, **content: str | int
    ) -> int:
        """One more row of a numbered table; returns its number. Names come from this file, values
        are bound."""
        number = self._next(db, table, incident)
        names = ", ".join(content)
        marks = ", ".join("?" for _ in content)
        db.execute(
            f"INSERT INTO {table} (incident, number, at, {names})"  # noqa: S608
            f" VALUES (?, ?, ?, {marks})",
            (incident, number, at, *content.values()),
        )
        return number

    def _numbered(self, table: str, column: str, incident: int) -> list[Numbered]:
        with self._said():
            rows = self._db.execute(
                f"SELECT number, at, {column} FROM {table} WHERE incident = ? ORDER BY number",  # noqa: S608
                (incident,),
            )
            return [read(Numbered, (number, at, str(content))) for number, at, content in rows]
