"""Which statements the databases spend their time on now, and how.

From Postgres itself: pg_stat_statements looked at twice (what it counts since the server began says
little about now), and pg_stat_activity. The first counts a statement when it has ended, and one
that is cancelled never: what takes longer than one looks, only the second shows. How a statement is
carried out is in lab/plans.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.errors import LabError, Unknown
from lab.progress import QUIET, Report
from lab.recall import from_json

if TYPE_CHECKING:
    from lab.doors import Doors
    from lab.stack import Stack

SERVERS = ("postgres-primary", "postgres-replica")

WHOLE_TABLE = re.compile(r"Seq Scan on (\w+)")

_RUNNING = """
SELECT 'running', query, extract(epoch FROM clock_timestamp() - query_start), 0, 0
FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND usename <> 'postgres'
"""
_COUNTED = """
SELECT queryid::text, min(query), sum(calls), sum(total_exec_time), sum(rows)
FROM pg_stat_statements
WHERE toplevel AND userid <> 'postgres'::regrole
GROUP BY queryid
"""
ANSWER_S = 10.0
"""Seconds for one look at one server. Where thirty sessions fight for its processor a new one takes
five; beyond this it does not answer, which says enough."""

CHEAP_S = 5.0
"""Seconds for what runs alone, where the whole look was too much to ask."""

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
    sessions, all the time); `usual_s` is its mean when all was well, 0 where that is not known.
    `running` have not ended, the oldest of them for `longest_s` seconds; where none has ended
    meanwhile, `calls` and `mean_s` are 0. `plan` is how it would be carried out now, empty where
    that was not asked or cannot be told.
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


Counted = dict[str, tuple[float, float, float, str]]
"""By query id: calls, seconds, rows and text, all since the server began to count."""

Running = list[tuple[str, float]]
"""Text and age in seconds of each statement that has not ended."""

Usual = Mapping[str, Mapping[str, float]]
"""By server and name: the mean of each statement in seconds, when all was well."""


Glance = Mapping[str, tuple[Counted, Running] | None]
"""What each server says at one moment; None of one that does not answer."""


def glance(stack: Stack) -> Glance:
    """What has not ended on each server now, and what it has counted so far, where it can tell that
    too. Both are asked at the same time."""
    both = f"{_RUNNING} UNION ALL {_COUNTED}"

    def ask(server: str) -> tuple[Counted, Running] | None:
        for sql, within_s in ((both, ANSWER_S), (_RUNNING, CHEAP_S)):
            with suppress(LabError):
                return _read(stack, server, sql, within_s)
        return None

    with ThreadPoolExecutor(len(SERVERS)) as pool:
        return dict(zip(SERVERS, pool.map(ask, SERVERS), strict=True))


def _read(stack: Stack, server: str, sql: str, within_s: float) -> tuple[Counted, Running]:
    # The server gives it up, too: nobody waits for it any more.
    bounded = f"SET statement_timeout = '{within_s - 1:g}s';{sql};"
    rows = stack.psql(bounded, service=server, timeout=within_s)
    unended = [(query, float(age)) for kind, query, age, *_ in rows if kind == "running"]
    counted = {
        key: (float(calls), float(ms) / 1000, float(count), query)
        for key, query, calls, ms, count in rows
        if key != "running"
    }
    return counted, unended


def busiest(
    doors: Doors,
    *,
    over_s: float,
    most: int,
    before: Glance | None = None,
    report: Report = QUIET,
) -> list[Statement]:
    """The statements that took most time over the next `over_s` seconds, on either server; `before`
    is what was seen just now, None: look.

    A server that does not answer has none, and that is said. Raises `Unknown` where none does.
    """
    before = glance(doors.stack) if before is None else before
    begun = doors.now()
    if any(before.values()):
        doors.pause(over_s)
    after = glance(doors.stack)
    took = doors.now() - begun
    if not any(after.values()):
        raise Unknown(
            f"neither {' nor '.join(SERVERS)} has answered within {ANSWER_S + CHEAP_S:g} s",
            remedy="`lab status` shows which services run",
        )
    for server, seen in after.items():
        if seen is None:
            report.say(f"{server} does not answer")
    calm = usual(doors)
    found = [
        one
        for server, now in after.items()
        if now is not None and (then := before.get(server)) is not None
        for one in between(
            server,
            # Where it could not tell then, nothing can be said to have ended since.
            then[0] or now[0],
            *now,
            took,
            usual=None if calm is None else calm.get(server, {}),
        )
    ]
    found.sort(key=lambda one: -one.share)
    return found[:most]


CALM = "statements"
"""The journal's word for what each statement took before anything broke."""


def remember(doors: Doors, incident: int) -> None:
    """Keep what each statement takes now that all is well, as that night's usual. Of a server that
    does not answer there is none."""
    means = {
        server: {one.name: one.usual_s for one in between(server, {}, seen[0], [], took=1.0)}
        for server, seen in glance(doors.stack).items()
        if seen is not None
    }
    doors.journal.note(incident, doors.now(), CALM, json.dumps(means))


def usual(doors: Doors) -> Usual | None:
    """What statements take when all is well: of the incident that is on, what was kept before
    anything broke. None where none is on: what was counted so far is usual then."""
    row = doors.journal.open_one()
    if row is None:
        return None
    kept = [event.detail for event in doors.journal.events(row.id) if event.kind == CALM]
    return from_json(kept[-1], dict[str, dict[str, float]]) if kept else {}


def between(
    server: str,
    before: Counted,
    after: Counted,
    running: Running,
    took: float,
    *,
    usual: Mapping[str, float] | None = None,
) -> Iterator[Statement]:
    """What ended in between and what has not ended at its end, by name: one that was prepared with
    other types has another id and is the same statement. `usual` is what they take when all is
    well, None: what they took since the server began to count."""
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
            usual_s=(ever_s / ever if ever else 0.0) if usual is None else usual.get(name, 0.0),
            running=len(ages),
            longest_s=max(ages, default=0.0),
        )


def _as_it_came(name: str, running: Running) -> str | None:
    """A statement's text with its constants, which pg_stat_statements takes out; if not cut off."""
    whole = (text for text, _ in running if len(text) < _CUT and name_of(text) == name)
    return next(whole, None)
