"""How much is taken: pixels by the memory that a run may use, and that by the worker's container.

A run holds its picture decoded, so what is taken has to fit beside the worker into its container.
"""

from __future__ import annotations

from .parts import Picture

#: Bytes of a file, and pixels of a picture, of any kind.
MOST_BYTES = 25_000_000
_MOST_PIXELS = 25_000_000
#: Pixels along one edge: as many as a JPEG may have. It also bounds the filters for resizing.
MOST_EDGE = 65_500

_MIB = 1024 * 1024
#: Bytes of the worker's container: its `mem_limit` in docker-compose.yml, as a test sees to.
CONTAINER = 512 * _MIB
#: The worker itself takes 65 MB of that, with Celery, its threads and its connections; the rest is
#: for what the kernel counts besides, and what an allocator does not give back at once.
_WORKER = 192 * _MIB
#: Bytes that the pictures in hand may need together, so also the most that one may.
MEMORY = CONTAINER - _WORKER
#: Whatever its kind: about ten megapixels that are left of a picture when it is first reduced, the
#: renditions made from them, and what encoders want.
_AROUND = 64 * _MIB
#: Decoded, a pixel takes: in a JPEG of several scans two bytes for each of up to four colours; in a
#: PNG, which is decoded whole, four; a WebP is there four times on its way through its decoder.
_PER_PIXEL = {"JPEG": 8, "PNG": 4, "WebP": 16}
#: How often the file itself is held.
_COPIES = {"JPEG": 1, "PNG": 1, "WebP": 2}


def _most_pixels(kind: str) -> int:
    room = MEMORY - _AROUND - _COPIES[kind] * MOST_BYTES
    # In tenths of a megapixel, as people are told it.
    return min(_MOST_PIXELS, room // _PER_PIXEL[kind] // 100_000 * 100_000)


MOST_PIXELS = {kind: _most_pixels(kind) for kind in _PER_PIXEL}

#: All of that in a sentence, for whoever uploads.
TAKEN = (
    f"A still picture of at most {MOST_BYTES / 1e6:g} MB: "
    + ", ".join(f"{kind} to {pixels / 1e6:g} megapixels" for kind, pixels in MOST_PIXELS.items())
    + "."
)


def need(picture: Picture) -> int:
    """Bytes of memory that rendering `picture` takes at most."""
    held = _COPIES[picture.kind] * picture.bytes
    return _AROUND + held + _PER_PIXEL[picture.kind] * picture.width * picture.height
