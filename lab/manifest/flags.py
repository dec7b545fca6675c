"""The application's own switches (services/api/darkroom/flags.py); as shipped all are as declared,
and none is set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from lab.faults._redis import cli
from lab.manifest import Change, Kind, Things

if TYPE_CHECKING:
    from lab.stack import Stack

BROKER = "redis-broker"
KEY = "flags"


class Flags(Kind):
    name = "flag"
    as_shipped: ClassVar[Things] = {}

    def read(self, stack: Stack) -> Things:
        said = cli(stack, BROKER, "HGETALL", KEY)
        return dict(zip(said[::2], said[1::2], strict=False))

    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.before is None:
                cli(stack, BROKER, "HDEL", KEY, change.name)
            else:
                cli(stack, BROKER, "HSET", KEY, change.name, change.before)
