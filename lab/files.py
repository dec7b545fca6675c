"""Writing a file in one step, so that a reader never sees half of it, nor does the next start."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


def replace_file(path: Path, content: bytes | str, *, mode: int | None = None) -> None:
    """Give the file at `path` this content, and this mode if one is named.

    What was there stays until all of it is on the disk; once this returns, a power cut does not
    bring it back.

    Raises `OSError`, and leaves nothing half-done.
    """
    # Where it is a link, what it leads to is meant.
    path = path.resolve()
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # Made with these rights: afterwards might be too late for a secret.
        made = os.open(
            fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666 if mode is None else mode
        )
        with open(made, "wb") as file:  # noqa: PTH123 - it is open
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def appending(log: Path) -> BinaryIO:
    """What a process of its own says goes to the end of this file, or nowhere: a disk that takes
    nothing is no reason not to start it."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("ab")
    except OSError:
        return Path(os.devnull).open("ab")


def sync_folder(folder: Path) -> None:
    """Let what was renamed or made in it survive a power cut: a name is the folder's content.

    Does nothing where a file system has no such thing.
    """
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
