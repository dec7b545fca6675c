"""What people hand over in files and on standard input: text of a known size, and nothing else.

A directory, a pipe that nobody writes to, a device without end: each is refused before it is read.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from lab.errors import BadInput

MOST_TEXT = 250_000
"""Bytes of a text that a person has written: a book of a hundred pages."""

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def read_bytes(path: Path, most: int) -> bytes:
    """All of a file. Raises `BadInput` when it cannot be read, is no file, or has more than `most`
    bytes."""
    try:
        # A pipe would let us wait for whoever writes to it.
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(opened, "rb") as file:  # noqa: PTH123 - a descriptor has no path
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
                raise BadInput(f"{path}: {kind}; a file is needed")
            # It may grow meanwhile, and some say that they are empty.
            content = file.read(max(min(most, found.st_size), MOST_TEXT) + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{str(path)!r}: cannot be read: {error}") from error
    if len(content) > most:
        raise BadInput(f"{path}: larger than {most} bytes; is it the right file?")
    return content


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """All of a text file. Raises `BadInput` as `read_bytes` does, and when it is not UTF-8."""
    return _decoded(read_bytes(path, most), str(path))


STDIN = "standard input"


def read_stdin(most: int = MOST_TEXT) -> str:
    """All that comes on standard input. Raises `BadInput` where that is closed, more than `most`
    bytes, or not UTF-8."""
    if sys.stdin is None:
        raise BadInput(f"{STDIN} is closed")
    content = sys.stdin.buffer.read(most + 1)
    if len(content) > most:
        raise BadInput(f"{STDIN}: more than {most} bytes; is it the right file?")
    return _decoded(content, STDIN)


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: not UTF-8 text (byte {error.start})") from error
