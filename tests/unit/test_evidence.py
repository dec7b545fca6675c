"""What a receipt is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.grading.evidence import evidence_part
from lab.grading.onset import onsets
from lab.grading.verdict import Part
from lab.history import History, Receipt
from lab.series import Series, Span
from tests.unit.histories import DIAGNOSED, INJECTED, T0, citing, facts, night, receipt

TELLS = ("postgres:seq_rows:rate", "postgres:seq_scans:rate")


def judged(
    history: History, *, cause_is_right: bool = True, one_of_several: str | None = None
) -> Part:
    return evidence_part(
        history,
        TELLS,
        onsets(history),
        red_herrings=("container:memory_bytes",),
        cause_is_right=cause_is_right,
        one_of_several=one_of_several,
    )


@pytest.mark.parametrize(
    ("names", "points"),
    [
        (("postgres:seq_rows:rate",), 20),
        (("postgres:seq_rows:rate", "postgres:seq_scans:rate"), 30),
        (("postgres:seq_rows:rate", "pool:waiting"), 25),
        (("postgres:seq_rows:rate", "pool:waiting", "client:errors:ratio"), 30),
        (("pool:waiting", "client:errors:ratio", "queue:depth"), 10),
        (("postgres:seq_rows:rate", "container:memory_bytes"), 20),
        (("postgres:seq_rows:rate", "disk:free:ratio"), 15),
        (("postgres:seq_rows:rate", "postgres:seq_rows:rate"), 20),
        (("disk:free:ratio",), 0),
    ],
)
def test_what_receipts_are_worth(names, points):
    """Telling 20 and 10, symptoms 5 and 5, red herrings nothing, empty ones cost 5."""
    part = judged(citing(night(), *names))
    assert (part.earned, part.open) == (points, 0)


def test_no_receipt_earns_nothing():
    """Without evidence the part is worth nothing, and is judged."""
    part = judged(night())
    assert (part.earned, part.open) == (0, 0)


def test_nothing_is_told_apart_in_favour_of_a_wrong_cause():
    """With a wrong cause the same receipts are symptoms only."""
    cited = citing(night(), *TELLS, "pool:waiting")
    assert judged(cited).earned == 30
    assert judged(cited, cause_is_right=False).earned == 10


def test_a_receipt_is_of_the_series_that_it_claims():
    """Where one of several alike is named, what is telling is its own series. Of another that moved
    it is a symptom, and what has no series of either tells as before."""
    down = moved_of("nginx:upstream_up", "api-2")
    for named, points in (("api-2", 20), ("api-3", 5), (None, 20)):
        part = evidence_part(
            down,
            ("nginx:upstream_up",),
            onsets(down),
            cause_is_right=True,
            one_of_several=named,
        )
        assert part.earned == points, part.lines
    assert judged(citing(night(), "postgres:seq_rows:rate"), one_of_several="api-1").earned == 20


def moved_of(signal: str, mover: str) -> History:
    """A night in which of the replicas' series of a signal one alone goes from 1 to 0, cited."""
    series = tuple(
        replace(
            one,
            values=tuple(
                0.0 if mover in one.labels.values() and at >= INJECTED else 1.0 for at in one.times
            ),
        )
        for one in night().signals[signal]
    )
    history = replace(night(), signals={**night().signals, signal: series})
    return citing(history, signal)


def test_citing_every_signal_does_not_win():
    """Cheat: citing the whole catalogue costs more than it brings."""
    assert judged(citing(night(), *facts())).earned == 0


def test_one_query_for_everything_does_not_win():
    """Cheat: a single query that touches the whole catalogue points at nothing."""
    one = receipt(night(), "postgres:seq_rows:rate")
    broad = replace(one, claim='{__name__=~".+"}', signals=tuple(facts()))
    part = judged(replace(night(), receipts=(broad,)))
    assert part.earned == 0
    assert "points at none" in part.lines[0]


def test_arithmetic_cannot_make_a_still_signal_tell():
    """Cheat: PromQL that makes a calm signal move by arithmetic is no telling receipt."""
    window = Span(INJECTED - 30, INJECTED - 10)
    clock = Series({}, [window.start + n for n in range(20)], [n * 100.0 for n in range(20)])
    calm = Series({}, [T0 + n for n in range(20)], [0.0] * 20)
    trick = Receipt("postgres:seq_rows:rate * 0 + time()", window, TELLS[:1], (calm,), (clock,))
    assert judged(replace(night(), receipts=(trick,))).earned <= 5


