"""One lab at a time where two would get in each other's way: installing, building."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.progress import Report


@contextmanager
def exclusive(name: str, report: Report) -> Iterator[None]:
    """Hold this user's machine-wide lock ``name``; wait for it, and say so, where another holds it.

    The kernel lets go of it when the process ends, however it ends.
    """
    path = Path(tempfile.gettempdir()) / f"3am-lab-{os.getuid()}-{name}.lock"
    with path.open("a", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report.say(f"another lab is busy here ({name}); waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
