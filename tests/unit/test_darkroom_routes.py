"""The API's routes as its source names them: it imports more than the tests have installed."""

from __future__ import annotations

import ast
from pathlib import Path

API = Path(__file__).parents[2] / "services/api/darkroom"


def test_no_router_is_forgotten() -> None:
    """Every file that has routes is among the application's parts, which are named once: what is
    served, and what a limit on requests tells apart, come from the same list."""
    with_routes = {
        path.stem for path in API.glob("*.py") if "router = APIRouter(" in path.read_text()
    }
    tree = ast.parse((API / "app.py").read_text())
    lists = [
        {one.id for one in node.elts if isinstance(one, ast.Name)}
        for node in ast.walk(tree)
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)) and node.elts
    ]
    of_parts = [names for names in lists if names & with_routes]
    assert of_parts == [with_routes]
