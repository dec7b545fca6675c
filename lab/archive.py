"""Histories on disk: one JSON document each, gzipped when the name ends in `.gz`.

Series are written compactly: evenly spaced times as start, step and count. Numbers survive exactly,
so that a history grades the same after a round trip; `recordable` makes them short beforehand.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lab.errors import BadInput
from lab.files import replace_file
from lab.history import History
from lab.series import Series

FORMAT = 1
DIGITS = 6
"""Significant digits that `recordable` keeps: far more than any tolerance looks at."""

_SERIES_KEYS = {"labels", "times", "values"}


def recordable(series: Iterable[Series]) -> tuple[Series, ...]:
    """The same series with values of `DIGITS` digits, without the name that Prometheus adds.

    To be used when a history is put together, so that what is judged is what is saved. Points that
    are not finite are left out: nothing was measured there.
    """
    kept: list[Series] = []
    for one in series:
        points = [
            (round(at, 3), float(f"{value:.{DIGITS}g}"))
            for at, value in zip(one.times, one.values, strict=True)
            if math.isfinite(value)
        ]
        labels = {key: text for key, text in sorted(one.labels.items()) if key != "__name__"}
        kept.append(Series(labels, tuple(at for at, _ in points), tuple(v for _, v in points)))
    return tuple(kept)


def save(history: History, path: Path) -> None:
    """Writes the history, replacing what was there only when all of it is on the disk."""
    document = {"format": FORMAT, "history": _packed(_adapter().dump_python(history, mode="json"))}
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    if path.suffix == ".gz":
        text = gzip.compress(text, compresslevel=6, mtime=0)
    replace_file(path, text)


def load(path: Path) -> History:
    """Reads a history. Raises `BadInput` when it cannot be read or is none."""
    try:
        text = path.read_bytes()
        if path.suffix == ".gz":
            text = gzip.decompress(text)
        document = json.loads(text)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: not a history, or a damaged one: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadInput(f"{path}: not a history of format {FORMAT}")
    try:
        return _adapter().validate_python(_unpacked(document.get("history")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(f"{path}: not a history: {place}: {first['msg']}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: not a history: a series is damaged ({error!r})") from error


@cache
def _adapter() -> TypeAdapter[History]:
    return TypeAdapter(History)


# JSON's own shapes below: whatever pydantic makes of a history, and back.


def _packed(node: Any) -> Any:
    if isinstance(node, dict):
        if node.keys() == _SERIES_KEYS:
            return {
                "labels": node["labels"],
                "times": _packed_times(node["times"]),
                "values": [int(one) if one == int(one) else one for one in node["values"]],
            }
        return {key: _packed(value) for key, value in node.items()}
    return [_packed(value) for value in node] if isinstance(node, list) else node


def _unpacked(node: Any) -> Any:
    if isinstance(node, dict):
        if node.keys() == _SERIES_KEYS:
            return Series(
                node["labels"],
                _unpacked_times(node["times"]),
                tuple(float(value) for value in node["values"]),
            )
        return {key: _unpacked(value) for key, value in node.items()}
    return [_unpacked(value) for value in node] if isinstance(node, list) else node


def _packed_times(times: Sequence[float]) -> dict[str, float] | list[float]:
    if len(times) > 3:
        step = times[1] - times[0]
        if _even(times[0], step, len(times)) == tuple(times):
            return {"start": times[0], "step": step, "count": len(times)}
    return list(times)


def _unpacked_times(packed: dict[str, float] | list[float]) -> tuple[float, ...]:
    if isinstance(packed, dict):
        return _even(packed["start"], packed["step"], int(packed["count"]))
    return tuple(float(at) for at in packed)


def _even(start: float, step: float, count: int) -> tuple[float, ...]:
    return tuple(start + index * step for index in range(count))
