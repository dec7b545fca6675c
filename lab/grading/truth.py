"""What really broke: the part of a scenario that grading compares a diagnosis with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

MOST = 100
"""Of whatever a scenario lists."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A component and a cause, in the vocabulary's own words; `why` is for the debrief."""

    component: str
    cause: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """The answer of one incident (seeded choices already made).

    `object` is the very thing (the index, the replica). `chain` is the causal order of signals as
    the author expects it: it says which signals belong to the story; the order that counts is the
    one measured. `accepted` are other answers worth full marks. `red_herrings` are signals that
    the scenario moves on purpose and that have nothing to do with it. `evidence` are signals that
    tell the cause from its look-alikes in this scenario, beside those of the vocabulary.
    """

    answer: Answer
    object: str
    chain: Annotated[tuple[str, ...], Field(max_length=MOST)]
    accepted: Annotated[tuple[Answer, ...], Field(max_length=MOST)] = ()
    red_herrings: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers that earn full marks, the true one first."""
        return (self.answer, *self.accepted)
