"""Which containers there are: of the services, more of them, and others on the stack's network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.compose import HASH_LABEL, SERVICE_LABEL
from lab.manifest import Change, Kind, Things

if TYPE_CHECKING:
    from lab.stack import Stack

GUEST = "guest"


class Containers(Kind):
    """A guest is on the stack's network and is not the stack's: it is shown the door, and lives."""

    name = "container"
    needs_services = False

    def read(self, stack: Stack) -> Things:
        expected = set(stack.expected)
        found: dict[str, str] = {}
        for one in stack.project.containers():
            service = one["Labels"][SERVICE_LABEL]
            if service in expected:
                made = one["Labels"].get(HASH_LABEL, "")[:8]
                found[service] = f"{one['State']}, configuration {made}"
            else:
                found[f"{service} ({one['Id'][:12]})"] = one["State"]
        guests = {f"{GUEST}: {name}": image for name, image in stack.project.guests().items()}
        return found | guests

    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        # The start brings what is missing, stopped or made otherwise, and removes what is more.
        for change in changes:
            kind, _, name = change.name.partition(": ")
            if kind == GUEST and change.after is not None:
                stack.project.show_out(name)
