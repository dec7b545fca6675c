"""One Postgres server's state for Prometheus, scraped every second.

Written for this lab rather than taken from the packaged prometheus-postgres-exporter, because
of what an incident does to a server: that exporter waits without limit for one that is
paused or overloaded, so its scrapes time out and pile up, and it reads all statement texts
each time. This one holds one connection and makes one round trip, with a deadline:

- the server answers: its values, pg_up 1;
- it is slow (all CPU taken): the values of the last answer, at most STALE old, pg_up 1;
- it refuses, or has not answered for STALE seconds: pg_up 0 and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from pathlib import Path

import asyncpg

from exporters.exposition import Meaning, Sample, render, serve

PORT = 9187
PATIENCE = 0.7  # seconds that a scrape waits; Prometheus itself gives up after 1
DEADLINE = 4.0  # seconds until an unanswered question is given up, with its connection
STALE = 5.0  # seconds that an answer may stand for a server that is slow
STATEMENTS = 100
LABEL = 60  # characters of a statement's text in its label

QUERY = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
TEXTS = "SELECT queryid::text, query FROM pg_stat_statements WHERE queryid::text = ANY($1)"

# Names and meanings follow prometheus-postgres-exporter where it has them.
LABELS = {
    "pg_database_size_bytes": ("datname",),
    "pg_stat_activity_count": ("datname", "state"),
    "pg_stat_database_xact_commit": ("datname",),
    "pg_stat_database_xact_rollback": ("datname",),
    "pg_stat_database_blks_hit": ("datname",),
    "pg_stat_database_blks_read": ("datname",),
    "pg_stat_database_deadlocks": ("datname",),
    "pg_stat_database_temp_bytes": ("datname",),
    "pg_stat_user_tables_seq_scan": ("relname",),
    "pg_stat_user_tables_seq_tup_read": ("relname",),
    "pg_stat_user_tables_idx_scan": ("relname",),
    "pg_stat_user_tables_n_dead_tup": ("relname",),
    "pg_stat_user_indexes_idx_scan": ("relname", "indexrelname"),
    "pg_stat_statements_calls_total": ("statement",),
    "pg_stat_statements_seconds_total": ("statement",),
    "pg_stat_statements_rows_total": ("statement",),
}
MEANINGS = {
    "pg_up": Meaning("gauge", "1 when the server answers."),
    "pg_scrape_seconds": Meaning("gauge", "Seconds that the server took for its last answer."),
    "pg_scrape_age_seconds": Meaning("gauge", "Age of the values below, in seconds."),
    "pg_replication_is_replica": Meaning("gauge", "1 when the server is in recovery."),
    "pg_settings_max_connections": Meaning("gauge", "Connections that the server allows."),
    "pg_database_size_bytes": Meaning("gauge", "Bytes on disk."),
    "pg_stat_activity_count": Meaning("gauge", "Client connections by state."),
    "pg_locks_waiting": Meaning("gauge", "Lock requests that are not granted."),
    "pg_stat_database_xact_commit": Meaning("counter", "Transactions committed."),
    "pg_stat_database_xact_rollback": Meaning("counter", "Transactions rolled back."),
    "pg_stat_database_blks_hit": Meaning("counter", "Blocks found in shared buffers."),
    "pg_stat_database_blks_read": Meaning("counter", "Blocks read from outside them."),
    "pg_stat_database_deadlocks": Meaning("counter", "Deadlocks."),
    "pg_stat_database_temp_bytes": Meaning("counter", "Bytes written to temporary files."),
    "pg_stat_user_tables_seq_scan": Meaning("counter", "Sequential scans of the table."),
    "pg_stat_user_tables_seq_tup_read": Meaning("counter", "Rows read by sequential scans."),
    "pg_stat_user_tables_idx_scan": Meaning("counter", "Index scans of the table."),
    "pg_stat_user_tables_n_dead_tup": Meaning("gauge", "Dead rows."),
    "pg_stat_user_indexes_idx_scan": Meaning("counter", "Scans of the index."),
    "pg_stat_statements_calls_total": Meaning("counter", "Executions of the statement."),
    "pg_stat_statements_seconds_total": Meaning("counter", "Seconds spent executing it."),
    "pg_stat_statements_rows_total": Meaning("counter", "Rows it returned or changed."),
    "pg_replication_lag_bytes": Meaning(
        "gauge", "WAL that the primary wrote and the replica has not replayed, in bytes."
    ),
    "pg_replication_replay_backlog_bytes": Meaning(
        "gauge", "WAL that the replica received and has not replayed, in bytes."
    ),
    "pg_replication_streaming": Meaning("gauge", "1 when primary and replica are connected."),
    "pg_heartbeat_age_seconds": Meaning(
        "gauge", "Age of the heartbeat row, written every second on the primary."
    ),
}

Answer = list[tuple[str, str, str, float]]


def label(text: str) -> str:
    """A statement's name: its leading /* comment */ where it has one, else how it begins."""
    if match := re.match(r"\s*/\*\s*(.+?)\s*\*/", text, re.DOTALL):
        return match[1][:LABEL]
    return " ".join(text.split())[:LABEL].rstrip()


