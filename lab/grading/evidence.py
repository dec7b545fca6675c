"""The evidence part of a diagnosis: does a receipt show something, does it tell causes apart?

Pure. Every receipt was re-executed over the incident's baseline and over its own window. It is

- telling, when it left its baseline and is one of the signals that tell the true cause from its
  look-alikes, and the diagnosis names that cause: nothing is told apart in favour of a wrong one.
  Where one of several alike is named, and there is a series of it, that is what must have moved;
- supporting, when it left its baseline and so did the signal that it is about: a symptom;
- beside the point, when it left its baseline but has nothing to do with it (a red herring, a query
  that touches no signal; what rang and which switch was turned, for that says that something hurts
  and what somebody did, and not what broke): worth nothing, and costs nothing;
- empty, when it shows nothing: it costs points, so that citing everything cannot win;
- unknown, when it could not be measured: neither won nor lost.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lab.grading.calm import SUSTAIN, allowance, filled, trends
from lab.grading.onset import Onset, first_out
from lab.grading.verdict import Part
from lab.history import History, Receipt, SignalFacts
from lab.series import MAX_GAP, Series, Tolerance
from lab.units import measure

POSSIBLE = 30
TELLING = (20, 10)
"""The first receipt that tells the cause apart is the one that matters; a second confirms it."""

SUPPORTING = 5
SUPPORTING_MOST = 10
EMPTY_COSTS = 5

BROAD = 6
"""A receipt that touches more signals than this points at nothing in particular."""

DONE = frozenset({"api:flag"})
"""Signals of what an operator does: they tell a cause where it is one of them, and no symptom."""

_ANY = SignalFacts(
    unit="",
    meaning="",
    direction="either",
    component="",
    tolerance=Tolerance(ratio=0.5, floor=1e-9),
    absent=0.0,  # of free PromQL: what was not there before was zero
)

Worth = Literal["telling", "supporting", "beside", "empty", "unknown"]


@dataclass(frozen=True, slots=True)
class _Judged:
    worth: Worth
    signals: frozenset[str]
    line: str
    hope: Worth = "empty"  # of an unknown one: the best that it could have been


def evidence_part(
    history: History,
    tells: Collection[str],
    onsets: Mapping[str, Onset],
    *,
    red_herrings: Collection[str] = (),
    cause_is_right: bool,
    one_of_several: str | None = None,
) -> Part:
    """The points for the history's receipts.

    `tells` are the signals that tell the true cause apart; `red_herrings` those that the scenario
    moves for no reason. `one_of_several` is the component that the diagnosis names, where others
    are alike.
    """
    if not history.receipts:
        return Part("evidence", POSSIBLE, 0, 0, ("no evidence was given",))
    alive = [name for name in tells if name in onsets and onsets[name].state != "still"]
    if cause_is_right and not alive:
        why = "nothing that tells this cause apart could be measured in this incident"
        return Part("evidence", POSSIBLE, 0, POSSIBLE, (why,))
    telling = frozenset(tells) if cause_is_right else frozenset()
    moved = {name for name, one in onsets.items() if one.state != "still"}
    related = frozenset(moved.difference(red_herrings, DONE))
    judged = [
        _judged(number, receipt, history, telling, related, one_of_several)
        for number, receipt in enumerate(_distinct(history.receipts), start=1)
    ]
    earned, sums = _points(judged)
    hoped, _ = _points([_hopeful(one) for one in judged])
    lines = [one.line for one in judged]
    if not cause_is_right:
        lines.append("the cause that the diagnosis names is not it, so nothing tells it apart")
    return Part("evidence", POSSIBLE, earned, max(0, hoped - earned), (*lines, sums))


def _points(judged: Sequence[_Judged]) -> tuple[int, str]:
    telling = _count(judged, "telling")
    told = sum(TELLING[:telling])
    support = min(SUPPORTING_MOST, SUPPORTING * _count(judged, "supporting"))
    gained = min(POSSIBLE, told + support)
    empty = sum(one.worth == "empty" for one in judged)
    points = max(0, gained - EMPTY_COSTS * empty)
    most = f" (no more than {POSSIBLE})" if told + support > POSSIBLE else ""
    cost = f" - {empty} empty x {EMPTY_COSTS}" if empty else ""
    return points, f"telling {told} + supporting {support}{most}{cost} = {points}"


def _count(judged: Sequence[_Judged], worth: Worth) -> int:
    """How many receipts of that worth there are, each with a signal of its own."""
    found = [one.signals for one in judged if one.worth == worth]
    return min(len(found), len(frozenset().union(*found)))


def _hopeful(one: _Judged) -> _Judged:
    return _Judged(one.hope, one.signals, one.line) if one.worth == "unknown" else one


def _distinct(receipts: Sequence[Receipt]) -> list[Receipt]:
    """Saying the same thing twice is saying it once."""
    return list({(one.claim, one.window.start, one.window.end): one for one in receipts}.values())


def _judged(
    number: int,
    receipt: Receipt,
    history: History,
    telling: frozenset[str],
    related: frozenset[str],
    one_of_several: str | None,
) -> _Judged:
    names = frozenset(receipt.signals)
    label = f"E{number} {receipt.claim}"
    if len(names) > BROAD:
        line = f"{label}: touches {len(names)} signals, so it points at none: empty"
        return _Judged("empty", names, line)
    moved, text = shown(receipt, history)
    if moved is None:
        hope: Worth = "telling" if names & telling else "supporting"
        kept = names & telling or names & related
        return _Judged("unknown", kept, f"{label}: {text}: unknown", hope if kept else "beside")
    if not moved:
        return _Judged("empty", names, f"{label}: {text}: empty")
    told = frozenset(name for name in names & telling if _moved_itself(name, receipt, history))
    if told and one_of_several is not None and not _of(one_of_several, receipt, history):
        line = f"{label}: {text}, but not {one_of_several}'s: a symptom: supporting"
        return _Judged("supporting", names & related, line)
    if told:
        return _Judged("telling", told, f"{label}: {text}; it tells the cause apart: telling")
    if names & related:
        line = f"{label}: {text}; a symptom: supporting"
        return _Judged("supporting", names & related, line)
    why = "has nothing to do with it"
    if names <= DONE:
        why = "what rang or was done says that something hurts, and not what broke"
    return _Judged("beside", names, f"{label}: {text}, but {why}: 0")


def _of(component: str, receipt: Receipt, history: History) -> bool:
    """Whether what moved is the component's own, where the receipt has any series of its own."""
    own = [one for one in receipt.observed if component in one.labels.values()]
    if not own:
        return True
    labels = [one.labels for one in own]
    facts = history.facts.get(receipt.claim.partition("{")[0], _ANY)
    baseline = [one for one in receipt.baseline if one.labels in labels]
    moved, _ = left_baseline(baseline, own, facts, history.step)
    return moved is not False


