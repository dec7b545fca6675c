"""Postgres, primary and replica: statements, scans, locks, connections, replication."""

from __future__ import annotations

from lab.boards.layout import Board, lines, row, state

BOARD = Board(
    uid="database",
    title="Database",
    short="Database",
    place=5,
    description="Where the time goes, statement by statement; how rows are found; who waits for "
    "whom; how far the replica is behind.",
    narrow=True,
    rows=(
        row(
            "Statements",
            lines(2, "Time of one call", "postgres:query_seconds:mean"),
            lines(3, "Where the time goes", "postgres:query_time:rate"),
            lines(4, "Calls", "postgres:queries:rate"),
        ),
        row(
            "How rows are found",
            lines(6, "Rows read table by table", "postgres:seq_rows:rate"),
            lines(8, "Index look-ups by table", "postgres:index_scans:rate"),
            lines(9, "Index look-ups by index", "postgres:index_use:rate"),
        ),
        row(
            "Sessions",
            lines(11, "Waiting for a lock", "postgres:locks_waiting"),
            lines(22, "Transaction open longest", "postgres:transaction_seconds:max"),
            lines(12, "Sessions by state", "postgres:connections"),
            lines(13, "Connections of the limit", "postgres:connections:ratio"),
            lines(14, "Transactions", "postgres:commits:rate", "postgres:rollbacks:rate"),
            lines(7, "Whole-table scans", "postgres:seq_scans:rate"),
        ),
        row(
            "Replication and size",
            lines(18, "Replica behind, seconds", "replication:lag_seconds"),
            lines(
                19, "Replica behind, bytes", "replication:lag_bytes", "replication:backlog_bytes"
            ),
            lines(15, "Size", "postgres:database_bytes"),
            state(16, "Servers answer", "postgres:up", width=12),
            state(20, "Replica connected", "replication:streaming", width=12),
        ),
    ),
)
