"""Histories on disk: one JSON document each, gzipped when the name ends in `.gz`.

Series are written compactly: evenly spaced times as start, step and count. Numbers survive exactly,
so that a history grades the same after a round trip; `recordable` makes them short beforehand.
"""

from __future__ import annotations

import gzip
import json
import operator
import re
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard

from pydantic import TypeAdapter, ValidationError

from lab.errors import BadInput
from lab.files import replace_file
from lab.handed import read_bytes
from lab.history import History
from lab.series import MOST, Series
from lab.units import LAST

FORMAT = 1
DIGITS = 6
"""Significant digits that `recordable` keeps: far more than any tolerance looks at."""

MOST_BYTES = 48 * 2**20
MOST_SAMPLES = 4_000_000
MOST_PARTS = 1_000_000
"""Of a history that somebody hands over: two hours of every signal come to less. Parts are lists,
words and their like, which take more memory than bytes; a history is numbers above all."""

_HALF = re.compile("[\ud800-\udfff]")
_SERIES_KEYS = {"labels", "times", "values"}


def recordable(series: Iterable[Series]) -> tuple[Series, ...]:
    """The same series with values of `DIGITS` digits, without the name that Prometheus adds.

    To be used when a history is put together, so that what is judged is what is saved. Points that
    are not finite, or beyond what can be measured, are left out: nothing was measured there.
    """
    kept: list[Series] = []
    for one in series:
        points = [
            (round(at, 3), float(f"{value:.{DIGITS}g}"))
            for at, value in zip(one.times, one.values, strict=True)
            if abs(value) <= MOST
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


def load(path: Path, *, own: bool = False) -> History:
    """Reads a history. Raises `BadInput` when it cannot be read, is none, or is larger than any
    night; one of the lab's `own` may be as long as somebody has left it on."""
    most, samples = (2**40, 2**40) if own else (MOST_BYTES, MOST_SAMPLES)
    try:
        text = read_bytes(path, most)
        if path.suffix == ".gz":
            with gzip.open(BytesIO(text)) as file:
                text = file.read() if own else file.read(most + 1)
        if len(text) > most:
            raise BadInput(f"{path}: more than {most // 2**20} MiB once it is unpacked")
        if not own and sum(text.count(sign) for sign in (b"[", b"{", b'"')) > MOST_PARTS:
            raise BadInput(f"{path}: more than {MOST_PARTS} lists and words; no night has so many")
        document = json.loads(text, parse_constant=_no_number)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise BadInput(f"{path}: not a history of format {FORMAT}")
        history = _adapter().validate_python(_unpacked(document.get("history")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(f"{path}: not a history: {place}: {first['msg']}") from error
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: not a history, or a damaged one: {error}") from error
    except RecursionError as error:
        raise BadInput(f"{path}: not a history: it is nested without end") from error
    if _samples(history) > samples:
        raise BadInput(f"{path}: more than {samples} samples; no night is so long")
    return history


def _samples(history: History) -> int:
    """How many there are once each series of a signal has one wherever another has."""
    several = [
        *history.signals.values(),
        *history.sharp.values(),
        *(part for one in history.receipts for part in (one.baseline, one.observed)),
    ]
    return sum(
        len(part) * len({at for one in part for at in one.times})
        if len(part) > 1
        else sum(len(one.times) for one in part)
        for part in several
    )


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
            return _series(node)
        return {_text(key): _unpacked(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_unpacked(value) for value in node]
    return _text(node) if isinstance(node, str) else node


def _text(said: str) -> str:
    """JSON can write half of a pair, which nothing that is shown or sent can hold."""
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", said)


def _series(packed: dict[str, Any]) -> Series:
    """Raises `ValueError` for what cannot have been measured."""
    labels, values = packed["labels"], packed["values"]
    if not isinstance(labels, dict) or not all(isinstance(text, str) for text in labels.values()):
        raise ValueError("a series has labels that are no words")
    if not _within(values, -MOST, MOST):
        raise ValueError("a series has values that are no numbers")
    times = _unpacked_times(packed["times"], len(values))
    if any(map(operator.gt, times, islice(times, 1, None))):
        raise ValueError("a series goes back in time")
    named = {_text(key): _text(text) for key, text in labels.items()}
    return Series(named, times, tuple(map(float, values)))


def _within(numbers: object, least: float, most: float) -> TypeGuard[list[float]]:
    """Whether that is a list of nothing but numbers between these: of millions, at C's pace."""
    if not isinstance(numbers, list) or not set(map(type, numbers)) <= {int, float}:
        return False
    return not numbers or (least <= min(numbers) and max(numbers) <= most)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} was never measured")


def _packed_times(times: Sequence[float]) -> dict[str, float] | list[float]:
    if len(times) > 3:
        step = times[1] - times[0]
        if _even(times[0], step, len(times)) == tuple(times):
            return {"start": times[0], "step": step, "count": len(times)}
    return list(times)


def _unpacked_times(packed: object, count: int) -> tuple[float, ...]:
    """`count` moments. Raises `ValueError` where they are not, or not so many."""
    if isinstance(packed, dict):
        even: list[Any] = [packed.get("start"), packed.get("step")]
        if packed.get("count") == count and _within(even, 0, LAST):
            packed = list(_even(even[0], even[1], count))
    if not _within(packed, 0, LAST) or len(packed) != count:
        raise ValueError("a series has other times than values, or such as no calendar shows")
    return tuple(map(float, packed))


def _even(start: float, step: float, count: int) -> tuple[float, ...]:
    return tuple(start + index * step for index in range(count))
