"""How a server would carry out a statement: asked for, and never carried out.

What is asked about is other people's SQL. It is explained as the application, which may no more
than it did, in a transaction that can write nothing, for a moment at most; and only as one
statement: `EXECUTE` opens a cursor, which the server refuses for several. The text is a value to
the client as well, which would otherwise read `\\!` and `;` in it for itself.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.command import CommandFailed
from lab.queries import asked
from lab.statements import Statement

if TYPE_CHECKING:
    from lab.stack import Stack

APPLICATION = "darkroom"
"""The role by which the application comes."""

ANSWER_S = 5.0
"""Seconds for one plan. A database that drowns has better things to do."""

_ASK = """
BEGIN TRANSACTION READ ONLY;
SET LOCAL statement_timeout = '2s';
SET LOCAL lock_timeout = '500ms';
-- What the lab does shows nowhere.
SET LOCAL pg_stat_statements.track = 'none';
SET LOCAL log_min_duration_statement = -1;
SET LOCAL auto_explain.log_min_duration = -1;
SET LOCAL log_min_messages = 'fatal';
SET LOCAL ROLE {role};
DO ${tag}$
DECLARE
    line text;
    told text := '';
BEGIN
    FOR line IN EXECUTE ${tag}in$EXPLAIN (GENERIC_PLAN) {query}${tag}in$ LOOP
        told := told || line || E'\\n';
    END LOOP;
    PERFORM set_config('lab.plan', told, true);
END
${tag}$;
SELECT current_setting('lab.plan');
ROLLBACK;
"""


def plan_of(stack: Stack, server: str, query: str) -> tuple[str, ...]:
    """How the server would carry out a statement whose parameters it does not know.

    Empty for what has no plan or is more than one statement, for what the application may not do,
    and where pg_stat_statements has replaced too much to read it again.
    """
    # Nobody can have written it into their text.
    tag = f"ask{secrets.token_hex(16)}"
    sql = _ASK.format(role=APPLICATION, tag=tag, query=query)
    try:
        rows = stack.psql(sql, service=server, timeout=ANSWER_S)
    except CommandFailed:
        return ()
    return tuple(line for row in rows for cell in row for line in cell.splitlines())


def planned(
    stack: Stack,
    found: Sequence[Statement],
    *,
    within_s: float,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Statement]:
    """Each of the statements with its plan, as it comes; after `within_s` seconds without."""
    begun = now()
    for one in found:
        # With its constants: a partial index serves one of them.
        text = asked().get(one.name, one.text)
        in_time = now() - begun < within_s
        yield replace(one, plan=plan_of(stack, one.server, text)) if in_time else one
