"""What was said and measured in an incident, as the journal has it: JSON of the lab's own types."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lab.diagnosis import Diagnosis
from lab.doors import Doors
from lab.errors import Unknown
from lab.history import Recovery
from lab.records import Row

T = TypeVar("T")


def as_json(value: object, kind: type[Any]) -> str:
    """One of the lab's own types as JSON, for the journal."""
    return TypeAdapter(kind).dump_json(value).decode()


def from_json(text: str, kind: type[T]) -> T:
    """The same, back. Raises `Unknown` for what another version has written, or is damaged."""
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        what = getattr(kind, "__name__", str(kind))
        raise Unknown(
            f"what the journal has kept cannot be read as {what}: {error.errors()[0]['msg']}",
            remedy="`lab restore` brings the stack home all the same",
        ) from error


def last_diagnosis(doors: Doors, row: Row) -> Diagnosis | None:
    """The diagnosis that counts."""
    answers = doors.journal.answers(row.id)
    return from_json(answers[-1].diagnosis, Diagnosis) if answers else None


def last_recovery(doors: Doors, row: Row) -> Recovery | None:
    """What was measured the last time that somebody said it was fixed."""
    claims = doors.journal.claims(row.id)
    return from_json(claims[-1].content, Recovery) if claims else None
