"""A recorded night as text for Prometheus, at its own time or as if it had just been."""

from __future__ import annotations

from dataclasses import replace

from lab.grade import grade
from lab.history import History
from lab.recorded import with_receipts
from lab.replay import openmetrics, shifted
from lab.series import Series
from tests.unit.histories import GOOD_EVIDENCE, TRUTH, citing, diagnosis, night, vocabulary


def test_every_point_is_told() -> None:
    """Name, labels, value and time; in quotes what must be; the end marked."""
    odd = Series({"b": 'say "no"', "a": "1\\2"}, (10.0, 11.5), (1.0, 0.25))
    text = openmetrics(replace(night(), signals={"x:y": (odd, Series({}, (9.0,), (3e9,)))}))
    assert text.splitlines() == [
        r'x:y{a="1\\2",b="say \"no\""} 1.0 10.000',
        r'x:y{a="1\\2",b="say \"no\""} 0.25 11.500',
        "x:y 3000000000.0 9.000",
        "# EOF",
    ]
    assert text.endswith("# EOF\n")


def test_a_night_moved_in_time_is_the_same_night() -> None:
    """Everything moves together, so the verdict stays; back again it is what it was."""
    history: History = citing(night(), *GOOD_EVIDENCE)
    later = shifted(history, 86_400.0)
    assert later.ended_at == history.ended_at + 86_400
    assert later.events[3].at == history.events[3].at + 86_400

    def points(one: History) -> tuple[int, str]:
        verdict = grade(TRUTH, one, diagnosis(), vocabulary=vocabulary())
        return verdict.points, verdict.mitigated

    assert points(later) == points(history)
    assert with_receipts(later, diagnosis()).receipts == later.receipts
    assert openmetrics(shifted(later, -86_400.0)) == openmetrics(history)
