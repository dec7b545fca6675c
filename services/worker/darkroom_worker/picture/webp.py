"""WebP: RIFF chunks of a name, a length and a payload, padded to an even length."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .parts import (
    MOST_EXIF,
    MOST_PARTS,
    MOST_PROFILE,
    File,
    NotAPicture,
    Part,
    Picture,
    at_most,
    length_of,
)

_ANIMATED = 0x02
_ALPHA = 0x10


def read(file: File) -> Picture:
    """Raises NotAPicture."""
    end = 8 + struct.unpack("<I", file.at(4, 4))[0]
    file.reaches(end)
    canvas: tuple[int, int] | None = None
    size: tuple[int, int] | None = None
    pixels: list[Part] = []
    profile: tuple[Part, ...] = ()
    exif: tuple[Part, ...] = ()
    for name, at, length in _chunks(file, end):
        whole = (at - 8, length + 8 + length % 2)
        if name == b"VP8X" and canvas is None:
            flags, wide, high = struct.unpack("<B3x3s3s", file.at(at, 10))
            if flags & _ANIMATED:
                raise NotAPicture("it is an animation, and we take only stills")
            canvas = (_whole(wide) + 1, _whole(high) + 1)
        elif name in (b"ANIM", b"ANMF"):
            raise NotAPicture("it is an animation, and we take only stills")
        elif name == b"ICCP":
            profile = profile or ((at, length),)
        elif name == b"EXIF":
            exif = exif or ((at, length),)
        elif name == b"ALPH" and not pixels:  # before the picture that it belongs to
            pixels.append(whole)
        elif name in (b"VP8 ", b"VP8L") and size is None:
            size = (_lossy if name == b"VP8 " else _lossless)(file.at(at, 10))
            pixels.append(whole)
    if size is None:
        raise NotAPicture("it has no pixels")
    if canvas not in (None, size):
        raise NotAPicture("it says two different sizes")
    return Picture(
        "WebP", *size, file.size, _anew(size, pixels), at_most(MOST_PROFILE, profile),
        at_most(MOST_EXIF, exif),
    )  # fmt: skip


def _chunks(file: File, end: int) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    for _ in range(MOST_PARTS):
        if at + 8 > end:
            return
        name, length = struct.unpack("<4sI", file.at(at, 8))
        file.reaches(at + 8 + length)
        yield name, at + 8, length
        at += 8 + length + length % 2
    raise NotAPicture("it is in too many parts")


def _lossy(frame: bytes) -> tuple[int, int]:
    mark, width, height = struct.unpack("<3x3sHH", frame)
    if mark != b"\x9d\x01\x2a":
        raise NotAPicture("its header is damaged")
    return width & 0x3FFF, height & 0x3FFF


def _lossless(frame: bytes) -> tuple[int, int]:
    mark, bits = struct.unpack("<BI", frame[:5])
    if mark != 0x2F:
        raise NotAPicture("its header is damaged")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _anew(size: tuple[int, int], pixels: list[Part]) -> tuple[Part, ...]:
    """A file of these chunks alone; transparency beside the picture wants the extended header."""
    extended = b""
    if len(pixels) > 1:
        wide, high = ((edge - 1).to_bytes(3, "little") for edge in size)
        extended = struct.pack("<4sIB3x3s3s", b"VP8X", 10, _ALPHA, wide, high)
    length = len(b"WEBP" + extended) + length_of(pixels)
    return (struct.pack("<4sI4s", b"RIFF", length, b"WEBP") + extended, *pixels)


def _whole(three: bytes) -> int:
    return int.from_bytes(three, "little")
