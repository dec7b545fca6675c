"""What everything stands on: CPU, throttling, memory, disk."""

from __future__ import annotations

from tools.dashboards.layout import Board, lines, state

BOARD = Board(
    uid="containers",
    title="Containers",
    description="Each container against its limit. Throttled means that the kernel held it back "
    "though the machine had time to spare.",
    rows={
        "CPU": (
            lines("CPU of the limit", "container:cpu:ratio"),
            lines("Held back at the limit", "container:throttled:ratio"),
            lines("CPU", "container:cpu:cores"),
        ),
        "Memory and disk": (
            lines("Memory of the limit", "container:memory:ratio"),
            lines("Memory", "container:memory_bytes"),
            lines("Killed for want of memory", "container:oom_kills:rate"),
            lines("Disk free", "disk:free:ratio"),
            state("Running", "container:up", width=16),
        ),
    },
)
