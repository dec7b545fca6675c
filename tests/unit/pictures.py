"""Pictures for tests: ordinary ones, those that ask for the most, and those that are no good."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image


def file(image: Image.Image, kind: str, **options: object) -> bytes:
    """`image` as a file of that kind."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(mode: str, size: tuple[int, int]) -> Image.Image:
    """What compresses badly: one random square, over and over."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    square = Image.frombytes(mode, (256, 256), random.Random(3).randbytes(256 * 256 * channels))
    image = Image.new(mode, size)
    for left in range(0, size[0], 256):
        for top in range(0, size[1], 256):
            image.paste(square, (left, top))
    return image


def scene(size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Dark at the left, light at the right; red above, blue below: its four corners differ."""
    across = Image.linear_gradient("L").rotate(90).resize(size)
    down = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (down.point(lambda v: 255 - v), across, down))


def chunk(name: bytes, data: bytes) -> bytes:
    """One of a PNG's chunks."""
    check = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + check


def png_with(png: bytes, *chunks: bytes) -> bytes:
    """`png` with more chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def png_claim(width: int, height: int) -> bytes:
    """A small PNG that claims a size: the beginning of a decompression bomb."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(100_000))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp_claim(width: int, height: int) -> bytes:
    """Forty bytes that claim a canvas."""
    edges = b"".join((edge - 1).to_bytes(3, "little") for edge in (width, height))
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + edges
    body += b"VP8L" + struct.pack("<I", 2) + b"/\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def segment(marker: int, payload: bytes) -> bytes:
    """One of a JPEG's segments."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg_with(jpeg: bytes, *segments: bytes) -> bytes:
    """`jpeg` with more segments behind its first."""
    after = 4 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:after] + b"".join(segments) + jpeg[after:]


def worst() -> Iterator[tuple[str, bytes]]:
    """Those that ask for the most memory and are taken still, by what they are."""
    flat = (9, 99, 200, 7)
    scans = file(
        Image.new("CMYK", (5000, 5000), flat), "JPEG", progressive=True, subsampling=0, quality=90
    )
    yield "a JPEG of several scans, in four colours, without its end", scans[:-2]
    narrow = Image.new("CMYK", (65_500, 381), flat)
    yield "a panorama", file(narrow, "JPEG", progressive=True, subsampling=0)
    yield "a PNG with transparency", file(Image.new("RGBA", (5000, 5000), flat), "PNG")
    yield "one that can hardly be reduced", file(Image.new("RGBA", (3199, 3199), flat), "PNG")
    yield "a tower", file(Image.new("RGBA", (381, 65_500), flat), "PNG")
    yield "a WebP without loss", file(Image.new("RGBA", (3680, 3695), flat), "WEBP", lossless=True)
    yield "a WebP with loss", file(Image.new("RGBA", (3680, 3695), flat), "WEBP", method=0)
