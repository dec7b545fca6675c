"""The order part of a diagnosis: the learner's chain against the order measured in this incident.

Pure. Of every two signals of the learner's chain that left their baselines at moments far enough
apart to be told apart, the learner has the order right or wrong. Pairs closer than the resolution
do not count, in either direction: what they could have won is open, and no loss. A signal that
never moved (or that the scenario moved as a red herring) is one wrong claim. What is right is
weighed with how much of the story is told: a chain of one tells nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence

from lab.grading.onset import Onset, apart
from lab.grading.verdict import Part

POSSIBLE = 20
SIGNALS_NEEDED = 4
"""So many signals, rightly ordered, tell the story; fewer where the incident has fewer."""


def order_part(
    chain: Sequence[str],
    story: Collection[str],
    onsets: Mapping[str, Onset],
    red_herrings: Collection[str] = (),
) -> Part:
    """The points for the learner's `chain`; `story` are the signals of the truth's own chain."""
    if not chain:
        return Part("order", POSSIBLE, 0, 0, ("no order was given",))
    needed = min(SIGNALS_NEEDED, len(_placeable([n for n in story if n in onsets], onsets)))
    if needed < 2:
        why = "no two onsets of this incident could be told apart"
        return Part("order", POSSIBLE, 0, POSSIBLE, (why,))
    lines: list[str] = []
    named = list(dict.fromkeys(chain))
    herrings = [name for name in named if name in red_herrings]
    known = [name for name in named if name in onsets and name not in herrings]
    unmeasured = [name for name in named if name not in onsets]
    unmeasured += [name for name in known if onsets[name].state == "unknown"]
    still = [name for name in known if onsets[name].state == "still"]
    moved = [name for name in known if onsets[name].at is not None]
    right, wrong = _pairs(moved, onsets, lines)
    lines += [f"{name} never left its baseline: counts as one wrong" for name in still]
    lines += [f"{name} has nothing to do with it: counts as one wrong" for name in herrings]
    lines += [f"{name} could not be measured: does not count" for name in unmeasured]
    told_apart = right + wrong
    wrong += len(still) + len(herrings)
    placed = len(_placeable(moved, onsets))
    points = _points(right, wrong, placed, needed)
    # At best every signal that could not be measured, or not be told apart, would have stood in the
    # right place among the others.
    reach = len(moved) + len(unmeasured)
    pairs = reach * (reach - 1) // 2 - told_apart
    best = max(points, _points(right + pairs, wrong, reach, needed)) if pairs else points
    told = min(placed, needed)
    lines.append(
        f"pairs: {right} right, {wrong} wrong; signals placed: {told} of {needed}; "
        f"{POSSIBLE} x {_accuracy(right, wrong):.2f} x {told}/{needed} = {points}"
    )
    return Part("order", POSSIBLE, points, best - points, tuple(lines))


def measured_order(names: Collection[str], onsets: Mapping[str, Onset]) -> tuple[Onset, ...]:
    """The onsets of those signals, earliest first, then those that never moved or are unknown."""
    found = [onsets.get(name) or Onset(name, "unknown", "was not recorded") for name in names]
    rank = {"moved": 0, "still": 1, "unknown": 2}
    return tuple(sorted(found, key=lambda one: (rank[one.state], one.at or 0.0, one.signal)))


def _pairs(moved: Sequence[str], onsets: Mapping[str, Onset], lines: list[str]) -> tuple[int, int]:
    right = wrong = 0
    for first, second in itertools.combinations(moved, 2):
        one, other = onsets[first], onsets[second]
        if not apart(one, other):
            continue
        ahead = (other.at or 0.0) - (one.at or 0.0)
        if ahead > 0:
            right += 1
        else:
            wrong += 1
            lines.append(f"{second} moved {-ahead:.1f} s before {first}, not after it")
    return right, wrong


def _placeable(names: Sequence[str], onsets: Mapping[str, Onset]) -> list[str]:
    """Those that can be told apart from at least one of the others."""
    return [
        name
        for name in names
        if any(apart(onsets[name], onsets[other]) for other in names if other != name)
    ]


def _accuracy(right: int, wrong: int) -> float:
    return max(0.0, (right - wrong) / (right + wrong)) if right + wrong else 0.0


def _points(right: int, wrong: int, placed: int, needed: int) -> int:
    return int(POSSIBLE * _accuracy(right, wrong) * min(1.0, placed / needed) + 0.5)
