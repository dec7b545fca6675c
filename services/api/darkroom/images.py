"""Is this an image that we are willing to decode? Judged by its header, not by its name."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import IO

from PIL import Image, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
#: 25 megapixels: what the worker can hold decoded, several times over, within its memory.
MAX_PIXELS = 25_000_000

Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class NotAnImage(Exception):
    """The bytes are none of FORMATS, or broken already in the header."""


class TooManyPixels(Exception):
    """Decoding it would take far more memory than its bytes suggest."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an image says of itself; pixels."""

    format: str
    width: int
    height: int


def inspect(file: IO[bytes]) -> Header:
    """Reads the header only; raises NotAnImage or TooManyPixels. Leaves `file` at its start."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                width, height = image.size
                header = Header(image.format or "", width, height)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise TooManyPixels(f"more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise NotAnImage(f"none of {', '.join(FORMATS)}") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise NotAnImage(f"broken header: {error}") from error
    finally:
        file.seek(0)
    if width < 1 or height < 1:
        raise NotAnImage("an image without pixels")
    return header
