"""Postgres, primary and replica: statements, scans, locks, connections, replication."""

from __future__ import annotations

from tools.dashboards.layout import Board, lines, state

BOARD = Board(
    uid="database",
    title="Database",
    description="Where the time goes, statement by statement; how rows are found; who waits for "
    "whom; how far the replica is behind.",
    rows={
        "Statements": (
            lines("Time of one call", "postgres:query_seconds:mean"),
            lines("Where the time goes", "postgres:query_time:rate"),
            lines("Calls", "postgres:queries:rate"),
        ),
        "How rows are found": (
            lines("Rows read table by table", "postgres:seq_rows:rate", width=12),
            lines("Whole-table scans", "postgres:seq_scans:rate", width=12),
            lines("Index look-ups by table", "postgres:index_scans:rate", width=12),
            lines("Index look-ups by index", "postgres:index_use:rate", width=12),
        ),
        "Locks and connections": (
            lines("Waiting for a lock", "postgres:locks_waiting"),
            lines("Connections by state", "postgres:connections"),
            lines("Connections of the limit", "postgres:connections:ratio"),
            lines("Transactions", "postgres:commits:rate", "postgres:rollbacks:rate"),
            lines("Size", "postgres:database_bytes"),
            state("Answers at all", "postgres:up"),
        ),
        "Replication": (
            lines("Replica behind, seconds", "replication:lag_seconds"),
            lines("Replica behind, bytes", "replication:lag_bytes", "replication:backlog_bytes"),
            state("Replica connected", "replication:streaming"),
        ),
        "Open transactions": (lines("Open for the longest", "postgres:transaction_seconds:max"),),
    },
)
