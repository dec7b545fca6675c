"""What was lived in this home, and what it was worth."""

from __future__ import annotations

from dataclasses import dataclass

from lab.doors import Doors
from lab.ending import verdict_of
from lab.errors import LabError
from lab.grading.verdict import Verdict
from lab.incident import scenario_of
from lab.records import Row

MOST = 50
"""Incidents; judging each takes reading a recording."""


@dataclass(frozen=True, slots=True)
class Lived:
    """A past incident and its verdict; None where there is none, with the reason."""

    row: Row
    family: str
    verdict: Verdict | None
    why: str = ""

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        row, verdict = self.row, self.verdict
        told: dict[str, object] = {
            "incident": row.id,
            "slug": row.slug,
            "seed": row.seed,
            "opened_at": row.opened_at,
            "history": row.history,
        }
        if verdict is None:
            return {**told, "problem": self.why}
        return {
            **told,
            "light": verdict.light,
            "points": verdict.points,
            "possible": verdict.possible,
            "diagnosed": verdict.diagnosed,
            "mitigated": verdict.mitigated,
            "mitigated_s": verdict.times.mitigated_s,
        }


def lived(doors: Doors, past: dict[int, Lived] | None = None, *, most: int = MOST) -> list[Lived]:
    """The incidents that were announced and are over, the last first, of the `most` last begun.

    `past` keeps, by number, those that nothing changes any more: each takes reading a recording.
    """
    past = {} if past is None else past
    found: list[Lived] = []
    for row in doors.journal.incidents(most):
        if row.announced_at is None or row.ended_at is None:
            continue
        one = past.get(row.id) or _judged(doors, row)
        if row.closed_at is not None:
            past[row.id] = one
        found.append(one)
    return found


def _judged(doors: Doors, row: Row) -> Lived:
    try:
        return Lived(row, scenario_of(row).family, verdict_of(doors, row))
    except (LabError, ValueError) as error:
        # Of another version of the lab; what it was worth then cannot be told.
        return Lived(row, "", None, str(error).splitlines()[0])
