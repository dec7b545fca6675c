"""Where the time of a night goes: the seconds of its phases, in the order in which they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.proof.kept import Proof
from lab.proof.neighbour import KINDS, named
from lab.records import Row as Incident
from lab.units import duration

EVENING = ("up", "customers", "calm", "fault")
"""Until something is broken: the stack is brought up and looked at, caches fill up and the stage is
set, a steady state is seen, the fault is injected and its witness confirms it."""


@dataclass
class Phases:
    """The phases so far, each in seconds. `at` is when the last one ended, in Unix seconds."""

    at: float
    seconds: dict[str, float] = field(default_factory=dict)

    def until(self, at: float, name: str) -> None:
        """What has passed until `at` was that phase; one that comes again takes all its time."""
        self.seconds[name] = self.seconds.get(name, 0.0) + max(0.0, at - self.at)
        self.at = max(self.at, at)

    def evening(self, row: Incident) -> None:
        """The phases before anybody was called, as the journal has their ends."""
        ends = (row.opened_at, row.baseline_from, row.baseline_until, row.injected_at)
        for name, at in zip(EVENING, ends, strict=True):
            if at is not None:
                self.until(at, name)


def told(phases: Mapping[str, float]) -> str:
    """In one line: "up 6, customers 25, calm 30"."""
    return ", ".join(f"{name} {seconds:.0f}" for name, seconds in phases.items())


def markdown(proofs: Sequence[Proof]) -> str:
    """The mean of each phase, for each scenario and neighbour; nothing where none was noted."""
    noted = [proof for proof in proofs if proof.phases]
    names = list(dict.fromkeys(name for proof in noted for name in proof.phases))
    groups = sorted({(one.slug, KINDS.index(one.beside), one.stacks) for one in noted})
    if not groups:
        return ""
    lines = [
        "Seconds, the mean over the nights that had such a phase.\n",
        f"| scenario | beside | nights | {' | '.join(names)} | the whole |",
        f"| --- | --- | --- | {'--- | ' * len(names)}--- |",
    ]
    for slug, kind, stacks in groups:
        several = [
            one
            for one in noted
            if (one.slug, one.beside, one.stacks) == (slug, KINDS[kind], stacks)
        ]
        means = [
            _mean([one.phases[name] for one in several if name in one.phases]) for name in names
        ]
        whole = duration(sum(one.seconds for one in several) / len(several))
        beside = named(KINDS[kind], stacks)
        lines.append(f"| {slug} | {beside} | {len(several)} | {' | '.join(means)} | {whole} |")
    return "\n".join(lines) + "\n"


def _mean(seconds: Sequence[float]) -> str:
    return f"{sum(seconds) / len(seconds):.0f}" if seconds else "-"
