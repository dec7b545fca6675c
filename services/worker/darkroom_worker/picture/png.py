"""PNG: chunks of a length, a name, a payload and a checksum."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .parts import MOST_EXIF, MOST_PARTS, MOST_PROFILE, File, NotAPicture, Part, Picture, at_most

START = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"
#: Bits that a sample may have, by type of colour.
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def read(file: File) -> Picture:
    """Raises NotAPicture."""
    length, name, width, height, depth, colour, *ways = struct.unpack(
        ">I4sIIBBBBB", file.at(len(START), 21)
    )
    if (length, name) != (13, b"IHDR") or depth not in _DEPTHS.get(colour, ()):
        raise NotAPicture("its header is damaged")
    if ways[:2] != [0, 0] or ways[2] > 1:
        raise NotAPicture("it is a PNG of a kind that nobody defined")
    pixels: list[Part] = [(0, 33)]
    profile: tuple[Part, ...] = ()
    exif: tuple[Part, ...] = ()
    begun = False
    for name, at, length in _chunks(file):
        whole = (at - 8, length + 12)
        if name == b"IDAT":
            begun = True
            pixels.append(whole)
        elif name in (b"PLTE", b"tRNS") and not begun:
            pixels.append(whole)
        elif name == b"iCCP" and not begun:
            profile = profile or _profile(file, at, length)
        elif name == b"eXIf":
            exif = exif or ((at, length),)
        elif name == b"acTL" and not begun:
            raise NotAPicture("it is an animation, and we take only stills")
    if not begun:
        raise NotAPicture("it has no pixels")
    return Picture(
        "PNG", width, height, file.size, (*pixels, _END), at_most(MOST_PROFILE, profile),
        at_most(MOST_EXIF, exif), deflated=True,
    )  # fmt: skip


def _chunks(file: File) -> Iterator[tuple[bytes, int, int]]:
    """Name, where the payload begins, and its length: up to the end, or where the file is cut."""
    at = 33
    begun = False
    for _ in range(MOST_PARTS):
        # All data is there without the mark of its end; and without the last checksum's bytes.
        if begun and at + 8 > file.size:
            return
        length, name = struct.unpack(">I4s", file.at(at, 8))
        if name == b"IEND":
            return
        file.reaches(at + 8 + length)
        begun = begun or name == b"IDAT"
        yield name, at + 8, length
        at += 12 + length
    raise NotAPicture("it is in too many parts")


def _profile(file: File, at: int, length: int) -> tuple[Part, ...]:
    # A name of at most 79 bytes, a zero, the way of compression, and the profile.
    name, zero, _rest = file.at(at, min(length, 81)).partition(b"\0")
    begin = len(name) + 2
    return ((at + begin, length - begin),) if zero and length > begin else ()
