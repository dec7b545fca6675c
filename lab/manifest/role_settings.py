"""What a role may do, and the settings that its sessions, or those of a database, begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.faults._sessions import quietly
from lab.manifest import Change, Kind, Things
from lab.manifest._sql import literal, name

if TYPE_CHECKING:
    from lab.stack import Stack

ANY = "*"

# Neither the superuser's own rights nor the roles that Postgres comes with are anybody's to change.
_READ = f"""
SELECT coalesce(rolname, '{ANY}') || ' in ' || coalesce(datname, '{ANY}') || ': '
       || split_part(entry, '=', 1),
       substr(entry, strpos(entry, '=') + 1)
FROM pg_db_role_setting
LEFT JOIN pg_roles ON pg_roles.oid = setrole
LEFT JOIN pg_database ON pg_database.oid = setdatabase,
     unnest(setconfig) AS entry
UNION ALL
SELECT rolname || ' in {ANY}: role',
       concat_ws(' ', CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
                 CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
                 CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
                 'CONNECTION LIMIT ' || rolconnlimit)
FROM pg_roles WHERE rolname !~ '^pg_'
UNION ALL
SELECT '{ANY} in ' || datname || ': database',
       concat_ws(' ', 'ALLOW_CONNECTIONS ' || datallowconn, 'CONNECTION LIMIT ' || datconnlimit)
FROM pg_database WHERE datname <> 'template0'
"""  # noqa: S608 - no value in it

# What a session began with it keeps.
_BEGIN_ANEW = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND usename <> 'postgres' AND {0}
"""


class RoleSettings(Kind):
    name = "role setting"

    def read(self, stack: Stack) -> Things:
        return {row[0]: row[1] for row in quietly(stack, _READ)}

    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        for change in changes:
            quietly(stack, _undoing(change))
        for role, database, _ in map(_whose, changes):
            of_role = "true" if role == ANY else f"usename = {literal(role)}"
            in_database = "true" if database == ANY else f"datname = {literal(database)}"
            quietly(stack, _BEGIN_ANEW.format(f"{of_role} AND {in_database}"))


def _whose(change: Change) -> tuple[str, str, str]:
    whose, _, setting = change.name.rpartition(": ")
    role, _, database = whose.partition(" in ")
    return role, database, setting


def _undoing(change: Change) -> str:
    role, database, setting = _whose(change)
    if setting == "role" and change.before is None:
        return f"DROP OWNED BY {name(role)}; DROP ROLE {name(role)}"
    if setting == "role":
        verb = "CREATE" if change.after is None else "ALTER"
        return f"{verb} ROLE {name(role)} {change.before}"
    if setting == "database" and change.before is None:
        return f"DROP DATABASE {name(database)} WITH (FORCE)"
    if setting == "database":
        verb = "CREATE" if change.after is None else "ALTER"
        return f"{verb} DATABASE {name(database)} {change.before}"
    if role == ANY and database != ANY:
        whose = f"DATABASE {name(database)}"
    else:
        whose = f"ROLE {'ALL' if role == ANY else name(role)}"
        whose += "" if database == ANY else f" IN DATABASE {name(database)}"
    if change.before is None:
        return f"ALTER {whose} RESET {name(setting)}"
    return f"ALTER {whose} SET {name(setting)} TO {literal(change.before, setting)}"
