"""What is taken is rendered right: its pixels, its colours, the right way up, and nothing else."""

from __future__ import annotations

import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from darkroom_worker.decoding import DamagedImage, Original
from darkroom_worker.renditions import NAMES, Size, render
from PIL import Image, ImageCms, ImageFile, ImageOps

from tests.unit import pictures
from tests.unit.pictures import chunk, file, jpeg_with, png_with, segment

SCENE = pictures.scene()
CLEAR_PALETTE = Image.new("P", SCENE.size, 1)
CLEAR_PALETTE.putpalette([0, 0, 0, 9, 99, 200])
CLEAR_PALETTE.info["transparency"] = 1


def rendered(folder: Path, data: bytes) -> tuple[Size, Image.Image]:
    """The size on record, and the largest rendition; all of them are plain JPEGs."""
    path = folder / "original"
    path.write_bytes(data)
    out = folder / "renditions"
    out.mkdir(exist_ok=True)
    size = render(Original.at(path), out)
    for name in NAMES:
        with Image.open(out / f"{name}.jpg") as image:
            assert (image.format, image.mode) == ("JPEG", "RGB"), name
    with Image.open(out / "1600.jpg") as image:
        image.load()
        return size, image


def alike(one: Image.Image, other: Image.Image, by: int = 12) -> bool:
    """Whether two pictures look the same, seen from some distance."""
    small = [image.convert("RGB").resize((8, 8), Image.Resampling.BOX) for image in (one, other)]
    pairs = zip(small[0].tobytes(), small[1].tobytes(), strict=True)
    return max(abs(a - b) for a, b in pairs) <= by


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        (SCENE, SCENE),
        (SCENE.convert("L"), SCENE.convert("L")),
        (SCENE.convert("1"), SCENE.convert("1").convert("L")),
        (SCENE.quantize(200), SCENE),
        (Image.merge("LA", (SCENE.convert("L"), Image.new("L", SCENE.size, 0))), "white"),
        (Image.merge("RGBA", (*SCENE.split(), Image.new("L", SCENE.size, 0))), "white"),
        (Image.merge("RGBA", (*SCENE.split(), Image.new("L", SCENE.size, 255))), SCENE),
        (CLEAR_PALETTE, "white"),
    ],
    ids=["RGB", "L", "1", "P", "clear LA", "clear RGBA", "opaque RGBA", "clear P"],
)
def test_a_png_of_any_mode_looks_like_itself(
    tmp_path: Path, image: Image.Image, shown: Image.Image | str
) -> None:
    """Whatever a PNG's samples are, its rendition shows it, on white where it is clear."""
    expected = Image.new("RGB", SCENE.size, shown) if isinstance(shown, str) else shown
    _size, largest = rendered(tmp_path, file(image, "PNG"))
    assert alike(largest, expected)


def test_sixteen_bits_of_grey_are_not_white(tmp_path: Path) -> None:
    """A sample of 16 bits is as light as its upper eight say; and one of them may be clear."""
    deep = Image.new("I;16", (256, 256))
    deep.putdata([min(256 * (at % 256) + 7, 65535) for at in range(256 * 256)])
    _size, largest = rendered(tmp_path, file(deep, "PNG"))
    assert alike(largest, Image.linear_gradient("L").rotate(90), by=6)
    clear = png_with(file(Image.new("I;16", (64, 64), 0x1234), "PNG"), chunk(b"tRNS", b"\x12\x34"))
    assert alike(rendered(tmp_path, clear)[1], Image.new("L", (64, 64), "white"))


def test_large_pictures_look_like_themselves(tmp_path: Path) -> None:
    """Reduced in bands or by the decoder, a picture is whole: no seam, no shift, no lost row."""
    large = pictures.scene((3301, 2503))
    for kind, mode in (("PNG", "RGBA"), ("PNG", "L"), ("JPEG", "RGB"), ("WEBP", "RGB")):
        _size, largest = rendered(tmp_path, file(large.convert(mode), kind))
        assert alike(largest, large.convert(mode), by=4), kind
        assert largest.size == (1600, 1213)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_rendition_says_where_it_was_taken(tmp_path: Path, kind: str) -> None:
    """Comments, texts and a camera's notes (its position among them) stay in the original."""
    secret = b"12 Elm Street"
    exif = Image.Exif()
    exif[0x010E] = secret.decode()
    exif.get_ifd(0x8825)[1] = "N"
    data = file(SCENE, kind, exif=exif)
    if kind == "JPEG":
        data = jpeg_with(data, segment(0xFE, secret), segment(0xE1, b"http://" + secret))
    if kind == "PNG":
        data = png_with(
            data, chunk(b"tEXt", b"comment\0" + secret), chunk(b"tEXt", b"a\0" + secret)
        )
    assert secret in data
    rendered(tmp_path, data)
    for name in NAMES:
        jpeg = (tmp_path / "renditions" / f"{name}.jpg").read_bytes()
        assert secret not in jpeg, name
        for marker in (b"\xff\xfe", b"\xff\xe1", b"\xff\xe2"):
            assert marker not in jpeg[: jpeg.index(b"\xff\xda")], name


def test_much_text_is_no_reason_to_fail(tmp_path: Path) -> None:
    """A PNG with a comment longer than a JPEG's may be, or with a text that unpacks to megabytes,
    is rendered: nobody reads them."""
    png = file(SCENE, "PNG")
    long = chunk(b"tEXt", b"comment\0" + b"x" * 80_000)
    bomb = chunk(b"zTXt", b"Title\0\0" + zlib.compress(bytes(20_000_000)))
    assert alike(rendered(tmp_path, png_with(png, long, bomb))[1], SCENE)


