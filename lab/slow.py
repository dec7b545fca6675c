"""Which statements the databases have logged as slow, with their plans (auto_explain)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.statements import SERVERS, name_of

if TYPE_CHECKING:
    from lab.stack import Stack

_SLOW = re.compile(
    r"^(?P<at>\S+ \S+) UTC \[(?P<pid>\d+)\] (?!postgres@).*?LOG:\s+duration: (?P<ms>[\d.]+) ms\s+"
    r"(?P<rest>.*)$"
)


@dataclass(frozen=True, slots=True)
class Slow:
    """One line of the log of slow statements: it ended `at` (Unix time) after `seconds`."""

    at: float
    server: str
    name: str
    seconds: float
    plan: tuple[str, ...] = ()


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
