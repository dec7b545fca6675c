"""What the databases say of their statements becomes what somebody would ask at night."""

from __future__ import annotations

import pytest

from lab.slow import Slow, by_statement, parse_log
from lab.statements import between, name_of

LOG = """\
2026-11-20 03:00:10.500 UTC [61] darkroom@darkroom worker LOG:  duration: 1078.400 ms  execute \
__asyncpg_stmt_8__: /* moderation_checksum */ SELECT EXISTS (SELECT FROM photos)
2026-11-20 03:00:10.500 UTC [61] darkroom@darkroom worker DETAIL:  Parameters: $1 = 'e4'
2026-11-20 03:00:10.501 UTC [61] darkroom@darkroom worker LOG:  duration: 1078.394 ms  plan:
\tQuery Text: /* moderation_checksum */ SELECT EXISTS (SELECT FROM photos)
\tQuery Parameters: $1 = 'e4'
\tResult  (cost=1..2 rows=1 width=1)
\t  ->  Seq Scan on photos  (cost=1..2 rows=1 width=0)
2026-11-20 03:00:11.000 UTC [70] darkroom@darkroom api LOG:  duration: 210.1 ms  statement: COMMIT;
2026-11-20 03:00:11.100 UTC [7] LOG:  checkpoint complete: wrote 361 buffers
2026-11-20 03:00:12.000 UTC [80] postgres@darkroom psql LOG:  duration: 9000 ms  statement: SELECT 1
"""


def test_a_slow_statement_is_told_once_with_its_plan() -> None:
    """Two lines of the server are one statement; what the application did not ask is left out."""
    checksum, commit = parse_log("postgres-primary", LOG.splitlines())
    assert (checksum.name, commit.name) == ("moderation_checksum", "COMMIT")
    assert checksum.seconds == pytest.approx(1.0784)
    assert [line.split()[0] for line in checksum.plan] == ["Result", "->"]
    assert commit.plan == ()


def test_the_slow_are_counted_by_statement() -> None:
    """The most often first, each with its slowest and the last plan that was logged."""
    found = [
        Slow(1.0, "p", "feed", 0.3, ("Seq Scan on photos",)),
        Slow(2.0, "p", "feed", 0.9),
        Slow(3.0, "p", "like", 5.0),
    ]
    feed, like = by_statement(found)
    assert (feed.count, feed.worst_s, feed.last_at, feed.plan) == (2, 0.9, 2.0, found[0].plan)
    assert like.count == 1


def test_statements_are_what_happened_in_between() -> None:
    """Not since the server began; one name is one statement, whatever types it was prepared with;
    what was counted anew or did not run is left out."""
    feed, again = "/* feed */ SELECT 1", "/* feed */ SELECT 1::int"
    before = {"1": (100.0, 1.0, 100.0, feed), "3": (9.0, 9.0, 9.0, "x"), "4": (5.0, 1.0, 5.0, "y")}
    after = {
        "1": (110.0, 3.0, 120.0, feed),
        "2": (10.0, 1.0, 10.0, again),
        "3": (2.0, 0.1, 2.0, "x"),
        "4": (5.0, 1.0, 5.0, "y"),
    }
    (one,) = between("postgres-replica", before, after, [], 2.0)
    assert (one.name, one.text) == ("feed", feed)
    assert (one.calls, one.mean_s, one.share, one.rows) == (10.0, 0.15, 1.5, 1.5)
    assert one.usual_s == pytest.approx(4 / 120)


def test_what_has_not_ended_counts() -> None:
    """A statement that takes longer than one looks takes time, though nothing has counted it; of
    its age only what was looked at."""
    feed = "/* feed */ SELECT 1"
    counted = {"1": (10.0, 1.0, 10.0, feed)}
    running = [(feed, 5.0), (feed, 1.0), ("/* new */ SELECT 2", 0.5)]
    found = {one.name: one for one in between("p", counted, counted, running, 2.0)}
    assert found["feed"].share == pytest.approx((2.0 + 1.0) / 2.0)
    assert (found["feed"].running, found["feed"].longest_s) == (2, 5.0)
    assert (found["feed"].calls, found["feed"].mean_s, found["feed"].usual_s) == (0, 0, 0.1)
    assert found["new"].text == "/* new */ SELECT 2"
    cut_off = ("/* feed */ SELECT " + "x" * 1005, 1.0)
    (whole,) = between("p", counted, counted, [cut_off], 2.0)
    assert whole.text == feed
    assert found["new"].usual_s == 0


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("/* feed */ SELECT 1", "feed"),
        ("SELECT   1\n  FROM x;", "SELECT 1 FROM x"),
        ("COMMIT;", "COMMIT"),
    ],
)
def test_a_statement_has_a_name(query: str, name: str) -> None:
    """The one that the application gives it, else how it begins."""
    assert name_of(query) == name