def test_a_window_before_the_fault_shows_nothing():
    """A telling signal over a calm window is an empty receipt, and so is one outside the night."""
    for window in (Span(T0, T0 + 40), Span(T0 - 7200, T0 - 7000), Span(DIAGNOSED - 1, DIAGNOSED)):
        cited = receipt(night(), TELLS[0], window)
        part = judged(replace(night(), receipts=(cited,)))
        assert (part.earned, part.open) == (0, 0)
        assert part.lines[0].endswith("empty")


def test_what_could_not_be_executed_is_open():
    """A receipt that Prometheus did not answer is neither won nor lost."""
    cited = replace(receipt(night(), TELLS[0]), problem="Prometheus did not answer")
    part = judged(replace(night(), receipts=(cited,)))
    assert (part.earned, part.open, part.judged) == (0, 20, 10)


def test_an_unknown_receipt_leaves_the_others_alone():
    """Beside a good receipt, an unknown one only opens what it could have added."""
    good = receipt(night(), TELLS[0])
    lost = replace(receipt(night(), "pool:waiting"), problem="Prometheus did not answer")
    part = judged(replace(night(), receipts=(good, lost)))
    assert (part.earned, part.open) == (20, 5)


def test_a_window_without_samples_is_open():
    """Where the lab itself has no samples, nothing is lost."""
    blind = Span(DIAGNOSED - 60, DIAGNOSED)
    history = night()
    signals = {
        name: tuple(
            Series(
                one.labels,
                *zip(
                    *[
                        (t, v)
                        for t, v in zip(one.times, one.values, strict=True)
                        if not blind.start <= t <= blind.end
                    ],
                    strict=True,
                ),
            )
            for one in series
        )
        for name, series in history.signals.items()
    }
    cited = replace(receipt(history, TELLS[0]), observed=())
    part = judged(replace(history, signals=signals, receipts=(cited,)))
    assert (part.earned, part.open) == (0, 20)


def test_raw_promql_counts_by_the_signal_it_touches():
    """A raw query with labels of its own is judged by its own series, and tells by its signal."""
    before = Series({"relname": "photos"}, [T0 + n for n in range(40)], [0.0] * 40)
    window = Span(DIAGNOSED - 60, DIAGNOSED)
    times = [window.start + n for n in range(60)]
    during = Series({"relname": "photos"}, times, [4e6] * 60)
    query = 'rate(pg_stat_user_tables_seq_tup_read{relname="photos"}[10s])'
    one = Receipt(query, window, ("postgres:seq_rows:rate",), (before,), (during,))
    assert judged(replace(night(), receipts=(one,))).earned == 20
    other_table = replace(one, observed=(replace_values(during, 0.0),))
    assert judged(replace(night(), receipts=(other_table,))).earned == 0


def test_a_query_that_gives_nothing_is_empty():
    """A query without any result, before or during, shows nothing."""
    one = replace(receipt(night(), TELLS[0]), claim="nonsense", baseline=(), observed=())
    part = judged(replace(night(), receipts=(one,)))
    assert "gives nothing" in part.lines[0]


def replace_values(series: Series, value: float) -> Series:
    return Series(series.labels, series.times, [value] * len(series.times))


def test_what_rang_and_what_was_turned_says_that_it_hurts_and_not_what_broke() -> None:
    """The strip of the overview: pages and switches are no symptom, and cost nothing either."""
    times = [T0 + second for second in range(int(INJECTED - T0), int(DIAGNOSED - T0))]
    rang = Series({"alertname": "PhotoQueueBackingUp"}, times, [1.0] * len(times))
    window = Span(INJECTED, DIAGNOSED)
    for signals in ((), ("api:flag",)):
        page = Receipt("http://g/d/night-overview?viewPanel=41", window, signals, (), (rang,))
        part = judged(replace(night(), receipts=(page,)))
        assert (part.earned, part.open) == (0, 0)
        assert "says that something hurts, and not what broke: 0" in part.lines[0]
        told = citing(night(), "postgres:seq_rows:rate").receipts
        assert judged(replace(night(), receipts=(*told, page))).earned == 20
