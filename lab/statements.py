"""Which statements the databases spend their time on now, and how.

From Postgres itself: pg_stat_statements looked at twice (what it counts since the server began says
little about now), pg_stat_activity, and EXPLAIN. The first counts a statement when it has ended,
and one that is cancelled never: what takes longer than one looks, only the second shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.command import CommandFailed
from lab.errors import LabError
from lab.queries import asked

if TYPE_CHECKING:
    from lab.doors import Doors
    from lab.stack import Stack

SERVERS = ("postgres-primary", "postgres-replica")

WHOLE_TABLE = re.compile(r"Seq Scan on (\w+)")

_COUNTED = """
SELECT queryid, sum(calls), sum(total_exec_time), sum(rows), min(query)
FROM pg_stat_statements
WHERE toplevel AND userid <> 'postgres'::regrole
GROUP BY queryid
"""
_RUNNING = """
SELECT query, extract(epoch FROM clock_timestamp() - query_start)
FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND usename <> 'postgres'
"""
_CUT = 1023
"""Where pg_stat_activity cuts a text off (track_activity_query_size, less one)."""

_NAMED = re.compile(r"/\*\s*(\w+)\s*\*/\s*")

_FORGET = "SET pg_stat_statements.track = 'none'; SELECT pg_stat_statements_reset()"


def forget(stack: Stack) -> None:
    """Let both databases begin to count anew, this very statement left out.

    Raises `CommandFailed` as `Stack.psql` does.
    """
    for server in SERVERS:
        stack.psql(_FORGET, service=server)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one statement cost while it was looked at.

    `calls` a second, `mean_s` seconds each, `share` of one second that goes into it (2 is two
    sessions, all the time); `usual_s` is its mean since the server began to count. `running` have
    not ended, the oldest of them for `longest_s` seconds; where none has ended meanwhile, `calls`
    and `mean_s` are 0. `plan` is how it would be carried out now, empty where that cannot be told.
    """

    server: str
    name: str
    text: str
    calls: float
    mean_s: float
    share: float
    rows: float
    usual_s: float
    running: int = 0
    longest_s: float = 0.0
    plan: tuple[str, ...] = ()

    @property
    def scans(self) -> tuple[str, ...]:
        """The tables that are read from one end to the other."""
        return scanned(self.plan)


def scanned(plan: Iterable[str]) -> tuple[str, ...]:
    """The tables that a plan reads from one end to the other."""
    return tuple(table for line in plan for table in WHOLE_TABLE.findall(line))


def name_of(query: str) -> str:
    """The name that the application writes before each statement, else how it begins."""
    named = _NAMED.search(query)
    return named[1] if named else " ".join(query.split())[:40].rstrip(";")


def busiest(doors: Doors, *, over_s: float, most: int) -> list[Statement]:
    """The statements that took most time over the next `over_s` seconds, on either server.

    A server that does not answer has none. Raises what the first says where none answers.
    """
    stack = doors.stack
    before = _everywhere(stack)
    begun = doors.now()
    doors.pause(over_s)
    after = _everywhere(stack)
    took = doors.now() - begun
    found = [
        one
        for server, (counted, running) in after.items()
        if server in before
        for one in between(server, before[server][0], counted, running, took)
    ]
    found.sort(key=lambda one: -one.share)
    return [_with_plan(stack, one) for one in found[:most]]


Counted = dict[str, tuple[float, float, float, str]]
"""By query id: calls, seconds, rows and text, all since the server began to count."""

Running = list[tuple[str, float]]
"""Text and age in seconds of each statement that has not ended."""


def _everywhere(stack: Stack) -> dict[str, tuple[Counted, Running]]:
    found: dict[str, tuple[Counted, Running]] = {}
    problem: LabError | None = None
    for server in SERVERS:
        try:
            running = stack.psql(_RUNNING, service=server)
            rows = stack.psql(_COUNTED, service=server)
        except LabError as error:
            problem = problem or error
            continue
        counted = {
            key: (float(calls), float(ms) / 1000, float(rows), query)
            for key, calls, ms, rows, query in rows
        }
        found[server] = counted, [(query, float(age)) for query, age in running]
    if not found and problem is not None:
        raise problem
    return found


def between(
    server: str, before: Counted, after: Counted, running: Running, took: float
) -> Iterator[Statement]:
    """What ended in between and what has not ended at its end, by name: one that was prepared with
    other types has another id and is the same statement."""
    named: dict[str, list[tuple[tuple[float, ...], str]]] = {}
    for key, (calls, seconds, rows, query) in after.items():
        known = before.get(key, (0.0, 0.0, 0.0, query))
        # Where it went down, it was counted anew.
        more = max(calls - known[0], 0.0)
        ended = (seconds - known[1], more, rows - known[2]) if more else (0.0, 0.0, 0.0)
        named.setdefault(name_of(query), []).append(((*ended, seconds, calls), query))
    unended: dict[str, list[float]] = {}
    for query, age in running:
        unended.setdefault(name_of(query), []).append(age)
        named.setdefault(name_of(query), []).append(((0.0,) * 5, query))
    for name, several in named.items():
        spent, calls, rows, ever_s, ever = map(sum, zip(*(row for row, _ in several), strict=True))
        ages = unended.get(name, [])
        if not calls and not ages:
            continue
        yield Statement(
            server=server,
            name=name,
            text=_as_it_came(name, running) or max(several)[1],
            calls=calls / took,
            mean_s=spent / calls if calls else 0.0,
            share=(spent + sum(min(age, took) for age in ages)) / took,
            rows=rows / calls if calls else 0.0,
            usual_s=ever_s / ever if ever else 0.0,
            running=len(ages),
            longest_s=max(ages, default=0.0),
        )


def _as_it_came(name: str, running: Running) -> str | None:
    """A statement's text with its constants, which pg_stat_statements takes out; if not cut off."""
    whole = (text for text, _ in running if len(text) < _CUT and name_of(text) == name)
    return next(whole, None)


def _with_plan(stack: Stack, one: Statement) -> Statement:
    # With its constants: a partial index serves one of them.
    return replace(one, plan=plan_of(stack, one.server, asked().get(one.name, one.text)))


def plan_of(stack: Stack, server: str, query: str) -> tuple[str, ...]:
    """How the server would carry out a statement whose parameters it does not know.

    Empty for what has no plan, and where pg_stat_statements has replaced too much to read it again.
    """
    try:
        rows = stack.psql(f"EXPLAIN (GENERIC_PLAN) {query}", service=server)
    except CommandFailed:
        return ()
    return tuple(row[0] for row in rows if row)
