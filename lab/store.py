"""The file in which the lab keeps what must not be lost: SQLite, flushed at every commit.

Every change is one transaction, in write-ahead mode, so that others may read meanwhile and a power
cut loses nothing that was said to be kept. What an earlier version made is brought up to date.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.errors import Failed, LabError, MachineLacks
from lab.records import STEPS, VERSION, PlannedFault, Row

PATIENCE_S = 10
"""Seconds that one waits for another process to finish its transaction, which takes none."""

_THE_DISK = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
"""What is not the file's own fault."""


class Store:
    """A file of the tables in lab/records.py. Use as a context manager, or call `close`."""

    def __init__(self, path: Path, home: Path | None = None) -> None:
        """Open the file at `path`, and make it if there is none.

        What it names lies in `home`, by default the folder that it is in itself.
        Raises `MachineLacks` when it cannot be written to, `LabError` when it is not a journal,
        `Failed` while another process does not let go of it.
        """
        self.path = path
        self.home = home or path.parent
        try:
            self._db = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        with self._said():
            self._db.execute("PRAGMA journal_mode = WAL")
            # In WAL mode only FULL flushes at each commit: a power cut must not lose a token.
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            try:
                self._make()
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def _make(self) -> None:
        version = self._version()
        # Asked once more: another process may have made it meanwhile.
        if version == 0 and self._tables() and self._version() == 0:
            raise self._not_a_journal("it has other tables")
        if version < VERSION:
            with self._writing() as db:
                # Another process may have made it while we waited for the lock.
                for step in STEPS[self._version() :]:
                    for statement in step.split(";\n"):
                        db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")
        elif version > VERSION:
            raise LabError(
                f"{self.path} was written by a newer version of the lab",
                remedy="use that version, or another home with LAB_HOME=/some/where",
            )
        for table, row in (("incidents", Row), ("faults", PlannedFault)):
            columns = [one.name for one in fields(row)]
            there = self._db.execute("SELECT name FROM pragma_table_info(?)", (table,))
            if [name for (name,) in there] != columns:
                raise self._not_a_journal(f"its table of {table} is another one")

    def _tables(self) -> bool:
        (count,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return bool(count)

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on the disk afterwards, or none of it."""
        with self._said():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        except ValueError as error:
            raise self._not_a_journal(str(error)) from error

    def _refusal(self, error: sqlite3.Error) -> LabError:
        # The lower byte is the code, the others tell more of it (https://sqlite.org/rescode.html).
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return Failed(
                f"another process has not let go of the journal {self.path} for {PATIENCE_S} s",
                remedy=f"wait for it, or end it; `fuser {self.path}` tells who it is",
            )
        if code in _THE_DISK:
            return MachineLacks(
                f"the journal {self.path} cannot be used: {error}",
                remedy="make its directory writable and free some space there, or choose another "
                "with LAB_HOME=/some/where",
            )
        return self._not_a_journal(str(error))

    def _not_a_journal(self, why: str) -> LabError:
        return LabError(
            f"{self.path} is not a journal, or a damaged one: {why}",
            remedy="move it away; `lab restore` then only brings the services back, and `lab reset`"
            " the data",
        )
