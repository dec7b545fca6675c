"""What a picture is, told by its structure, and whether we take it.

API and worker have this same folder, as a test sees to: what one accepts the other renders. Nothing
is decoded here. Sizes, kinds and lengths are read, in memory that does not depend on what a file
claims; and what is no pixel, profile or orientation is left out, so that no decoder ever sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from . import jpeg, png, webp
from .limits import CONTAINER, MEMORY, MOST_BYTES, MOST_EDGE, MOST_PIXELS, TAKEN, need
from .parts import MOST_PROFILE, File, NotAPicture, NotTaken, Part, Picture, TooLarge

__all__ = [
    "CONTAINER",
    "MEMORY",
    "MOST_BYTES",
    "MOST_EDGE",
    "MOST_PIXELS",
    "MOST_PROFILE",
    "TAKEN",
    "NotAPicture",
    "NotTaken",
    "Part",
    "Picture",
    "TooLarge",
    "judge",
    "need",
]


def judge(file: IO[bytes]) -> Picture:
    """The picture in `file`, if it is taken; leaves `file` at its start.

    Raises NotTaken; and OSError where the file cannot be read, which is not the picture's fault.
    """
    seen = File(file)
    try:
        if seen.size > MOST_BYTES:
            raise TooLarge(f"its file has more than {MOST_BYTES:,} bytes")
        file.seek(0)
        picture = _reader(file.read(12))(seen)
    finally:
        file.seek(0)
    if picture.width < 1 or picture.height < 1:
        raise NotAPicture("it has no pixels")
    most = MOST_PIXELS[picture.kind]
    if picture.width * picture.height > most:
        raise TooLarge(f"it has more than {most:,} pixels, the most of a {picture.kind}")
    if max(picture.width, picture.height) > MOST_EDGE:
        raise TooLarge(f"it has more than {MOST_EDGE:,} pixels along an edge")
    return picture


def _reader(start: bytes) -> Callable[[File], Picture]:
    if start.startswith(jpeg.START):
        return jpeg.read
    if start.startswith(png.START):
        return png.read
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return webp.read
    raise NotAPicture(f"it is none of {', '.join(MOST_PIXELS)}")
