"""What holds of every diagnosis: properties of the grade, searched with hypothesis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.diagnosis import Diagnosis
from lab.grade import grade
from lab.grading.onset import apart, onsets
from lab.grading.verdict import Verdict
from lab.history import History, Outcome
from tests.unit.histories import SHAPES, TRUTH, citing, diagnosis, night, vocabulary

STILL = ("disk:free:ratio", "replication:lag_bytes", "postgres:locks_waiting")
NAMES = (*SHAPES, *STILL)
TELLING = ("postgres:seq_rows:rate", "postgres:seq_scans:rate")
HERRING = TRUTH.red_herrings[0]


@cache
def small_night() -> History:
    """The night with only the signals that matter, so that many can be graded."""
    whole = night()
    return replace(
        whole,
        signals={name: whole.signals[name] for name in NAMES},
        facts={name: whole.facts[name] for name in NAMES},
    )


def judged(claim: Diagnosis, history: History | None = None, **costs: object) -> Verdict:
    cited = citing(small_night(), *(one.text for one in claim.evidence))
    if history is not None:
        cited = replace(history, receipts=cited.receipts)
    return grade(TRUTH, cited, claim, vocabulary=vocabulary(), **costs)


# Leaning towards good answers: those near the mark are the ones that a mistake would tip over.
evidence = st.one_of(
    st.lists(st.sampled_from(NAMES), max_size=5, unique=True),
    st.lists(st.sampled_from([*TELLING, "pool:waiting", *STILL[:1]]), min_size=1, unique=True),
)
chains = st.one_of(
    st.lists(st.sampled_from(NAMES), max_size=6, unique=True),
    st.lists(st.sampled_from(TRUTH.chain), min_size=3, unique=True).map(
        lambda names: sorted(names, key=TRUTH.chain.index)
    ),
)
claims = st.builds(
    diagnosis,
    component=st.sampled_from(["postgres-primary"] * 3 + ["api", "worker", "host"]),
    cause=st.sampled_from(
        ["missing-index"] * 4 + ["stale-statistics", "lock-contention", "disk-full"]
    ),
    evidence=evidence,
    chain=chains,
)
costs = st.fixed_dictionaries(
    {
        "revisions": st.integers(0, 4),
        "hints_used": st.lists(st.integers(0, 30), max_size=3),
    }
)
searched = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def never_less(claim: Diagnosis, better: Iterable[Diagnosis], paid: dict[str, object]) -> None:
    before = judged(claim, **paid)
    for one in better:
        after = judged(one, **paid)
        assert after.points >= before.points, one
        assert not (before.diagnosed is Outcome.PASS and after.diagnosed is not Outcome.PASS)


@searched
@given(claims, costs)
def test_a_better_answer_is_never_worth_less(claim, paid):
    """Monotone: setting component, cause or both right never costs a point."""
    never_less(
        claim,
        (
            replace(claim, component="postgres-primary"),
            replace(claim, cause="missing-index"),
            replace(claim, component="postgres-primary", cause="missing-index"),
        ),
        paid,
    )


@searched
@given(claims, costs)
def test_better_evidence_is_never_worth_less(claim, paid):
    """Monotone: one more telling receipt, or one empty receipt less, never costs a point."""
    names = [one.text for one in claim.evidence]
    more = [(*names, one) for one in (*TELLING, "pool:waiting") if one not in names]
    less = [[one for one in names if one != empty] for empty in STILL if empty in names]
    better = [diagnosis(claim.component, claim.cause, n, claim.chain) for n in (*more, *less)]
    never_less(claim, better, paid)


@searched
@given(claims, costs)
def test_a_better_order_is_never_worth_less(claim, paid):
    """Monotone: sorting the chain as measured, righting one pair, or dropping what never moved."""
    measured = onsets(small_night())
    chain = list(claim.chain)
    better = [tuple(sorted(chain, key=lambda name: measured[name].at or 0))]
    better += [tuple(one for one in chain if one != still) for still in STILL if still in chain]
    for index in range(len(chain) - 1):
        one, other = measured[chain[index]], measured[chain[index + 1]]
        if apart(one, other) and (one.at or 0) > (other.at or 0):
            chain[index : index + 2] = reversed(chain[index : index + 2])
            better.append(tuple(chain))
            break
    never_less(claim, [replace(claim, chain=one) for one in better], paid)


@searched
@given(claims, st.data())
def test_aliases_never_change_a_score(claim, data):
    """Saying the same thing in other words, in any case and with any separators, is the same."""
    words = vocabulary()
    component, cause = words.components[claim.component], words.causes[claim.cause]
    dress = data.draw(st.sampled_from([str.upper, str.title, lambda word: word.replace("-", " ")]))
    other = replace(
        claim,
        component=dress(data.draw(st.sampled_from([component.name, *component.aliases]))),
        cause=dress(data.draw(st.sampled_from([cause.name, *cause.aliases]))),
    )
    one, two = judged(claim), judged(other)
    assert (one.points, one.diagnosed) == (two.points, two.diagnosed)


@searched
@given(claims, st.sampled_from([*STILL, HERRING]))
def test_irrelevant_evidence_never_helps(claim, name):
    """A receipt that shows nothing, or nothing that matters, never adds a point."""
    names = [one.text for one in claim.evidence if one.text != name]
    without = diagnosis(claim.component, claim.cause, names, claim.chain)
    with_it = diagnosis(claim.component, claim.cause, [*names, name], claim.chain)
    assert judged(with_it).points <= judged(without).points


@searched
@given(claims)
def test_pairs_within_the_resolution_change_nothing(claim):
    """Swapping neighbours of the chain that cannot be told apart changes nothing."""
    measured = onsets(small_night())
    chain, before = list(claim.chain), judged(claim).points
    for index in range(len(chain) - 1):
        pair = chain[index : index + 2]
        moved = all(measured[name].at is not None for name in pair)
        if moved and not apart(measured[pair[0]], measured[pair[1]]):
            swapped = [*chain[:index], *reversed(pair), *chain[index + 2 :]]
            assert judged(replace(claim, chain=tuple(swapped))).points == before


@searched
@given(claims, st.sets(st.sampled_from(NAMES)))
def test_what_was_not_measured_is_never_the_learners_loss(claim, hidden):
    """Hiding signals from the lab may leave a passed diagnosis open, but never fails it."""
    blind = {name: series for name, series in small_night().signals.items() if name not in hidden}
    before = judged(claim)
    after = judged(claim, replace(small_night(), signals=blind))
    if before.diagnosed is Outcome.PASS:
        assert after.diagnosed is not Outcome.FAIL
    assert after.possible <= 100


@searched
@given(claims, costs)
def test_unknown_in_is_unknown_out(claim, paid):
    """Without any telemetry a right answer with evidence and order is unknown, never judged."""
    right = replace(claim, component="postgres-primary", cause="missing-index")
    cited = citing(small_night(), *TELLING)
    receipts = tuple(replace(one, problem="no answer") for one in cited.receipts)
    history = replace(small_night(), signals={}, receipts=receipts)
    verdict = grade(TRUTH, history, right, vocabulary=vocabulary())
    assert verdict.diagnosed is Outcome.UNKNOWN
    assert verdict.mitigated is Outcome.UNKNOWN
    assert verdict.points <= verdict.possible
    assert grade(TRUTH, history, right, vocabulary=vocabulary(), **paid).points <= 50


@searched
@given(claims, costs)
def test_points_stay_between_nothing_and_what_is_possible(claim, paid):
    """However many hints and revisions: 0 <= points <= possible, and a pass has seventy of a
    hundred of what could be judged."""
    verdict = judged(claim, **paid)
    assert 0 <= verdict.points <= verdict.possible
    assert (verdict.diagnosed is Outcome.PASS) == (verdict.points >= 0.7 * verdict.possible)
