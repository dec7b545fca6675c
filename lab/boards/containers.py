"""What everything stands on: CPU, throttling, memory, disk."""

from __future__ import annotations

from lab.boards.layout import Board, lines, row, state

BOARD = Board(
    uid="containers",
    title="Containers",
    short="Containers",
    place=7,
    description="Each container against its limit. Throttled means that the kernel held it back "
    "though the machine had time to spare.",
    narrow=True,
    rows=(
        row(
            "CPU",
            lines(2, "CPU of the limit", "container:cpu:ratio"),
            lines(3, "Held back at the limit", "container:throttled:ratio"),
            lines(4, "CPU, cores", "container:cpu:cores"),
        ),
        row(
            "Memory and disk",
            lines(6, "Memory of the limit", "container:memory:ratio"),
            lines(7, "Memory", "container:memory_bytes"),
            lines(8, "Killed for want of memory", "container:oom_kills:rate"),
        ),
        row(
            "Running",
            state(10, "Running", "container:up", width=16, height=12),
            lines(9, "Disk free", "disk:free:ratio", height=12),
        ),
    ),
)
