"""The cache that saved you, and what it costs when it does not."""

from __future__ import annotations

from lab.boards.layout import Board, lines, row

BOARD = Board(
    uid="cache",
    title="Cache",
    short="Cache",
    place=4,
    description="Cache-aside in Redis: what it knows, what it lacks, what is loaded for it. A miss "
    "is a question to the database.",
    rows=(
        row(
            "What it knows",
            lines(2, "Hits, and of them stale", "cache:hits:ratio", "cache:stale:ratio", width=12),
            lines(3, "Hits by kind of object", "cache:object_hits:ratio", width=12),
        ),
        row(
            "What it costs",
            lines(5, "Misses", "cache:misses:rate"),
            lines(6, "Loads", "cache:loads:rate"),
            lines(7, "Errors and evictions", "cache:errors:rate", "cache:evictions:rate"),
        ),
        row(
            "What is in it",
            lines(9, "Entries", "cache:keys", width=12),
            lines(10, "Memory", "cache:memory_bytes", width=12),
        ),
    ),
)
