"""A file as parts to be kept or left out, and what there is to say of the picture in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

#: A colour profile of more bytes is not used, nor an EXIF block.
MOST_PROFILE = 4 * 1024 * 1024
MOST_EXIF = 1024 * 1024
#: Parts of a file, beyond which it is no honest one: 25 MB in parts of 1 KB.
MOST_PARTS = 25_000


class NotTaken(Exception):
    """Why a file is not taken, as the second half of a sentence for people."""


class NotAPicture(NotTaken):
    """It is no JPEG, PNG or WebP, an animation, broken in its structure, or of a rare kind."""


class TooLarge(NotTaken):
    """To decode it takes more memory than there is."""


#: A stretch of the file (first byte, length), or bytes to be put there.
Part = tuple[int, int] | bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """What a file says of its picture, before any rotation; bytes and pixels.

    `pixels` put together are the file without all else; `profile` and `exif` are the payloads of
    what says how its colours are meant and which way is up. `deflated`: the profile is compressed.
    """

    kind: str
    width: int
    height: int
    bytes: int
    pixels: tuple[Part, ...]
    profile: tuple[Part, ...] = ()
    exif: tuple[Part, ...] = ()
    deflated: bool = False


class File:
    """A file to look into; whatever lies beyond its end is its fault."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        file.seek(0, 2)
        self.size = file.tell()

    def at(self, offset: int, length: int) -> bytes:
        self.reaches(offset + length)
        self._file.seek(offset)
        return self._file.read(length)

    def reaches(self, end: int) -> None:
        if end > self.size:
            raise NotAPicture("it ends before its picture does")


def length_of(parts: Sequence[Part]) -> int:
    """How many bytes these are together."""
    return sum(len(part) if isinstance(part, bytes) else part[1] for part in parts)


def at_most(most: int, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """These parts, or none where they are more than `most` bytes."""
    return parts if length_of(parts) <= most else ()
