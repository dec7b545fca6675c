"""From an original's bytes to a picture that renditions can be made of, in bounded memory.

A JPEG is decoded at a half, a quarter or an eighth where that is large enough still. PNG and WebP
have to be decoded whole; what is then done with all their pixels is done in bands of rows.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from PIL import Image, ImageCms

from darkroom_worker.picture import (
    MOST_PIXELS,
    MOST_PROFILE,
    NotTaken,
    Part,
    Picture,
    judge,
    need,
)

#: A net below that judgement: Pillow does not decode what is twice as large.
Image.MAX_IMAGE_PIXELS = max(MOST_PIXELS.values())

#: Edges that are kept at the least when a picture is first reduced: of the largest rendition the
#: longer, of the thumbnail the shorter. And the most pixels that are kept, of any shape.
_LONGER, _SHORTER = 1600, 160
_MOST_KEPT = 10_240_000
#: Of a picture that is decoded whole, about so many are worked on at a time.
_BAND_PIXELS = 1_000_000
_GREYS = frozenset({"1", "L", "LA", "I", "I;16"})

#: The end of a JPEG, and what is none of it.
_END = b"\xff\xd9"
_ANYTHING = bytes(range(1, 128))

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})

#: What Pillow says of a picture that is damaged. All bytes are in memory: no disk is to blame.
_BROKEN = (
    Image.DecompressionBombError,
    ArithmeticError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
)


class DamagedImage(Exception):
    """The original cannot be decoded; no later try will do better."""


@dataclass(frozen=True, slots=True)
class Original:
    """An upload as it lies on disk, judged."""

    path: Path
    picture: Picture

    @classmethod
    def at(cls, path: Path) -> Original:
        """Raises DamagedImage for what the API would not take either, and OSError (the disk)."""
        with path.open("rb") as file:
            try:
                return cls(path, judge(file))
            except NotTaken as error:
                raise DamagedImage(f"cannot be decoded: {error}") from error

    @property
    def need(self) -> int:
        """Bytes of memory that rendering it takes at most."""
        return need(self.picture)

    def read(self, parts: tuple[Part, ...]) -> bytes:
        """These parts of the file, one after the other; raises OSError."""
        with self.path.open("rb") as file:
            return b"".join(_part(file, part) for part in parts)


def _part(file: io.BufferedReader, part: Part) -> bytes:
    if isinstance(part, bytes):
        return part
    offset, length = part
    file.seek(offset)
    # A checksum or a filling byte at the very end may be missing.
    return file.read(length).ljust(length, b"\0")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture of any mode without transparency, a part of its full size, and how it is meant."""

    image: Image.Image
    profile: bytes
    orientation: int

    @property
    def sideways(self) -> bool:
        """Whether width and height change places when it is turned as it was taken."""
        return self.orientation in _SIDEWAYS

    def shown(self, image: Image.Image) -> Image.Image:
        """`image`, made from this one, as it is to be seen: the right way up, in sRGB."""
        image = _srgb(image, self.profile)
        turn = _TURNS.get(self.orientation)
        return image if turn is None else image.transpose(turn)


def decode(original: Original) -> Decoded:
    """Raises DamagedImage, and OSError where the disk fails."""
    picture = original.picture
    pixels = original.read(picture.pixels)
    profile = original.read(picture.profile)
    orientation = _orientation(original.read(picture.exif))
    try:
        if picture.kind == "JPEG" and _END not in pixels:
            image = _unended(pixels, picture)
        else:
            image = _open(pixels, picture)
        del pixels
        reduced = _reduced(image)
    except _BROKEN as error:
        raise DamagedImage(f"cannot be decoded: {error}") from error
    return Decoded(reduced, _inflated(profile) if picture.deflated else profile, orientation)


def _factor(width: int, height: int) -> int:
    """By how much a picture may be reduced, in both directions."""
    enough = min(max(width, height) // _LONGER, min(width, height) // _SHORTER)
    return max(1, enough, math.ceil(math.sqrt(width * height / _MOST_KEPT)))


def _open(pixels: bytes, picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(pixels), formats=(picture.kind.upper(),))
    if image.size != (picture.width, picture.height):
        raise ValueError("it says two different sizes")
    factor = _factor(*image.size)
    image.draft("RGB", (max(1, image.width // factor), max(1, image.height // factor)))
    deep = any("16" in str(tile.args) for tile in image.tile)
    image.load()
    if deep and "transparency" in image.info:
        # Of 16 bits like the file's samples; what is compared with it has the upper eight.
        clear = image.info["transparency"]
        image.info["transparency"] = (
            tuple(sample >> 8 for sample in clear) if isinstance(clear, tuple) else clear >> 8
        )
    return image


def _unended(pixels: bytes, picture: Picture) -> Image.Image:
    """A JPEG that does not say where it ends; raises ValueError where pixels are missing, too.

    Whatever follows all pixels is skipped. Where some are missing it is taken for them.
    """
    expected = sha256(_open(pixels + _END, picture).tobytes()).digest()
    image = _open(pixels + _ANYTHING + _END, picture)
    if sha256(image.tobytes()).digest() != expected:
        raise ValueError("it ends before its picture does")
    return image


def _reduced(image: Image.Image) -> Image.Image:
    """Of mode L, RGB or CMYK, and of no more pixels than `_factor` leaves."""
    factor = _factor(*image.size)
    if image.mode in ("L", "RGB", "CMYK") and not image.has_transparency_data:
        return image.reduce(factor) if factor > 1 else image
    width, height = image.size
    size = (math.ceil(width / factor), math.ceil(height / factor))
    reduced = Image.new("L" if image.mode in _GREYS else "RGB", size)
    rows = max(1, _BAND_PIXELS // (width * factor)) * factor
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        reduced.paste(_plain(band).reduce(factor), (0, top // factor))
    return reduced


def _plain(image: Image.Image) -> Image.Image:
    """Mode L or RGB; transparency becomes white."""
    mode = "L" if image.mode in _GREYS else "RGB"
    if image.mode.startswith("I"):
        info = image.info
        # Pillow would cut off at 255 what goes to 65,535.
        image = image.point(lambda sample: sample * (1 / 256)).convert("L")
        image.info = info
    if not image.has_transparency_data:
        return image.convert(mode)
    layer = image.convert(mode + "A")
    paper = Image.new(mode, layer.size, "white")
    paper.paste(layer.convert(mode), mask=layer.getchannel("A"))
    return paper


def _srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """In the colours that every screen takes it for: six small files need no profile each.

    A profile that cannot be used, or is for another kind of picture, is as none.
    """
    if profile:
        try:
            meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if image.mode == "L" and meant.profile.xcolor_space.strip() == "RGB":
                image = image.convert("RGB")
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, meant, srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
        else:
            return converted
    return image if image.mode == "RGB" else image.convert("RGB")


def _inflated(profile: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(profile, MOST_PROFILE)
    except zlib.error:
        return b""
    return b"" if stream.unconsumed_tail else found


def _orientation(exif: bytes) -> int:
    """As the camera was held, 1 to 8; 1 where EXIF does not say so, or is damaged."""
    found = Image.Exif()
    try:
        found.load(exif)
        said = found.get(_ORIENTATION)
    except _BROKEN:
        return 1
    return said if said in _TURNS else 1
