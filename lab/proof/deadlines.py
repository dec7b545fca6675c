"""Have the deadlines of a scenario's symptoms room? Measured on nights that were contributed. Pure.

A deadline that is met by a second on one machine is missed on the next. Twice the usual delay is
what a slower machine, or a busy one, may need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from lab.proof.lived import Account
from lab.scenario import Symptom

ROOM = 2.0
"""How many times its usual delay a symptom gets at least."""


def usual(nights: Iterable[Account]) -> dict[str, float]:
    """The usual delay of each symptom, in seconds, by its text: the median over the nights that had
    the machine to themselves."""
    delays: dict[str, list[float]] = {}
    for night in nights:
        if night.beside == "none" and night.stacks == 1:
            for text, after in night.symptoms.items():
                delays.setdefault(text, []).append(after)
    return {text: median(several) for text, several in delays.items()}


def without_room(
    symptoms: Sequence[Symptom], delays: Mapping[str, float]
) -> Iterator[tuple[Symptom, float]]:
    """The symptoms that are due too soon, each with its usual delay. Of what was never measured
    nothing can be said."""
    for symptom in symptoms:
        after = delays.get(str(symptom))
        if after is not None and symptom.within_s < ROOM * after:
            yield symptom, after
