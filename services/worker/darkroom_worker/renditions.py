"""A photo's published files: five sizes that fit a square, and a square thumbnail."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

#: Longest edge in pixels, largest first. A smaller original is never enlarged.
SIZES = (1600, 1080, 720, 480, 240)
THUMB = 160
NAMES = (*(str(size) for size in SIZES), "thumb")
FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 82

#: The API refuses what is larger; checked again, because this is where it would hurt.
Image.MAX_IMAGE_PIXELS = 25_000_000


class DamagedImage(Exception):
    """The original cannot be decoded; no later try will do better."""


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels, as shown: a camera's rotation is applied."""

    width: int
    height: int


def render(original: Path, folder: Path) -> Size:
    """Writes every rendition of `original` into `folder`; returns the original's size.

    Raises DamagedImage, and OSError where the disk fails.
    """
    image, size = _decode(original)
    thumb = ImageOps.fit(image, (THUMB, THUMB), Image.Resampling.LANCZOS)
    _save(thumb, folder / "thumb.jpg")
    for edge in SIZES:
        # Each from the one before: a fraction of the work, and no visible difference.
        image.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
        _save(image, folder / f"{edge}.jpg")
    return size


def _decode(original: Path) -> tuple[Image.Image, Size]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(original, formats=FORMATS) as image:
                full = image.size
                # A JPEG is decoded at a half or a quarter where that is large enough still.
                image.draft("RGB", (SIZES[0], SIZES[0]))
                image.load()
                turned = ImageOps.exif_transpose(image)
    except FileNotFoundError as error:
        raise DamagedImage("the original is missing") from error
    except (
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        struct.error,
        zlib.error,
    ) as error:
        raise DamagedImage(f"cannot be decoded: {error}") from error
    sideways = (turned.width > turned.height) != (full[0] > full[1])
    width, height = reversed(full) if sideways else full
    return _flat(turned), Size(width, height)


def _flat(image: Image.Image) -> Image.Image:
    """Three channels; transparency becomes white."""
    if image.mode == "RGB":
        return image
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    paper = Image.new("RGB", layer.size, "white")
    paper.paste(layer, mask=layer.getchannel("A"))
    return paper


def _save(image: Image.Image, path: Path) -> None:
    image.save(path, "JPEG", quality=_QUALITY)
