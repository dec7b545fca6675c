"""Settings of the two Redis servers: `CONFIG SET`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.command import CommandFailed
from lab.faults._redis import cli, config_set
from lab.manifest import Change, Kind, Things
from lab.manifest._containers import replace

if TYPE_CHECKING:
    from lab.stack import Stack

SERVERS = ("redis-cache", "redis-broker")

SECRET = ("requirepass", "masterauth")


class RedisSettings(Kind):
    name = "Redis setting"

    def read(self, stack: Stack) -> Things:
        found: dict[str, str] = {}
        for server in SERVERS:
            said = cli(stack, server, "CONFIG", "GET", "*")
            pairs = zip(said[::2], said[1::2], strict=False)
            found |= {f"{server}: {name}": value for name, value in pairs if name not in SECRET}
        return found

    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        for change in changes:
            server, _, setting = change.name.partition(": ")
            try:
                config_set(stack, server, setting, change.before or "")
            except CommandFailed:
                replace(stack, [change])  # a new server reads its files
