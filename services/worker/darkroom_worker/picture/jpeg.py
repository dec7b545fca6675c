"""JPEG: segments of a marker, a length and a payload, until the first scan."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .parts import MOST_PARTS, MOST_PROFILE, File, NotAPicture, Part, Picture, at_most

START = b"\xff\xd8\xff"

_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Baseline, extended and progressive; the others are arithmetic, lossless or hierarchical.
_USUAL_FRAMES = frozenset({0xC0, 0xC1, 0xC2})


def read(file: File) -> Picture:
    """Raises NotAPicture."""
    pixels: list[Part] = [(0, 2)]
    profile: list[tuple[bytes, Part]] = []
    exif: tuple[Part, ...] = ()
    size: tuple[int, int] | None = None
    for marker, at, length in _segments(file):
        whole = (at - 4, length + 4)
        if marker in _FRAMES:
            if size is not None:
                raise NotAPicture("it is two JPEGs in one")
            size = _frame(marker, file.at(at, length))
        if marker == 0xDA:
            # To the end: further scans, and what some cameras add.
            pixels.append((at - 4, file.size - at + 4))
            break
        if marker == 0xE1 and length > 6 and file.at(at, 6) == b"Exif\0\0":
            exif = exif or ((at + 6, length - 6),)
        elif marker == 0xE2 and length > 14 and file.at(at, 12) == b"ICC_PROFILE\0":
            profile.append((file.at(at + 12, 1), (at + 14, length - 14)))
        elif marker not in range(0xE1, 0xEE) and marker not in (0xEF, 0xFE):
            pixels.append(whole)
    if size is None:
        raise NotAPicture("it says nothing of its size")
    ordered = tuple(part for _number, part in sorted(profile, key=lambda piece: piece[0]))
    return Picture("JPEG", *size, file.size, tuple(pixels), at_most(MOST_PROFILE, ordered), exif)


def _segments(file: File) -> Iterator[tuple[int, int, int]]:
    """Marker, where the payload begins, and its length: up to the start of the first scan."""
    at = 2
    for _ in range(MOST_PARTS):
        lead, marker = file.at(at, 2)
        if lead != 0xFF or marker == 0x00:
            raise NotAPicture("its segments are damaged")
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            raise NotAPicture("it has no pixels")
        (length,) = struct.unpack(">H", file.at(at + 2, 2))
        if length < 2:
            raise NotAPicture("its segments are damaged")
        file.reaches(at + 2 + length)
        yield marker, at + 4, length - 2
        at += 2 + length
    raise NotAPicture("it is in too many parts")


def _frame(marker: int, payload: bytes) -> tuple[int, int]:
    if len(payload) < 6:
        raise NotAPicture("its segments are damaged")
    precision, height, width, colours = struct.unpack(">BHHB", payload[:6])
    if marker not in _USUAL_FRAMES or precision != 8 or colours not in (1, 3, 4):
        raise NotAPicture("it is a JPEG of a rare kind, which few programs can read")
    return width, height
