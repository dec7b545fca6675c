"""The statements that the application sends to its databases, as its own sources have them.

pg_stat_statements has them too, with every constant taken out; but what an index serves can hang by
a constant: a partial one is for one status alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SERVICES = Path(__file__).resolve().parents[1] / "services"


@cache
def asked(services: Path = SERVICES) -> dict[str, str]:
    """Name -> text, as it is sent: each `Query(name, text)` of the sources (darkroom/db.py)."""
    return {
        name: f"/* {name} */ {' '.join(text.split())}"
        for path in sorted(services.rglob("*.py"))
        for name, text in _queries(path)
    }


def _queries(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(
                func=ast.Name(id="Query"),
                args=[ast.Constant(value=str(name)), ast.Constant(value=str(text))],
            ):
                yield name, text