def _moved_itself(name: str, receipt: Receipt, history: History) -> bool:
    """Whether the recorded signal also moved: arithmetic in PromQL can make anything move."""
    recorded = history.signals.get(name)
    if not recorded:
        return True
    window, baseline = receipt.window, history.baseline
    moved, _ = left_baseline(
        [one.between(baseline.start, baseline.end) for one in recorded],
        [one.between(window.start, window.end) for one in recorded],
        history.facts.get(name, _ANY),
        history.step,
    )
    return moved is not False


def shown(receipt: Receipt, history: History) -> tuple[bool | None, str]:
    """Whether a receipt left its baseline within its window, and how to say it.

    None when that could not be measured.
    """
    window = receipt.window
    if receipt.problem is not None:
        return None, f"could not be re-executed ({receipt.problem})"
    if window.end < history.baseline.start or window.start > history.ended_at:
        return False, "its window lies outside the incident"
    if window.seconds < (SUSTAIN - 1) * history.step:
        return False, f"a window of {window.seconds:g} s is too short to show anything"
    if not history.recorded(window):
        return None, "the lab has no samples of that time"
    facts = history.facts.get(receipt.claim.partition("{")[0], _ANY)
    return left_baseline(receipt.baseline, receipt.observed, facts, history.step)


def left_baseline(
    baseline: Sequence[Series], observed: Sequence[Series], facts: SignalFacts, step: float
) -> tuple[bool | None, str]:
    """Whether any of the observed series left the baseline of the same labels, and how far."""
    calm = {one.key: one.values for one in filled(baseline, facts.absent)}
    seen = [one for one in filled(observed, facts.absent) if one.times]
    if not seen:
        if any(calm.values()):
            return None, "has no samples in its window"
        return False, "gives nothing, neither before nor during"
    judged = calmed = False
    farthest = ""
    for one in seen:
        before = calm.get(one.key, ())
        if len(before) < SUSTAIN:
            if facts.absent is None:
                continue
            before = (facts.absent,) * SUSTAIN
        judged = True
        calmed = calmed or not trends(before, facts)
        median = statistics.median(before)
        gap = max(MAX_GAP, 3 * step)
        first = first_out(one, median, allowance(before, facts), facts.direction, gap)
        if first is None:
            continue
        after = one.values[first[0] :]
        extreme = max(after) if first[1] > 0 else min(after)
        farthest = f"went from {measure(median, facts.unit)} to {measure(extreme, facts.unit)}"
        break
    if farthest:
        return True, farthest
    if not judged:
        return None, "has no samples in the baseline"
    if not calmed:
        return None, "was on its way already before anything broke"
    return False, "did not leave its baseline"
