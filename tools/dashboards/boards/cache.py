"""The cache that saved you, and what it costs when it does not."""

from __future__ import annotations

from tools.dashboards.layout import Board, lines

BOARD = Board(
    uid="cache",
    title="Cache",
    description="Cache-aside in Redis: what it knows, what it lacks, what is loaded for it. A miss "
    "is a question to the database.",
    rows={
        "What it knows": (
            lines("Hits, and of them stale", "cache:hits:ratio", "cache:stale:ratio", width=12),
            lines("Hits by kind of object", "cache:object_hits:ratio", width=12),
        ),
        "What it costs": (
            lines("Misses by kind of object", "cache:misses:rate"),
            lines("Loads", "cache:loads:rate"),
            lines("Errors and evictions", "cache:errors:rate", "cache:evictions:rate"),
        ),
        "What is in it": (
            lines("Entries", "cache:keys", width=12),
            lines("Memory", "cache:memory_bytes", width=12),
        ),
    },
)
