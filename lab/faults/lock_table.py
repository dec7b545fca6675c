"""A forgotten session keeps a lock on a table, as when somebody began a migration and went home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._sessions import (
    ENDS_WITHIN_MS,
    OPTIONS,
    Identifier,
    end_client,
    leave_open,
    quietly,
)

if TYPE_CHECKING:
    from lab.stack import Stack

Mode = Literal["ACCESS EXCLUSIVE", "EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE"]


class LockTableParams(FaultParams):
    """Which table (of the schema `public`), and how: ACCESS EXCLUSIVE keeps readers out as well, on
    the replica too; the others only writers. The server ends the session after `minutes`."""

    fault: Literal["lock_table"]
    table: Identifier
    mode: Mode = "ACCESS EXCLUSIVE"
    minutes: int = Field(default=60, ge=1, le=120)


class LockTableToken(Token):
    """What was asked for; the lock itself tells the rest."""

    table: Identifier
    mode: Mode
    minutes: int


class LockTable(Fault[LockTableParams, LockTableToken]):
    """LOCK TABLE on the primary, in a transaction that idles. `pg_terminate_backend` undoes it."""

    Params = LockTableParams
    Token = LockTableToken
    examples = (
        LockTableParams(fault="lock_table", table="notifications"),
        LockTableParams(fault="lock_table", table="likes", mode="SHARE"),
    )

    def plan(self, stack: Stack, params: LockTableParams) -> LockTableToken:
        token = LockTableToken(table=params.table, mode=params.mode, minutes=params.minutes)
        if not quietly(stack, f"SELECT 1 WHERE to_regclass('public.{token.table}') IS NOT NULL"):
            raise Failed(f"there is no table {token.table}")
        if self.active(stack, token):
            raise Failed(
                f"somebody's idle transaction holds a lock on {token.table} already",
                remedy="pg_locks says who; `pg_terminate_backend(pid)` ends it",
            )
        return token

    def inject(self, stack: Stack, token: LockTableToken) -> None:
        if _sessions(stack, token, "true"):
            return
        # Beside a client that is on its way there a second one would wait, and take over when the
        # first is ended.
        end_client(stack, _statement(token))
        limits = f"lock_timeout=60s -c idle_in_transaction_session_timeout={token.minutes}min"
        leave_open(
            stack,
            f"user=postgres dbname=darkroom application_name=psql options='{OPTIONS} -c {limits}'",
            statement=_statement(token),
        )

    def active(self, stack: Stack, token: LockTableToken) -> bool:
        return bool(_sessions(stack, token, "granted AND state = 'idle in transaction'"))

    def heal(self, stack: Stack, token: LockTableToken) -> None:
        end_client(stack, _statement(token))
        _sessions(stack, token, f"pg_terminate_backend(pid, {ENDS_WITHIN_MS})")


def _statement(token: LockTableToken) -> str:
    return f"BEGIN; LOCK TABLE {token.table} IN {token.mode} MODE"


def _sessions(stack: Stack, token: LockTableToken, condition: str) -> list[list[str]]:
    """The sessions that hold this lock in an idle transaction, or came to, of which `condition` is
    true. It is tried on no others."""
    lock = token.mode.title().replace(" ", "") + "Lock"
    return quietly(
        stack,
        f"""
        WITH found AS MATERIALIZED (
            SELECT pid, granted, state FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE relation = to_regclass('public.{token.table}') AND mode = '{lock}'
              AND (state = 'idle in transaction' OR query = '{_statement(token)}')
        )
        SELECT pid FROM found WHERE {condition}
        """,  # noqa: S608 - an Identifier and a Mode
    )
