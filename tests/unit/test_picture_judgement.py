"""Which pictures are taken: one judgement for API and worker, from a file's structure alone."""

from __future__ import annotations

import filecmp
import io
import re
import struct
import tracemalloc
from pathlib import Path

import pytest
from darkroom.config import Config
from darkroom_worker.picture import (
    CONTAINER,
    MEMORY,
    MOST_BYTES,
    MOST_EDGE,
    MOST_PIXELS,
    NotAPicture,
    NotTaken,
    Picture,
    TooLarge,
    judge,
    need,
)
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from ruamel.yaml import YAML

from tests.unit import pictures
from tests.unit.pictures import chunk, file, jpeg_with, png_claim, png_with, segment, webp_claim

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "services/worker/darkroom_worker/picture"
API = ROOT / "services/api/darkroom/picture"
SCENE = pictures.scene()
ORDINARY = {
    "JPEG": file(SCENE, "JPEG"),
    "progressive": file(SCENE, "JPEG", progressive=True),
    "grey": file(SCENE.convert("L"), "JPEG"),
    "CMYK": file(SCENE.convert("CMYK"), "JPEG"),
    "PNG": file(SCENE, "PNG"),
    "palette": file(SCENE.convert("P"), "PNG"),
    "WebP": file(SCENE, "WEBP"),
    "lossless": file(SCENE, "WEBP", lossless=True),
    "transparent": file(SCENE.convert("RGBA"), "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
}


def judged(data: bytes) -> Picture:
    return judge(io.BytesIO(data))


def test_api_and_worker_judge_by_the_same_files() -> None:
    """Two images cannot share a folder yet, so each has its own: the same, to the byte."""
    names = sorted(path.name for path in WORKER.glob("*.py"))
    assert names == sorted(path.name for path in API.glob("*.py"))
    assert filecmp.cmpfiles(WORKER, API, names, shallow=False)[0] == names


def test_limits_fit_into_the_container_and_through_the_door(tmp_path: Path) -> None:
    """The largest picture of each kind, in the largest file, needs no more than the worker's
    container has for pictures; and API and front door let in just such files."""
    compose = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    limit = re.fullmatch(r"(\d+)m", compose["services"]["worker"]["mem_limit"])
    assert limit is not None
    assert int(limit[1]) * 1024 * 1024 == CONTAINER
    assert CONTAINER - MEMORY >= 3 * 62_000 * 1024, "of which the idle worker takes a third"
    for kind, pixels in MOST_PIXELS.items():
        assert need(Picture(kind, 1, pixels, MOST_BYTES, ())) <= MEMORY
    for name in ("postgres_app", "redis_cache", "redis_broker"):
        (tmp_path / name).write_text("x")
    assert Config.from_env({"SECRETS_DIR": str(tmp_path)}).upload_max_bytes == MOST_BYTES
    front = (ROOT / "infra/nginx/nginx.conf").read_text()
    body = re.search(r"location = /api/photos \{\s*client_max_body_size (\d+)m;", front)
    assert body is not None
    # A form has more in it than its file, as app.py allows for.
    assert 0 <= int(body[1]) * 1024 * 1024 - MOST_BYTES - 64 * 1024 < 2_000_000


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_picture_is_taken_as_large_as_it_is(name: str) -> None:
    """Kind and size are those that a decoder finds."""
    picture = judged(ORDINARY[name])
    with Image.open(io.BytesIO(ORDINARY[name])) as image:
        assert (picture.kind.upper(), picture.width, picture.height) == (image.format, *image.size)


def test_forty_bytes_cannot_ask_for_more_than_there_is() -> None:
    """A claim of any size is refused, or taken, without memory for it."""
    tracemalloc.start()
    try:
        for claim in (
            webp_claim(16_384, 16_384), webp_claim(1 << 24, 1 << 24), png_claim(60_000, 60_000),
            png_claim(2**31 - 1, 1), png_claim(5001, 5000), png_claim(1, 65_501),
        ):  # fmt: skip
            with pytest.raises(NotTaken):
                judged(claim)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_as_many_pixels_as_the_memory_holds() -> None:
    """One pixel too many is refused with the number; so are a longer edge, and more bytes."""
    assert judged(png_claim(5000, 5000)).width == 5000
    with pytest.raises(TooLarge, match="25,000,000 pixels, the most of a PNG"):
        judged(png_claim(5000, 5001))
    with pytest.raises(TooLarge, match=f"{MOST_EDGE:,} pixels along an edge"):
        judged(png_claim(MOST_EDGE + 1, 1))
    with pytest.raises(TooLarge, match="25,000,000 bytes"):
        judged(ORDINARY["JPEG"] + bytes(MOST_BYTES))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "none of JPEG, PNG, WebP"),
        (b"not an image", "none of"),
        (b"\xff\xd8\xff", "ends before"),
        (file(SCENE, "GIF"), "none of"),
        (file(SCENE, "PNG", save_all=True, append_images=[SCENE.rotate(9)]), "an animation"),
        (file(SCENE, "WEBP", save_all=True, append_images=[SCENE.rotate(9)]), "an animation"),
        (ORDINARY["PNG"][:20], "ends before"),
        (ORDINARY["PNG"][:-100], "ends before"),
        (ORDINARY["WebP"][:-2], "ends before"),
        (png_claim(0, 9), "no pixels"),
        (ORDINARY["PNG"][:33] + chunk(b"IEND", b""), "no pixels"),
        (png_with(ORDINARY["PNG"], *[chunk(b"tEXt", b"")] * 30_000), "too many parts"),
        (ORDINARY["PNG"].replace(b"\x08\x02\0\0\0", b"\x07\x02\0\0\0", 1), "header is damaged"),
        (ORDINARY["JPEG"].replace(b"\xff\xc0", b"\xff\xc9", 1), "a rare kind"),
        (ORDINARY["JPEG"].replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c", 1), "a rare kind"),
        (b"\xff\xd8" + segment(0xE0, b"JFIF\0") + b"\xff\xd9", "no pixels"),
        (b"\xff\xd8" + segment(0xE0, b"JFIF\0") + b"\0\0\0\0", "segments are damaged"),
        (webp_claim(9, 9), "ends before|header is damaged"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(data: bytes, why: str) -> None:
    """No picture, an animation, a damaged structure, a kind that hardly anything reads."""
    with pytest.raises(NotAPicture, match=why):
        judged(data)


def test_a_webp_is_as_large_as_its_canvas() -> None:
    """One whose canvas is not its picture's size would be decoded at the larger of the two."""
    honest = ORDINARY["transparent"]
    at = honest.index(b"VP8X") + 12
    with pytest.raises(NotAPicture, match="two different sizes"):
        judged(honest[:at] + b"\xff\x3f\0\xff\x3f\0" + honest[at + 6 :])


def test_a_picture_that_lacks_only_its_end_is_taken() -> None:
    """All pixels are there: a JPEG without its last two bytes, a PNG without its last chunk."""
    assert judged(ORDINARY["JPEG"][:-2]).kind == "JPEG"
    for cut in range(1, 17):
        assert judged(ORDINARY["PNG"][:-cut]).kind == "PNG"


def test_what_is_no_pixel_is_left_out() -> None:
    """No comment, text, caption or thumbnail is among the parts that a decoder gets."""
    secret = b"12 Elm Street"
    texts = {
        "JPEG": jpeg_with(
            ORDINARY["JPEG"], segment(0xFE, secret), segment(0xE1, b"http://ns.adobe.com/" + secret)
        ),
        "PNG": png_with(
            ORDINARY["PNG"], chunk(b"tEXt", b"comment\0" + secret), chunk(b"prVt", secret)
        ),
        "WebP": file(SCENE, "WEBP", xmp=secret, exif=b"Exif\0\0" + secret),
    }
    for kind, data in texts.items():
        assert secret in data
        picture = judged(data)
        kept = b"".join(
            part if isinstance(part, bytes) else data[part[0] : sum(part)]
            for part in picture.pixels
        )
        assert secret not in kept
        with Image.open(io.BytesIO(kept)) as image:
            image.load()
            assert (image.format, image.size) == (kind.upper(), SCENE.size)


@given(data=st.data())
def test_whatever_comes_is_judged(data: st.DataObject) -> None:
    """Damaged anywhere, a file is taken or refused with a reason: nothing else can happen."""
    whole = bytearray(data.draw(st.sampled_from(list(ORDINARY.values()))))
    head = min(len(whole), 400)
    for at in data.draw(st.lists(st.integers(0, head - 1), max_size=4)):
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        picture = judged(bytes(whole[:cut]))
    except NotTaken:
        return
    assert 0 < picture.width * picture.height <= MOST_PIXELS[picture.kind]
    assert need(picture) <= MEMORY


STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\0\0\0WEBP")


@given(st.binary(max_size=60), st.sampled_from(STARTS))
def test_a_promising_beginning_is_judged(rest: bytes, start: bytes) -> None:
    """After the first bytes of a kind anything may come."""
    with pytest.raises(NotTaken):
        judged(start + rest)


def test_a_jpeg_of_two_frames_is_refused() -> None:
    """A second size would be another's than the one that was judged."""
    jpeg = ORDINARY["JPEG"]
    at = jpeg.index(b"\xff\xc0")
    frame = jpeg[at : at + 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]]
    with pytest.raises(NotAPicture, match="two JPEGs"):
        judged(jpeg[:at] + frame + jpeg[at:])
