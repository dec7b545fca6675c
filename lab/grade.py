"""Judges an incident: (truth, history, diagnosis) -> verdict. Pure: no clock, network or disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.diagnosis import Diagnosis
from lab.history import Check, History, Outcome
from lab.truth import Truth
from lab.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Verdict:
    diagnosed: Outcome
    mitigated: Outcome
    points: int
    possible: int
    checks: tuple[Check, ...]


def grade(
    truth: Truth,
    history: History,
    diagnosis: Diagnosis | None,
    *,
    vocabulary: Vocabulary,
    hints_used: Sequence[int] = (),
    revisions: int = 0,
) -> Verdict:
    """The verdict on one incident.

    ``diagnosis`` is the last one, None when none was made. ``hints_used`` are the prices, in
    points, of the hints that were taken; ``revisions`` counts the diagnoses after the first.
    """
    raise NotImplementedError
