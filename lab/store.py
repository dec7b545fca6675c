"""The file in which the lab keeps what must not be lost: SQLite, flushed at every commit.

Every change is one transaction, in write-ahead mode, so that others may read meanwhile and a power
cut loses nothing that was said to be kept. What an earlier version made is brought up to date.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.errors import LabError, MachineLacks
from lab.records import STEPS, VERSION


class Store:
    """A file of the tables in lab/records.py. Use as a context manager, or call `close`."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, and make it if there is none.

        Raises `MachineLacks` when it cannot be written to, `LabError` when it is not a journal.
        """
        self.path = path
        try:
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        with self._said():
            self._db.execute("PRAGMA journal_mode = WAL")
            # In WAL mode only FULL flushes at each commit: a power cut must not lose a token.
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._make()

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

    def _refusal(self, error: sqlite3.Error) -> LabError:
        if isinstance(error, sqlite3.OperationalError):
            return MachineLacks(
                f"the journal {self.path} cannot be used: {error}",
                remedy="make its directory writable and free some space there, or choose another "
                "with LAB_HOME=/some/where",
            )
        return LabError(
            f"{self.path} is not a journal: {error}",
            remedy="move it away; `lab restore` then only brings the services back, and `lab reset`"
            " the data",
        )
