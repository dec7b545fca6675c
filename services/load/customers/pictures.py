"""The pictures that customers upload: a few made at start, each upload's bytes its own."""

from __future__ import annotations

import io
import random

#: Landscape, portrait, square and panorama, as phones make them.
SHAPES = ((1280, 853), (853, 1280), (1024, 1024), (1280, 720))

_JFIF = b"\xff\xd8\xff\xe0"  # start of image, then its first segment
_COMMENT = b"\xff\xfe"


def make(count: int, seed: int = 3) -> list[bytes]:
    """`count` JPEGs of 100 to 300 KB, the same ones for the same seed.

    Soft light with some grain: it compresses about as a photograph does.
    """
    from PIL import Image, ImageChops

    rng = random.Random(seed)
    pictures = []
    for number in range(count):
        size = SHAPES[number % len(SHAPES)]
        light = Image.frombytes("RGB", (8, 6), rng.randbytes(8 * 6 * 3))
        detail = Image.frombytes("RGB", (160, 120), rng.randbytes(160 * 120 * 3))
        grain = Image.frombytes("RGB", (400, 400), rng.randbytes(400 * 400 * 3))
        picture = Image.blend(
            light.resize(size, Image.Resampling.BICUBIC),
            detail.resize(size, Image.Resampling.BICUBIC),
            0.25,
        )
        sheet = Image.new("RGB", size)
        for left in range(0, size[0], grain.width):
            for top in range(0, size[1], grain.height):
                sheet.paste(grain, (left, top))
        picture = Image.blend(picture, ImageChops.overlay(picture, sheet), 0.15)
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=82)
        pictures.append(out.getvalue())
    return pictures


def sign(picture: bytes, signature: str) -> bytes:
    """`picture` with `signature` in a comment segment: the same image, other bytes.

    Two uploads of one picture so have two checksums, as two photographs have.
    Raises ValueError for what is no JFIF file and for a signature over 65,533 bytes.
    """
    if not picture.startswith(_JFIF):
        raise ValueError("not a JFIF file")
    text = signature.encode()
    if len(text) > 0xFFFF - 2:
        raise ValueError("a JPEG comment holds at most 65,533 bytes")
    # JFIF wants its own segment first; each length counts its own two bytes.
    after = len(_JFIF) + int.from_bytes(picture[4:6], "big")
    length = (len(text) + 2).to_bytes(2, "big")
    return b"".join((picture[:after], _COMMENT, length, text, picture[after:]))
