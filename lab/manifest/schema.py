"""The database's schema: indexes first of all, and everything else that DDL changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.faults._sessions import quietly
from lab.manifest import Change, Kind, Things
from lab.manifest._sql import name

if TYPE_CHECKING:
    from lab.stack import Stack

# Of a constraint's own index the constraint tells.
_READ = """
WITH ours AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), made_by_extensions AS (
    SELECT objid FROM pg_depend WHERE deptype = 'e'
)
SELECT 'index ' || nspname || '.' || relname,
       pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' (invalid)' END
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN ours ON ours.oid = relnamespace
WHERE NOT EXISTS (
    SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
UNION ALL
SELECT CASE relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'view ' WHEN 'S' THEN 'sequence '
            ELSE 'table ' END || nspname || '.' || relname,
       concat_ws('; ', pg_get_userbyid(relowner), relpersistence, array_to_string(reloptions, ', '),
                 relacl::text,
                 CASE WHEN relkind IN ('v', 'm') THEN md5(pg_get_viewdef(pg_class.oid)) END)
FROM pg_class JOIN ours ON ours.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  AND pg_class.oid NOT IN (SELECT objid FROM made_by_extensions)
UNION ALL
SELECT 'column ' || nspname || '.' || relname || '.' || attname,
       concat_ws(' ', format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'not null' END,
                 'default ' || pg_get_expr(adbin, adrelid),
                 'statistics ' || CASE WHEN attstattarget >= 0 THEN attstattarget END)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN ours ON ours.oid = relnamespace
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relkind IN ('r', 'p', 'f') AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'constraint ' || conrelid::regclass || '.' || conname,
       pg_get_constraintdef(pg_constraint.oid)
FROM pg_constraint JOIN ours ON ours.oid = connamespace WHERE conrelid <> 0
UNION ALL
SELECT 'trigger ' || tgrelid::regclass || '.' || tgname,
       pg_get_triggerdef(pg_trigger.oid) || ' ' || tgenabled::text
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function ' || pg_proc.oid::regprocedure, md5(pg_get_functiondef(pg_proc.oid))
FROM pg_proc JOIN ours ON ours.oid = pronamespace
WHERE prokind IN ('f', 'p') AND pg_proc.oid NOT IN (SELECT objid FROM made_by_extensions)
UNION ALL
SELECT 'statistics ' || nspname || '.' || stxname, pg_get_statisticsobjdef(pg_statistic_ext.oid)
FROM pg_statistic_ext JOIN ours ON ours.oid = stxnamespace
UNION ALL
SELECT 'extension ' || extname, extversion FROM pg_extension
"""

INDEX = "index "


class Schema(Kind):
    """Indexes are dropped and built again. For anything else there is the database as it was
    seeded: a column that is gone has taken its values along."""

    name = "schema"

    def read(self, stack: Stack) -> Things:
        return {row[0]: row[1] for row in quietly(stack, _READ)}

    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        if not all(change.name.startswith(INDEX) for change in changes):
            stack.reset()
            return
        for change in changes:
            if change.after is not None:
                quietly(stack, f"DROP INDEX {name(change.name.removeprefix(INDEX))}")
            if change.before is not None:
                quietly(stack, change.before)
