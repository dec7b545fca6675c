"""What the databases say of their statements becomes what somebody would ask at night."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Sequence

import pytest
from rich.console import Console, RenderableType

from lab import incident
from lab.command import CommandFailed
from lab.doors import Doors
from lab.errors import Unknown
from lab.plans import plan_of, planned
from lab.progress import QUIET
from lab.screen.statements import plan_view, running_view, to_plan
from lab.slow import Slow, by_statement, parse_log
from lab.statements import (
    CALM,
    SERVERS,
    Statement,
    between,
    busiest,
    glance,
    name_of,
    remember,
    usual,
)

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


FEED = "/* feed */ SELECT 1"


class Asked:
    """Two servers that remember what they were asked, and answer with `rows`, or not at all."""

    def __init__(self, rows: Sequence[Sequence[str]] = (), *, silent: Collection[str] = ()) -> None:
        self.rows = [list(row) for row in rows]
        self.silent = silent
        self.asked: list[tuple[str, str, float]] = []

    def psql(self, sql: str, *, service: str, timeout: float) -> list[list[str]]:
        self.asked.append((service, sql, timeout))
        if service in self.silent:
            raise CommandFailed(["psql"], None, "")
        return self.rows


def shown(parts: Iterable[RenderableType]) -> str:
    screen = Console(file=io.StringIO(), width=140)
    for part in parts:
        screen.print(part, soft_wrap=True)
    return screen.file.getvalue()  # type: ignore[attr-defined]


def test_what_runs_now_is_told_at_once() -> None:
    """From both servers at the same time, the oldest of each statement; one that does not answer is
    said to be silent, and is not waited for."""
    stack = Asked([["running", FEED, "2.5", "0", "0"], ["running", FEED, "1", "0", "0"]])
    stack.silent = ("postgres-primary",)
    found = glance(stack)  # type: ignore[arg-type]
    assert found == {"postgres-primary": None, "postgres-replica": ({}, [(FEED, 2.5), (FEED, 1.0)])}
    assert all(timeout <= 10 for *_, timeout in stack.asked)
    said = shown(running_view(found))
    assert "postgres-primary does not answer" in said
    assert re.search(r"postgres-replica\s+feed\s+2\s+2.5 s", said)


def test_what_runs_is_told_by_a_server_that_can_tell_no_more(doors: Doors) -> None:
    """What it has counted is dearer to ask than what runs: without the one there is the other, and
    what was counted before one looked is not taken for what has ended since."""

    class Drowning(Asked):
        def psql(self, sql: str, *, service: str, timeout: float) -> list[list[str]]:
            if "pg_stat_statements" in sql and len(self.asked) < 2:
                self.asked.append((service, sql, timeout))
                raise CommandFailed(["psql"], None, "")
            return super().psql(sql, service=service, timeout=timeout)

    rows = [["running", FEED, "2.5", "0", "0"], ["1", "/* like */ SELECT", "100", "1000", "100"]]
    doors.stack = Drowning(rows)  # type: ignore[assignment]
    before = glance(doors.stack)
    assert all(found is not None for found in before.values())
    found = busiest(doors, over_s=1, most=9, before={server: ({}, []) for server in SERVERS})
    assert {(one.name, one.running) for one in found} == {("feed", 1)}


def test_where_nobody_answers_that_is_unknown(doors: Doors) -> None:
    """And not a traceback, nor a table of nothing."""
    doors.stack = Asked(silent=SERVERS)  # type: ignore[assignment]
    with pytest.raises(Unknown, match="neither"):
        busiest(doors, over_s=1, most=5)
    assert "no statement" not in shown(running_view(glance(doors.stack)))


def test_what_is_usual_is_what_it_was_when_all_was_well(doors: Doors) -> None:
    """Kept before anything breaks; what an incident makes of a statement is not its usual."""
    assert usual(doors) is None
    before = [["1", FEED, "100", "1000", "100"]]
    doors.stack = Asked(before)  # type: ignore[assignment]
    number = doors.journal.begin("slow", 1, "{}", 1.0)
    assert usual(doors) == {}
    remember(doors, number)
    assert usual(doors) == {server: {"feed": pytest.approx(0.01)} for server in SERVERS}
    doors.stack.rows = [["1", FEED, "110", "90000", "110"]]  # type: ignore[attr-defined]
    known = usual(doors)
    assert known is not None
    after = {"1": (110.0, 90.0, 110.0, FEED)}
    counted = {"1": (100.0, 1.0, 100.0, FEED)}
    (one,) = between("p", counted, after, [], 2.0, usual=known["postgres-primary"])
    assert one.usual_s == pytest.approx(0.01)
    assert one.mean_s == pytest.approx(8.9)
    assert not [event for event in doors.journal.events(number) if event.kind == "note"]


def test_the_usual_of_a_night_is_kept_before_it_breaks(doors: Doors) -> None:
    """By the start itself, and then from no other moment."""
    row = incident.start(doors, "slow", 1, QUIET)
    (kept,) = [event for event in doors.journal.events(row.id) if event.kind == CALM]
    assert kept.at <= (row.injected_at or 0)


def statement(name: str, share: float, server: str = "postgres-replica") -> Statement:
    return Statement(server, name, f"/* {name} */ SELECT 1", 1.0, share, share, 1.0, 0.0)


def test_plans_are_asked_of_what_is_dear_and_for_a_while_only() -> None:
    """One by one, the dearest first, once for both servers; and the rest is told without."""
    busy = [statement("cheap", 0.01), statement("dear", 0.5), statement("dearest", 2.0)]
    busy.append(statement("dearest", 1.0, "postgres-primary"))
    wanted = to_plan(busy)
    assert [(one.name, one.server) for one in wanted] == [
        ("dearest", "postgres-replica"),
        ("dear", "postgres-replica"),
    ]
    stack, clock = Asked([["Seq Scan on photos\n  Filter: x"]]), iter([0.0, 1.0, 20.0])
    first, second = planned(stack, wanted, within_s=10, now=lambda: next(clock))  # type: ignore[arg-type]
    assert first.plan == ("Seq Scan on photos", "  Filter: x")
    assert second.plan == ()
    assert len(stack.asked) == 1
    assert "reads all of photos" in shown(plan_view(first))
    assert "no plan" in shown(plan_view(second))


def test_other_peoples_text_is_a_value_to_client_and_server() -> None:
    """Within quotes that nobody can have guessed, in a transaction that writes nothing, as somebody
    who may do little."""
    nasty = "SELECT 1; DROP TABLE photos; \\! touch /tmp/x $ask$ $$ :photos"
    stack = Asked()
    for _ in range(2):
        plan_of(stack, "postgres-primary", nasty)  # type: ignore[arg-type]
    (_, one, _), (_, other, _) = stack.asked
    (tag,) = re.findall(r"^DO \$(\w+)\$$", one, re.M)
    assert f"${tag}in$EXPLAIN (GENERIC_PLAN) {nasty}${tag}in$" in one
    assert one.count(nasty) == 1
    assert tag not in other
    assert one.index("READ ONLY") < one.index("SET LOCAL ROLE") < one.index("EXPLAIN")
