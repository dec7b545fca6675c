"""What the answers to postgres.sql mean: names, labels, and what each metric is.

Names follow the packaged prometheus-postgres-exporter where it has them.
"""

from __future__ import annotations

import re

from exporters.exposition import Meaning, Sample

LENGTH = 60  # characters of a statement's text in its label

LABELS = {
    "pg_database_size_bytes": ("datname",),
    "pg_stat_activity_count": ("datname", "state"),
    "pg_stat_activity_max_tx_duration": ("datname", "state"),
    "pg_stat_database_xact_commit": ("datname",),
    "pg_stat_database_xact_rollback": ("datname",),
    "pg_stat_database_blks_hit": ("datname",),
    "pg_stat_database_blks_read": ("datname",),
    "pg_stat_database_deadlocks": ("datname",),
    "pg_stat_database_temp_bytes": ("datname",),
    "pg_stat_user_tables_seq_scan": ("relname",),
    "pg_stat_user_tables_seq_tup_read": ("relname",),
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
    "pg_stat_activity_max_tx_duration": Meaning(
        "gauge", "Seconds for which the client transaction that is open longest has been open."
    ),
    "pg_locks_waiting": Meaning("gauge", "Lock requests that are not granted."),
    "pg_stat_database_xact_commit": Meaning("counter", "Transactions committed."),
    "pg_stat_database_xact_rollback": Meaning("counter", "Transactions rolled back."),
    "pg_stat_database_blks_hit": Meaning("counter", "Blocks found in shared buffers."),
    "pg_stat_database_blks_read": Meaning("counter", "Blocks read from outside them."),
    "pg_stat_database_deadlocks": Meaning("counter", "Deadlocks."),
    "pg_stat_database_temp_bytes": Meaning("counter", "Bytes written to temporary files."),
    "pg_stat_user_tables_seq_scan": Meaning("counter", "Sequential scans of the table."),
    "pg_stat_user_tables_seq_tup_read": Meaning("counter", "Rows read by sequential scans."),
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
        return match[1][:LENGTH]
    return " ".join(text.split())[:LENGTH].rstrip()


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
