"""A photo's published files: five sizes that fit a square, and a square thumbnail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from darkroom_worker.decoding import Original, decode

#: Longest edge in pixels, largest first. A smaller original is never enlarged.
SIZES = (1600, 1080, 720, 480, 240)
THUMB = 160
NAMES = (*(str(size) for size in SIZES), "thumb")
_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels, as shown: a camera's rotation is applied."""

    width: int
    height: int


def render(original: Original, folder: Path) -> Size:
    """Writes every rendition of `original` into `folder`; returns the original's size.

    Raises DamagedImage, and OSError where the disk fails.
    """
    decoded = decode(original)
    image = decoded.image
    thumb = ImageOps.fit(image, (THUMB, THUMB), Image.Resampling.LANCZOS)
    _save(decoded.shown(thumb), folder / "thumb.jpg")
    image.thumbnail((SIZES[0], SIZES[0]), Image.Resampling.LANCZOS, reducing_gap=2.0)
    image = decoded.shown(image)
    for edge in SIZES:
        # Each from the one before: a fraction of the work, and no visible difference.
        image.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
        _save(image, folder / f"{edge}.jpg")
    width, height = original.picture.width, original.picture.height
    return Size(height, width) if decoded.sideways else Size(width, height)


def _save(image: Image.Image, path: Path) -> None:
    image.save(path, "JPEG", quality=_QUALITY)
