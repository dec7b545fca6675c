"""`python -m tests.unit.made_up_room PORT FOLDER`: the control room of a made-up stack, whose token
is `TOKEN`.

Everything but the doors is real: the pages, the journal, the grader. Time goes sixty times as fast.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from lab.doors import Doors
from lab.room import operating
from lab.room.address import listen
from lab.room.server import serve
from tests.unit.world import World, doors_to, write_scenario

FASTER = 60
TOKEN = "s3cret-of-the-made-up-room"


class Hurried(World):
    """A world whose clock does not wait for anybody to wait."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._paused = 0.0
        super().__init__()

    @property
    def now(self) -> float:
        return self._at + self._paused + FASTER * (time.monotonic() - self._begun)

    @now.setter
    def now(self, at: float) -> None:
        self._at = at

    def pause(self, seconds: float) -> None:
        self._paused += seconds
        # Long enough for a page to see that something is being done.
        time.sleep(0.02)


def operator(world: World) -> Callable[..., None]:
    """What `docker compose exec postgres-primary psql` would do."""

    def follow(argv: list[str], on_line: Callable[[str], None], **_: object) -> None:
        world.run(argv[-1])
        on_line("CREATE INDEX")

    return follow


def main(port: str, folder: str) -> None:
    """Serve until it is ended."""
    world = Hurried()
    path = Path(folder)
    write_scenario(path)
    operating.follow = operator(world)  # type: ignore[assignment]

    def opened() -> AbstractContextManager[Doors]:
        return doors_to(world, path)

    serve(opened, listen("127.0.0.1", int(port)), TOKEN)


if __name__ == "__main__":
    main(*sys.argv[1:])
