"""An index that a query needs is gone, as after a migration that dropped one too many."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._sessions import Identifier, quietly

if TYPE_CHECKING:
    from lab.stack import Stack


PAGE = 20
"""Rows of which a reader wants the first."""


class Index(BaseModel):
    """An index as the catalogue has it. `options` are its keys' sort orders (bit 1: DESC)."""

    model_config = ConfigDict(frozen=True)

    name: str
    usable: bool
    constraint: bool
    method: str
    keys: tuple[str, ...]
    options: tuple[int, ...]
    predicate: str
    definition: str

    def serves_as(self, other: Index) -> bool:
        """Whether queries that use `other` can use this: it begins with the same keys in the same
        order, or in the exact reverse (an index can be read backwards)."""
        n = len(other.keys)
        orders = (other.options, tuple(option ^ 3 for option in other.options))
        return (
            self.usable
            and (self.method, self.predicate) == (other.method, other.predicate)
            and self.keys[:n] == other.keys
            and self.options[:n] in orders
        )


class DropIndexParams(FaultParams):
    """Which index of which table (of the schema `public`) disappears."""

    fault: Literal["drop_index"]
    table: Identifier
    index: Identifier


class DropIndexToken(Token):
    """The index, the names of the others that its table had, and what it may cost at most to find
    what the index finds, in the planner's units: half-way (the geometric mean) between what it
    costs with the index and without any. None: a lab that only knew the index's form broke it."""

    table: Identifier
    index: Index
    beside: tuple[str, ...]
    bearable: float | None = None


class DropIndex(Fault[DropIndexParams, DropIndexToken]):
    """DROP INDEX on the primary; the replica follows. `CREATE INDEX` undoes it, and so does any
    other index with which the planner finds the same rows about as cheaply."""

    Params = DropIndexParams
    Token = DropIndexToken
    examples = (
        DropIndexParams(fault="drop_index", table="photos", index="photos_user_recent_idx"),
    )

    def plan(self, stack: Stack, params: DropIndexParams) -> DropIndexToken:
        indexes = {index.name: index for index in _indexes(stack, params.table)}
        index = indexes.pop(params.index, None)
        twins = [other.name for other in indexes.values() if index and other.serves_as(index)]
        if index is None or not index.usable or index.constraint or twins:
            why = (
                f"{twins[0]} does the same work"
                if twins
                else "it belongs to a constraint"
                if index and index.constraint
                else "there is no such valid index"
            )
            raise Failed(
                f"index {params.index} of table {params.table} cannot be dropped: {why}",
                remedy="`lab reset` gives back the database as it was seeded",
            )
        return DropIndexToken(
            table=params.table,
            index=index,
            beside=tuple(sorted(indexes)),
            bearable=math.sqrt(
                _cost(stack, params.table, index)
                * _cost(stack, params.table, index, without_indexes=True)
            ),
        )

    def inject(self, stack: Stack, token: DropIndexToken) -> None:
        quietly(stack, f"DROP INDEX IF EXISTS public.{token.index.name}", lock_timeout=2)

    def active(self, stack: Stack, token: DropIndexToken) -> bool:
        if token.bearable is None:
            return not any(index.serves_as(token.index) for index in _indexes(stack, token.table))
        return _cost(stack, token.table, token.index) > token.bearable

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


def _cost(stack: Stack, table: str, index: Index, *, without_indexes: bool = False) -> float:
    """What the planner says it costs now to find what `index` is there to find: the first page of
    the rows that have one value of its first key, in the order of the others."""
    first, *others = index.keys
    where = f"{first} = $1" + (f" AND ({index.predicate})" if index.predicate else "")
    order = ", ".join(
        f"{key} {'DESC' if option & 1 else 'ASC'}"
        for key, option in zip(others, index.options[1:], strict=False)
    )
    query = f"SELECT * FROM public.{table} WHERE {where}"  # noqa: S608 - from the catalogue
    query += f" ORDER BY {order} LIMIT {PAGE}" if order else ""
    ways = ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")
    setting = "".join(f"SET {way} = off;\n" for way in ways) if without_indexes else ""
    explained = f"{setting}EXPLAIN (GENERIC_PLAN, FORMAT JSON) {query}"
    rows = quietly(stack, explained)
    return float(json.loads("\n".join(row[0] for row in rows))[0]["Plan"]["Total Cost"])


def _indexes(stack: Stack, table: str) -> list[Index]:
    rows = quietly(
        stack,
        f"""
        SELECT coalesce(json_agg(json_build_object(
            'name', c.relname, 'usable', i.indisvalid AND i.indisready AND i.indislive,
            'constraint', EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid),
            'method', (SELECT amname FROM pg_am WHERE oid = c.relam),
            'keys', (SELECT json_agg(pg_get_indexdef(c.oid, k, true) ORDER BY k)
                     FROM generate_series(1, i.indnkeyatts) k),
            'options', string_to_array(i.indoption::text, ' ')::int[],
            'predicate', coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
            'definition', pg_get_indexdef(c.oid)) ORDER BY c.relname), '[]')
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = to_regclass('public.{table}')
        """,  # noqa: S608 - an Identifier
    )
    return TypeAdapter(list[Index]).validate_python(json.loads(rows[0][0]))
