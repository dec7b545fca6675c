"""How well the order of a night can be told: when each signal of the truth's chain moved, how
sharply that is known, and how many pairs of them are told apart."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from lab.grading.onset import Onset, apart, onsets
from lab.history import History

HALF = 0.5
"""Of the pairs of a chain at least so many are to be told apart, or its order is no question."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A signal of the chain: `after_s` seconds after the injection it had moved, and it began up to
    `resolution_s` earlier; None where it never moved or could not be measured."""

    signal: str
    after_s: float | None
    resolution_s: float | None


@dataclass(frozen=True, slots=True)
class Order:
    """The chain of one night, first to last as the truth has it."""

    chain: tuple[Placed, ...]

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return len(self.chain) * (len(self.chain) - 1) // 2

    @property
    def told(self) -> tuple[int, int]:
        """How many pairs are told apart: those that moved as the truth has it, and the others."""
        right = wrong = 0
        for one, other in itertools.combinations(map(_onset, self.chain), 2):
            if apart(one, other):
                assert one.at is not None
                assert other.at is not None
                right, wrong = right + (one.at < other.at), wrong + (one.at > other.at)
        return right, wrong

    @property
    def judged(self) -> bool:
        """Whether enough of it can be told to ask for it."""
        return sum(self.told) >= HALF * self.pairs


def order_of(history: History, chain: Sequence[str]) -> Order:
    """When the signals of a chain moved in this night."""
    found = onsets(history, chain)
    return Order(tuple(_placed(name, found.get(name), history.injected_at) for name in chain))


def _placed(name: str, onset: Onset | None, injected_at: float) -> Placed:
    if onset is None or onset.at is None:
        return Placed(name, None, None)
    return Placed(name, round(onset.at - injected_at, 3), round(onset.resolution_s, 3))


def _onset(one: Placed) -> Onset:
    if one.after_s is None or one.resolution_s is None:
        return Onset(one.signal, "unknown", "")
    return Onset(one.signal, "moved", "", at=one.after_s, resolution_s=one.resolution_s)


def markdown(nights: Sequence[tuple[str, Order]]) -> str:
    """A line for each chain of each scenario, by scenario; empty where there is none."""
    lines = [
        "| scenario | chain: moved after (known to) | nights | pairs told apart | wrong | judged |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    kinds = sorted({(slug, tuple(p.signal for p in order.chain)) for slug, order in nights})
    for slug, chain in kinds:
        orders = [
            order
            for one, order in nights
            if (one, tuple(placed.signal for placed in order.chain)) == (slug, chain)
        ]
        told = [sum(order.told) for order in orders]
        cells = [
            slug,
            ", ".join(_usual(name, orders) for name in chain),
            str(len(orders)),
            f"{statistics.median(told):g} ({min(told)} to {max(told)}) of {orders[0].pairs}",
            str(sum(order.told[1] for order in orders)),
            f"{sum(order.judged for order in orders)} of {len(orders)}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n" if kinds else ""


def _usual(name: str, orders: Sequence[Order]) -> str:
    placed = [one for order in orders for one in order.chain if one.signal == name]
    after = [one.after_s for one in placed if one.after_s is not None]
    known = [one.resolution_s for one in placed if one.resolution_s is not None]
    if not after:
        return f"`{name}` never"
    return f"`{name}` {statistics.median(after):.1f} s ({statistics.median(known):.1f} s)"
