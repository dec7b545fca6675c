"""The boards: which signals stand side by side, and where. One file for each; a file with a BOARD
is one.

Grafana's are made of them (`python -m tools.dashboards`), and the control room shows the same.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from lab.boards.layout import Board


@cache
def discover() -> tuple[Board, ...]:
    """Every board, along the dependency chain."""
    found = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    boards = [one.BOARD for one in found if hasattr(one, "BOARD")]
    return tuple(sorted(boards, key=lambda one: (one.place, one.uid)))
