"""Settings of the database servers: `ALTER SYSTEM`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.faults._sessions import quietly
from lab.manifest import Change, Kind, Things
from lab.manifest._containers import replace
from lab.manifest._sql import literal, name
from lab.statements import SERVERS

if TYPE_CHECKING:
    from lab.stack import Stack

_WRITTEN = """
SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf'
"""
_PENDING = "SELECT count(*) FROM pg_settings WHERE pending_restart"


class ServerSettings(Kind):
    name = "server setting"

    def read(self, stack: Stack) -> Things:
        return {
            f"{server}: {setting}": value
            for server in SERVERS
            for setting, value in quietly(stack, _WRITTEN, service=server)
        }

    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        for change in changes:
            server, _, setting = change.name.partition(": ")
            how = "RESET {0}" if change.before is None else "SET {0} TO {1}"
            wanted = how.format(name(setting), literal(change.before or "", setting))
            quietly(stack, f"ALTER SYSTEM {wanted}", service=server)
        for server in {change.name.partition(": ")[0] for change in changes}:
            quietly(stack, "SELECT pg_reload_conf()", service=server)
            # A server tells what it waits for once it has read its files again.
            if _pending(stack, server):
                replace(stack, [one for one in changes if one.name.startswith(f"{server}:")])


def _pending(stack: Stack, server: str) -> bool:
    """Whether a value takes a restart; asked in a new session, which has read the files."""
    return quietly(stack, f"SELECT pg_sleep(0.2);\n{_PENDING}", service=server)[-1] != ["0"]
