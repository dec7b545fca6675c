"""Which statements the databases spend their time on, how, and which were slow.

From Postgres itself: pg_stat_statements looked at twice (what it counts since the server began says
little about now), EXPLAIN, and the server's own log of slow statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from lab.command import CommandFailed
from lab.errors import LabError

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
_NAMED = re.compile(r"/\*\s*(\w+)\s*\*/\s*")
_SLOW = re.compile(
    r"^(?P<at>\S+ \S+) UTC \[(?P<pid>\d+)\] (?!postgres@).*?LOG:\s+duration: (?P<ms>[\d.]+) ms\s+"
    r"(?P<rest>.*)$"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one statement cost while it was looked at.

    `calls` a second, `mean_s` seconds each, `share` of one second that goes into it (2 is two
    sessions, all the time); `usual_s` is its mean since the server began to count. `plan` is how
    it would be carried out now, empty where that cannot be told.
    """

    server: str
    name: str
    text: str
    calls: float
    mean_s: float
    share: float
    rows: float
    usual_s: float
    plan: tuple[str, ...] = ()

    @property
    def scans(self) -> tuple[str, ...]:
        """The tables that are read from one end to the other."""
        return scanned(self.plan)


@dataclass(frozen=True, slots=True)
class Slow:
    """One line of the log of slow statements: it ended `at` (Unix time) after `seconds`."""

    at: float
    server: str
    name: str
    seconds: float
    plan: tuple[str, ...] = ()


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
        for server, counted in after.items()
        if server in before
        for one in _between(server, before[server], counted, took)
    ]
    found.sort(key=lambda one: -one.share)
    return [_with_plan(stack, one) for one in found[:most]]


_Counted = dict[str, tuple[float, float, float, str]]
"""By query id: calls, seconds, rows and text, all since the server began to count."""


def _everywhere(stack: Stack) -> dict[str, _Counted]:
    counted: dict[str, _Counted] = {}
    problem: LabError | None = None
    for server in SERVERS:
        try:
            rows = stack.psql(_COUNTED, service=server)
        except LabError as error:
            problem = problem or error
            continue
        counted[server] = {
            key: (float(calls), float(ms) / 1000, float(rows), query)
            for key, calls, ms, rows, query in rows
        }
    if not counted and problem is not None:
        raise problem
    return counted


def _between(server: str, before: _Counted, after: _Counted, took: float) -> Iterator[Statement]:
    """What was counted in between, by name: one that was prepared with other types has another id
    and is the same statement."""
    named: dict[str, list[tuple[tuple[float, ...], str]]] = {}
    for key, (calls, seconds, rows, query) in after.items():
        known = before.get(key, (0.0, 0.0, 0.0, query))
        # Where it went down, it was counted anew.
        if (more := calls - known[0]) > 0:
            row = (seconds - known[1], more, rows - known[2], seconds, calls)
            named.setdefault(name_of(query), []).append((row, query))
    for name, several in named.items():
        spent, calls, rows, ever_s, ever = map(sum, zip(*(row for row, _ in several), strict=True))
        yield Statement(
            server=server,
            name=name,
            text=max(several)[1],
            calls=calls / took,
            mean_s=spent / calls,
            share=spent / took,
            rows=rows / calls,
            usual_s=ever_s / ever,
        )


def _with_plan(stack: Stack, one: Statement) -> Statement:
    return replace(one, plan=plan_of(stack, one.server, one.text))


def plan_of(stack: Stack, server: str, query: str) -> tuple[str, ...]:
    """How the server would carry out a statement whose parameters it does not know.

    Empty for what has no plan, and where pg_stat_statements has replaced too much to read it again.
    """
    try:
        rows = stack.psql(f"EXPLAIN (GENERIC_PLAN) {query}", service=server)
    except CommandFailed:
        return ()
    return tuple(row[0] for row in rows if row)


def slow_log(stack: Stack, *, since: float, until: float) -> list[Slow]:
    """What the servers logged as slow from `since` to `until` (Unix seconds), the last first."""
    found: list[Slow] = []
    for server in SERVERS:
        try:
            said = stack.logs(server, since=since, until=until)
        except LabError:
            # Its container is gone, and its log with it.
            continue
        found += parse_log(server, said.splitlines())
    return sorted(found, key=lambda one: -one.at)


def parse_log(server: str, lines: Iterable[str]) -> list[Slow]:
    """Each slow statement of the application once, with its plan where auto_explain has logged one.

    Postgres writes a line with the statement, and auto_explain one of the same duration with the
    plan, which goes on in indented lines.
    """
    found: dict[tuple[str, int], Slow] = {}
    planned: tuple[str, int] | None = None
    for line in lines:
        if line.startswith("\t"):
            if planned is not None:
                found[planned] = _longer(found[planned], line[1:])
            continue
        planned = None
        match = _SLOW.match(line)
        if match is None:
            continue
        ms = float(match["ms"])
        at = datetime.fromisoformat(f"{match['at']}+00:00").timestamp()
        # The two lines differ by microseconds, so: same session, same tenth of a second of its end.
        key = (match["pid"], round((at - ms / 1000) * 10))
        if match["rest"].startswith("plan:"):
            planned = key
            found.setdefault(key, Slow(at, server, "", ms / 1000))
        else:
            text = match["rest"].partition(": ")[2] or match["rest"]
            known = found.get(key)
            found[key] = Slow(at, server, name_of(text), ms / 1000, known.plan if known else ())
    return [one for one in found.values() if one.name]


def _longer(one: Slow, line: str) -> Slow:
    if line.startswith("Query Text: "):
        return Slow(one.at, one.server, name_of(line), one.seconds, one.plan)
    if line.startswith("Query Parameters: "):
        return one
    return Slow(one.at, one.server, one.name, one.seconds, (*one.plan, line.rstrip()))


@dataclass(frozen=True, slots=True)
class Often:
    """A statement that was logged as slow `count` times; the slowest took `worst_s`. `plan` is of
    the last one that had one."""

    server: str
    name: str
    count: int
    worst_s: float
    last_at: float
    plan: tuple[str, ...]


def by_statement(found: Iterable[Slow]) -> list[Often]:
    """The slow ones counted by statement, the most often first."""
    counted: dict[tuple[str, str], Often] = {}
    for one in sorted(found, key=lambda one: one.at):
        key = (one.server, one.name)
        known = counted.get(key, Often(*key, 0, 0.0, one.at, ()))
        counted[key] = Often(
            *key,
            count=known.count + 1,
            worst_s=max(known.worst_s, one.seconds),
            last_at=one.at,
            plan=one.plan or known.plan,
        )
    return sorted(counted.values(), key=lambda one: -one.count)