def test_colours_are_as_the_profile_means_them(tmp_path: Path) -> None:
    """A profile is applied, for a rendition has none: the same numbers mean other colours in it."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    plain = swapped.tobytes()
    # Red and blue change places: a camera of a strange kind, whose colours any reader can tell.
    red, blue = (plain.index(tag) for tag in (b"rXYZ", b"bXYZ"))
    strange = bytearray(plain)
    strange[red : red + 4], strange[blue : blue + 4] = b"bXYZ", b"rXYZ"
    red_and_blue = SCENE.split()[::-1]
    for kind in ("JPEG", "PNG", "WEBP"):
        _size, largest = rendered(tmp_path, file(SCENE, kind, icc_profile=bytes(strange)))
        assert alike(largest, Image.merge("RGB", red_and_blue)), kind
        assert alike(rendered(tmp_path, file(SCENE, kind, icc_profile=plain))[1], SCENE), kind
    # One for no picture of this kind, or that is none at all, is as none.
    for profile in (lab.tobytes(), b"no profile", bytes(5_000_000)):
        assert alike(rendered(tmp_path, file(SCENE, "WEBP", icc_profile=profile))[1], SCENE)
    grey = file(SCENE.convert("L"), "JPEG", icc_profile=plain)
    assert alike(rendered(tmp_path, grey)[1], SCENE.convert("L"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_shown_and_recorded_the_right_way_up(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    """Width and height on record are those that are seen, also of what is nearly square."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    taken = pictures.scene((400, 399))
    size, largest = rendered(tmp_path, file(taken, kind, exif=exif))
    taken.info["exif"] = exif.tobytes()
    expected = ImageOps.exif_transpose(taken)
    assert size == Size(*expected.size) == Size(*largest.size)
    assert alike(largest, expected)


def test_a_large_one_that_is_nearly_square_keeps_its_sides(tmp_path: Path) -> None:
    """Decoded at a half, 4000 x 3999 is 2000 x 2000: which side is longer is the file's to say."""
    size, _largest = rendered(tmp_path, file(Image.new("RGB", (4000, 3999)), "JPEG"))
    assert size == Size(4000, 3999)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_notes_are_as_none(tmp_path: Path) -> None:
    """A camera's notes that cannot be read say nothing of the picture."""
    for exif in (
        b"",
        b"nonsense",
        b"II*\0\xff\xff\xff\x7f",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12" + bytes(9),
    ):
        data = jpeg_with(file(SCENE, "JPEG"), segment(0xE1, b"Exif\0\0" + exif))
        size, largest = rendered(tmp_path, data)
        assert size == Size(*SCENE.size)
        assert alike(largest, SCENE)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_is_shown(tmp_path: Path, progressive: bool) -> None:
    """Where all pixels are there nothing is missing; where some are not, it says so."""
    whole = file(SCENE, "JPEG", progressive=progressive)
    assert alike(rendered(tmp_path, whole[:-2])[1], SCENE)
    with pytest.raises(DamagedImage, match="ends before its picture does"):
        rendered(tmp_path, whole[: len(whole) * 2 // 3])


def test_a_png_without_its_end_is_shown(tmp_path: Path) -> None:
    """Whatever is cut from behind the last pixel's data is not missed."""
    whole = file(SCENE, "PNG")
    for cut in range(1, 17):
        assert alike(rendered(tmp_path, whole[:-cut])[1], SCENE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_pixels_fail_with_a_reason(tmp_path: Path, kind: str) -> None:
    """What a decoder stumbles over is the picture's fault, and is said."""
    data = bytearray(file(pictures.noise("RGB", (400, 400)), kind, lossless=True))
    if kind == "JPEG":
        del data[data.index(b"\xff\xda") + 14 : -2]
        data[-2:] = b""
    else:
        data[200:-20] = b"\xff" * (len(data) - 220)
    with pytest.raises(DamagedImage, match="cannot be decoded"):
        rendered(tmp_path, bytes(data))


def test_what_the_api_refuses_the_worker_does_not_decode(tmp_path: Path) -> None:
    """An original that came another way is judged again, before anything is decoded."""
    for data in (
        pictures.webp_claim(16_384, 16_384),
        pictures.png_claim(6000, 6000),
        b"no picture",
    ):
        with pytest.raises(DamagedImage, match="cannot be decoded: it "):
            rendered(tmp_path, data)


def test_a_disk_that_fails_is_not_the_pictures_fault(tmp_path: Path) -> None:
    """An original that cannot be read now, and a rendition that cannot be written, are tried again:
    both stay what the disk said, and never end a photo."""
    path = tmp_path / "original"
    with pytest.raises(FileNotFoundError):
        Original.at(path)
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        Original.at(path)
    path.rmdir()
    path.write_bytes(file(SCENE, "PNG"))
    original = Original.at(path)
    with pytest.raises(FileNotFoundError):
        render(original, tmp_path / "nowhere")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        render(original, tmp_path)


def test_nothing_is_changed_for_all_threads(tmp_path: Path) -> None:
    """Pictures are judged and rendered in threads: no filter of warnings, no switch of the decoder
    is set for one and seen by another."""
    before = list(warnings.filters), ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS
    data = [file(SCENE, "JPEG")[:-2], file(SCENE, "PNG"), pictures.png_claim(4000, 4000)]

    def one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            rendered(folder, data[number % 3])
        except DamagedImage:
            assert number % 3 == 2
        now = list(warnings.filters), ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS
        assert now == before

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(24)))
