"""An index that a query needs is gone, as after a migration that dropped one too many."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._sessions import Identifier, quietly
from lab.queries import asked

if TYPE_CHECKING:
    from lab.stack import Stack


NEEDS = 10.0
"""A statement needs an index if it is dearer by this without it, as the planner says."""

# As the server would carry it out whatever its parameters are; forgotten with the transaction.
_COST = """
CREATE FUNCTION pg_temp.cost(asked text) RETURNS float LANGUAGE plpgsql AS $cost$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (GENERIC_PLAN, FORMAT JSON) ' || asked INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END
$cost$;
"""


class Index(BaseModel):
    """An index as the catalogue has it."""

    model_config = ConfigDict(frozen=True)

    name: str
    usable: bool
    constraint: bool
    definition: str


class Asked(BaseModel):
    """A statement of the application that needs the index, and what it may cost at most, in the
    planner's units: half-way (the geometric mean) between what it costs with it and without."""

    model_config = ConfigDict(frozen=True)

    query: str
    bearable: float


class DropIndexParams(FaultParams):
    """Which index of which table (of the schema `public`) disappears."""

    fault: Literal["drop_index"]
    table: Identifier
    index: Identifier


class DropIndexToken(Token):
    """The index, the names of the others that its table had, and what the application asked by it;
    nothing where an older lab broke it, which knew less."""

    table: Identifier
    index: Index
    beside: tuple[str, ...]
    asked: tuple[Asked, ...] = ()


class DropIndex(Fault[DropIndexParams, DropIndexToken]):
    """DROP INDEX on the primary; the replica follows. `CREATE INDEX` undoes it, and so does any
    other index with which the planner finds what the application asks for about as cheaply."""

    Params = DropIndexParams
    Token = DropIndexToken
    examples = (
        DropIndexParams(fault="drop_index", table="photos", index="photos_user_recent_idx"),
    )

    def plan(self, stack: Stack, params: DropIndexParams) -> DropIndexToken:
        indexes = {index.name: index for index in _indexes(stack, params.table)}
        index = indexes.pop(params.index, None)
        needed = _needed(stack, index) if index and index.usable else ()
        if index is None or index.constraint or not needed:
            why = (
                "there is no such valid index"
                if index is None or not index.usable
                else "it belongs to a constraint"
                if index.constraint
                else "nothing that the application asks is dearer without it"
            )
            raise Failed(
                f"index {params.index} of table {params.table} cannot be dropped: {why}",
                remedy="`lab reset` gives back the database as it was seeded",
            )
        return DropIndexToken(
            table=params.table, index=index, beside=tuple(sorted(indexes)), asked=needed
        )

    def inject(self, stack: Stack, token: DropIndexToken) -> None:
        quietly(stack, f"DROP INDEX IF EXISTS public.{token.index.name}", lock_timeout=2)

    def active(self, stack: Stack, token: DropIndexToken) -> bool:
        if not token.asked:
            there = {index.name: index.usable for index in _indexes(stack, token.table)}
            return not there.get(token.index.name, False)
        costs = _costs(stack, [one.query for one in token.asked])
        return any(now > one.bearable for now, one in zip(costs, token.asked, strict=True))

    def heal(self, stack: Stack, token: DropIndexToken) -> None:
        # A build that an operator began and left would hold its lock, and then add a second index.
        quietly(
            stack,
            "SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index "  # noqa: S608
            f"WHERE relid = to_regclass('public.{token.table}')",
        )
        wanted = token.index
        # Ours, whatever it is now, and what was begun and left. A good one that an operator has
        # added is theirs: coming home tells of it.
        found = {
            index.name: index
            for index in _indexes(stack, token.table)
            if index.name == wanted.name or (index.name not in token.beside and not index.usable)
        }
        as_it_was = found.get(wanted.name)
        if as_it_was and (not as_it_was.usable or as_it_was.definition != wanted.definition):
            quietly(stack, f"DROP INDEX IF EXISTS public.{wanted.name}")
            as_it_was = None
        if as_it_was is None:
            quietly(stack, wanted.definition)
        for name in found.keys() - {wanted.name}:
            quietly(stack, f'DROP INDEX IF EXISTS public."{name}"')


def _needed(stack: Stack, index: Index) -> tuple[Asked, ...]:
    """What the application asks, and would find much dearer without this index."""
    queries = list(asked().values())
    pairs = zip(_costs(stack, queries), _costs(stack, queries, without=index), strict=True)
    return tuple(
        Asked(query=query, bearable=math.sqrt(cost * without))
        for query, (cost, without) in zip(queries, pairs, strict=True)
        if without >= NEEDS * cost
    )


def _costs(stack: Stack, queries: list[str], *, without: Index | None = None) -> list[float]:
    """What each statement costs now, as the planner says; or would cost without an index: in a
    transaction that is rolled back the planner takes it for an unfinished one, which locks nobody
    out and which nobody else sees."""
    hidden = (
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.{without.name}'::regclass;"  # noqa: S608, E501 - from the catalogue
        if without
        else ""
    )
    explained = "".join(f"SELECT pg_temp.cost($asked${query}$asked$);\n" for query in queries)
    rows = quietly(stack, f"BEGIN;{_COST}{hidden}\n{explained}ROLLBACK")
    return [float(row[0]) for row in rows]


def _indexes(stack: Stack, table: str) -> list[Index]:
    rows = quietly(
        stack,
        f"""
        SELECT coalesce(json_agg(json_build_object(
            'name', c.relname, 'usable', i.indisvalid AND i.indisready AND i.indislive,
            'constraint', EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid),
            'definition', pg_get_indexdef(c.oid)) ORDER BY c.relname), '[]')
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = to_regclass('public.{table}')
        """,  # noqa: S608 - an Identifier
    )
    return TypeAdapter(list[Index]).validate_python(json.loads(rows[0][0]))