def samples(answer: Answer, names: dict[str, str]) -> list[Sample]:
    """An answer with labels; statements of the same name are one. `names`: by query id."""
    values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for metric, first, second, value in answer:
        keys = LABELS.get(metric, ())
        if keys == ("statement",):
            first = names.get(first, "unknown")
        identity = (metric, tuple(zip(keys, (first, second), strict=False)))
        values[identity] = values.get(identity, 0.0) + value
    return [Sample(metric, labels, value) for (metric, labels), value in values.items()]


class Server:
    """One server, asked by at most one question at a time."""

    def __init__(self, host: str, password: str) -> None:
        self._host = host
        self._password = password
        self._connection: asyncpg.Connection | None = None
        self._names: dict[str, str] = {}
        self._question: asyncio.Task[None] | None = None
        self._samples: list[Sample] = []
        self._asked = 0.0
        self._answered = float("-inf")
        self._seconds = 0.0
        self._refused = False

    async def metrics(self) -> str:
        """The text for one scrape, after PATIENCE seconds at most."""
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(self._ask())
        await asyncio.wait({self._question}, timeout=PATIENCE)
        age = time.monotonic() - self._answered
        up = not self._refused and age < STALE
        found = [Sample("pg_up", (), float(up))]
        if up:
            found.append(Sample("pg_scrape_seconds", (), self._seconds))
            found.append(Sample("pg_scrape_age_seconds", (), age))
            found += self._samples
        return render(found, MEANINGS)

    async def _ask(self) -> None:
        started = time.monotonic()
        try:
            async with asyncio.timeout(DEADLINE):
                self._samples = await self._collect()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # OSError: also time-outs
            self._refused = True
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None
        else:
            self._refused = False
            self._answered = time.monotonic()
            self._seconds = self._answered - started

    async def _collect(self) -> list[Sample]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                host=self._host,
                user="monitor",
                password=self._password,
                database="darkroom",
                timeout=DEADLINE,
                ssl=False,
                server_settings={"application_name": "exporter"},
            )
        rows = await self._connection.fetch(QUERY, STATEMENTS)
        answer: Answer = [tuple(row) for row in rows if row["value"] is not None]
        ids = {first for metric, first, _, _ in answer if metric.startswith("pg_stat_statements_")}
        if unknown := ids - self._names.keys():
            texts = await self._connection.fetch(TEXTS, list(unknown))
            self._names |= {identity: label(text) for identity, text in texts}
        return samples(answer, self._names)


def main() -> None:
    password = Path("/run/secrets/postgres_monitor").read_text(encoding="utf-8").strip()
    server = Server(os.environ["POSTGRES_HOST"], password)
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    serve(PORT, lambda: asyncio.run_coroutine_threadsafe(server.metrics(), loop).result())


if __name__ == "__main__":
    main()
