"""YAML files written by people: read, validated, and refused with file, line and column."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lab.errors import BadInput
from lab.handed import STDIN, read_stdin, read_text

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]
"""The way to a value: keys and indexes from the top of the document."""

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at one place of a document; `on_key`: with the key, not with its value."""

    place: Place
    text: str
    on_key: bool = False


def near(word: str, known: Collection[str], names: Mapping[str, str] | None = None) -> str:
    """A question such as "did you mean a or b?", or nothing when no known word is close.

    `names` leads from a known word to what should be suggested in its place.
    """
    by_folded = {one.casefold(): names[one] if names else one for one in known}
    folded = word.casefold()
    found = difflib.get_close_matches(folded, by_folded, n=5, cutoff=0.6)
    if len(folded) >= 3:
        found += [one for one in by_folded if folded in one]
    suggested = list(dict.fromkeys(by_folded[one] for one in found))[:3]
    return f"did you mean {' or '.join(suggested)}?" if suggested else ""


class Document:
    """One YAML document and where everything in it stands.

    `name` is what messages call it: a path, or for instance "standard input".
    """

    def __init__(self, text: str, name: str) -> None:
        """Parses `text`. Raises `BadInput` with line and column when it is not YAML, or YAML that
        nobody writes by hand (see lab/yaml.py)."""
        from lab.yaml import load

        self.name = name
        # A tree of ruamel's own round-trip types, each with `.lc`.
        self.root: Any = load(text, name)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The document in that file. Raises `BadInput` when it cannot be read or is not YAML."""
        return cls(read_text(path), str(path))

    @classmethod
    def handed_over(cls, path: Path) -> Self:
        """The same, where `-` is standard input."""
        return cls(read_stdin(), STDIN) if str(path) == "-" else cls.read(path)

    def into(self, model: type[Model]) -> Model:
        """The document as that model. Raises `BadInput` naming every problem and its place."""
        if not isinstance(self.root, dict):
            fields = ", ".join(model.model_fields)
            raise BadInput(f"{self.name}:1:1: expected keys and values ({fields})")
        try:
            return model.model_validate(self.root)
        except ValidationError as error:
            problems = [_problem(self._shortened(one["loc"]), one, model) for one in error.errors()]
            raise self.refusal(problems) from error

    def refusal(self, problems: Sequence[Problem], *, remedy: str | None = None) -> BadInput:
        """The error that shows these problems, in the order of the file."""
        placed = [(self.at(one.place, on_key=one.on_key), one) for one in problems]
        lines = [
            f"{self.name}:{line}:{column}: "
            + (f"{'.'.join(map(str, one.place))}: " if one.place else "")
            + one.text
            for (line, column), one in sorted(placed, key=lambda pair: pair[0])
        ]
        if len(lines) > _SHOWN:
            lines = [*lines[:_SHOWN], f"... and {len(lines) - _SHOWN} more"]
        return BadInput("\n".join(lines), remedy=remedy)

    def at(self, place: Place, *, on_key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value (or key) at that place; of the nearest thing above
        it when there is no such place."""
        node, where = self.root, (1, 1)
        for key in place:
            marks = getattr(node, "lc", None)
            if marks is None:
                break
            try:
                if isinstance(node, list):
                    line, column = marks.item(key)
                else:
                    line, column = marks.key(key) if on_key else marks.value(key)
                node = node[key]
            except (KeyError, IndexError, TypeError):
                break
            where = (line + 1, column + 1)
        return where

    def _shortened(self, place: Place) -> Place:
        """Without the tags of unions, which pydantic puts into the way."""
        kept: list[str | int] = []
        node = self.root
        for key in place:
            is_item = isinstance(node, list) and isinstance(key, int) and key < len(node)
            if is_item or (isinstance(node, dict) and key in node):
                node = node[key]
            elif key == place[-1]:
                node = None
            else:
                continue
            kept.append(key)
        return tuple(kept)


def _problem(place: Place, found: ErrorDetails, model: type[BaseModel]) -> Problem:
    """One of pydantic's findings, in words for whoever wrote the file."""
    kind = found["type"]
    if kind == "extra_forbidden":
        allowed = _fields_at(model, found["loc"][:-1])
        hint = near(str(place[-1]), allowed) or f"allowed here: {', '.join(allowed)}"
        return Problem(place, f"unknown key; {hint}", on_key=True)
    if kind == "missing":
        return Problem(place, "is missing")
    if kind in ("model_type", "dict_type"):
        return Problem(place, f"expected keys and values ({', '.join(_fields_at(model, place))})")
    if kind == "union_tag_invalid":
        key, tag = found["ctx"]["discriminator"].strip("'"), str(found["ctx"]["tag"])
        known = [one.strip(" '") for one in found["ctx"]["expected_tags"].split(",")]
        hint = near(tag, known) or f"there are: {', '.join(known)}"
        return Problem((*place, key), f"there is no {key} {tag!r}; {hint}")
    return Problem(place, found["msg"].removeprefix("Value error, "))


def _fields_at(model: type[BaseModel], place: Place) -> list[str]:
    """The keys that are allowed at that place of that model."""
    models = [model]
    for key in place:
        if isinstance(key, str) and any(key in one.model_fields for one in models):
            annotations = [
                one.model_fields[key].annotation for one in models if key in one.model_fields
            ]
            models = [found for annotation in annotations for found in _models_in(annotation)]
        elif isinstance(key, str) and len(models) > 1:
            # The tag of a union, which pydantic puts into the place.
            models = [one for one in models if _has_tag(one, key)] or models
    return sorted({name for one in models for name in _names(one)})


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """The models inside `list[A | B]`, `Annotated[A, ...]` and their like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]


def _has_tag(model: type[BaseModel], tag: str) -> bool:
    fields = model.model_fields.values()
    return any(tag in get_args(field.annotation) for field in fields)


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
