"""Uploading: what is accepted becomes a published photo once; what is not is told why."""

from __future__ import annotations

import json
import struct
import uuid
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from PIL import Image

from lab.stack import Stack
from tests.services.customer import REPLICAS, Darkroom, until

pytestmark = pytest.mark.docker

Picture = Callable[..., bytes]


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has a few bytes of data: a decompression bomb's beginning."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [
        ("JPEG", "RGB", (2400, 1200)),
        ("JPEG", "L", (200, 300)),
        ("PNG", "RGBA", (500, 400)),
        ("WEBP", "RGB", (1700, 90)),
    ],
)
def test_upload_becomes_six_published_files(
    darkroom: Darkroom, picture: Picture, kind: str, mode: str, size: tuple[int, int]
) -> None:
    """An image of any format and mode that we take is published in five sizes and a thumbnail."""
    accepted = darkroom.upload(1200, picture(*size, kind=kind, mode=mode))
    assert accepted.headers["location"] == accepted.json()["job_url"]
    job = darkroom.finished(accepted)
    assert (job["status"], job["photo_status"], job["error"]) == ("done", "ready", None)
    photo = darkroom.get(f"/api/photos/{job['photo_id']}", user=1200).json()
    assert (photo["width"], photo["height"]) == size
    assert list(photo["files"]) == ["1600", "1080", "720", "480", "240", "thumb"]
    for name, address in photo["files"].items():
        answer = darkroom.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        with Image.open(BytesIO(answer.content)) as rendition:
            assert rendition.format == "JPEG"
            expected = 160 if name == "thumb" else min(int(name), *([max(size)]))
            assert max(rendition.size) == expected, name


def test_own_upload_is_visible_at_once(darkroom: Darkroom, picture: Picture) -> None:
    """The next read of one's own photos has the upload, though the list was cached before."""
    for _ in range(5):
        darkroom.get("/api/users/1300/photos", user=1300)
        photo_id = darkroom.upload(1300, picture()).json()["photo_id"]
        own = darkroom.get("/api/users/1300/photos", user=1300)
        assert own.json()["items"][0]["id"] == photo_id
        assert own.headers["x-source"] == "primary"


def test_published_photo_reaches_album_and_feed(
    darkroom: Darkroom, picture: Picture, stack: Stack
) -> None:
    """Once published, a photo is in its album (cached before or not) and in followers' feeds."""
    album = 2 * 1400
    darkroom.get(f"/api/albums/{album}")
    accepted = darkroom.upload(1400, picture(), album=album)
    job = darkroom.finished(accepted)
    first = darkroom.get(f"/api/albums/{album}", user=1400).json()["items"][0]
    assert first["id"] == job["photo_id"]
    follower = int(
        stack.psql("SELECT min(follower_id) FROM follows WHERE followee_id = 1400")[0][0]
    )
    ids = [item["id"] for item in darkroom.get("/api/feed?limit=50", user=follower).json()["items"]]
    assert job["photo_id"] in ids


def test_one_notification_per_photo(darkroom: Darkroom, picture: Picture, stack: Stack) -> None:
    """The owner is notified of the publication, once."""
    job = darkroom.finished(darkroom.upload(1500, picture()))
    rows = stack.psql("SELECT photo_id, kind FROM notifications WHERE user_id = 1500")
    about = [row for row in rows if row[0] == str(job["photo_id"])]
    assert about == [[str(job["photo_id"]), "published"]]


def test_same_key_and_body_is_one_photo(darkroom: Darkroom, picture: Picture, stack: Stack) -> None:
    """Twelve uploads with one key at the same time get one answer and make one photo."""
    image, key = picture(), uuid.uuid4().hex
    count = "SELECT count(*) FROM photos WHERE user_id = 1600"
    before = int(stack.psql(count)[0][0])
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: darkroom.upload(1600, image, key=key), range(12)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    darkroom.finished(answers[0])
    assert darkroom.upload(1600, image, key=key).text == answers[0].text
    assert stack.psql(count) == [[str(before + 1)]]


def test_same_key_for_another_body_is_refused(darkroom: Darkroom, picture: Picture) -> None:
    """A key that was used for one upload is refused for another; another user's key is free."""
    image, key = picture(), uuid.uuid4().hex
    assert darkroom.upload(1700, image, key=key).status_code == 202
    for other in (
        darkroom.upload(1700, picture(), key=key),
        darkroom.upload(1700, image, key=key, title="Other"),
        darkroom.upload(1700, image, key=key, album=3399),
    ):
        assert other.status_code == 422
        assert "Idempotency-Key" in other.json()["detail"]
    assert darkroom.upload(1701, image, key=key).status_code == 202


def test_refused_upload_does_not_use_its_key(darkroom: Darkroom, picture: Picture) -> None:
    """After a refusal the same key may be used for the corrected upload."""
    image, key = picture(), uuid.uuid4().hex
    assert darkroom.upload(1750, image, key=key, album=1).status_code == 422
    assert darkroom.upload(1750, image, key=key).status_code == 202


def test_what_is_no_image_is_refused(darkroom: Darkroom, picture: Picture) -> None:
    """Text, an empty file, a broken header, half a file and formats that we do not take: 415 with
    the reason."""
    gif = BytesIO()
    Image.new("RGB", (9, 9)).save(gif, "GIF")
    broken = picture(kind="PNG")[:20]
    half = picture(1000, 800, kind="PNG")[:2000]
    for image in (b"not an image", b"", gif.getvalue(), broken, half, b"\xff\xd8\xff", b"%PDF-1.7"):
        answer = darkroom.upload(1800, image)
        assert answer.status_code == 415, answer.text
        assert "image" in answer.json()["detail"]


@pytest.mark.parametrize("size", [(5001, 5000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_bombs_are_refused(darkroom: Darkroom, size: tuple[int, int]) -> None:
    """A small file that would decode to more than 25 megapixels is refused."""
    answer = darkroom.upload(1800, png_header(*size))
    assert answer.status_code in (415, 422), answer.text
    assert answer.json()["detail"]


def test_damaged_image_fails_with_a_reason(darkroom: Darkroom, picture: Picture) -> None:
    """An image that is whole and has broken data is accepted; its job fails with the reason."""
    image = bytearray(picture(1000, 800, kind="PNG"))
    image[500:-100] = b"\xff" * (len(image) - 600)
    job = darkroom.finished(darkroom.upload(1850, bytes(image)))
    assert (job["status"], job["photo_status"]) == ("failed", "failed")
    assert "decoded" in job["error"]


def test_thirty_megabytes_are_refused(darkroom: Darkroom, stack: Stack) -> None:
    """A file over 25 MB is refused with 413, by the front door and by a replica alike; and the
    answer arrives, however quickly a client goes on sending."""
    answer = darkroom.upload(1800, b"\xff\xd8\xff" + bytes(30_000_000))
    assert answer.status_code == 413
    assert answer.json()["status"] == 413
    for framing in ("Content-Type:", "Transfer-Encoding: chunked"):
        script = (
            "{ printf -- '--x\\r\\nContent-Disposition: form-data; name=image; filename=a\\r\\n"
            "\\r\\n'; head -c 30000000 /dev/zero; } | "
            "curl -s -H 'X-User-Id: 1' -H 'Idempotency-Key: a' "
            f"-H '{framing}' -H 'Content-Type: multipart/form-data; boundary=x' -H 'Expect:' "
            "--data-binary @- -w '%{http_code}' -o /dev/null http://127.0.0.1:8000/api/photos"
        )
        again = f"for _ in 1 2 3 4 5 6 7 8; do {script}; done"
        assert stack.exec("api-1", ["sh", "-c", again]).stdout == 8 * "413"


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"headers": {"Idempotency-Key": ""}}, 422, "Idempotency-Key"),
        ({"headers": {"Idempotency-Key": "x" * 129}}, 422, "Idempotency-Key"),
        ({"headers": {"X-User-Id": "60000"}}, 401, "60000"),
        ({"data": {"title": ""}}, 422, "title"),
        ({"data": {"title": " "}}, 422, "title"),
        ({"data": {"title": "a\0b"}}, 422, "title"),
        ({"data": {"title": "x" * 201}}, 422, "title"),
        ({"data": {"title": "t", "album_id": "1"}}, 422, "Album"),
        ({"data": {"title": "t", "album_id": "many"}}, 422, "album_id"),
        ({"data": {"title": "t", "album_id": "9999999999"}}, 422, "album_id"),
        ({"files": {"picture": ("p", b"x")}}, 422, "image"),
        ({"data": {"title": "t", "image": "text"}, "files": {"x": ("p", b"")}}, 422, "image"),
        ({"json": {"title": "t"}, "data": None, "files": None}, 415, "multipart"),
        ({"content": b"{", "data": None, "files": None}, 415, "multipart"),
    ],
)
def test_bad_uploads_are_refused_with_a_reason(
    darkroom: Darkroom, picture: Picture, change: dict[str, object], status: int, word: str
) -> None:
    """Each wrong part of an upload gets a 4xx problem that names it."""
    headers = {"X-User-Id": "1900", "Idempotency-Key": uuid.uuid4().hex}
    request = {"data": {"title": "t"}, "files": {"image": ("p", picture())}, **change}
    request["headers"] = headers | dict(request.get("headers", {}))
    answer = darkroom.client.post("/api/photos", **request)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in answer.json()["detail"]


def test_malformed_multipart_is_refused(darkroom: Darkroom) -> None:
    """A multipart body without its boundary, or cut short, is a 4xx problem."""
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        headers = {"X-User-Id": "1", "Idempotency-Key": "k", "Content-Type": kind}
        answer = darkroom.client.post("/api/photos", headers=headers, content=b"--x\r\nfoo")
        assert answer.status_code in (400, 422), answer.text


# The application's errors around a form that has no room on the disk: no file may have a byte more.
NO_ROOM = """
import asyncio, resource
from fastapi import FastAPI, UploadFile
from darkroom import errors
app = FastAPI()
errors.install(app)
@app.post("/")
async def take(image: UploadFile): pass
part = b'--x\\r\\nContent-Disposition: form-data; name=image; filename=a\\r\\n\\r\\n'
body = part + bytes(2_000_000) + b'\\r\\n--x--\\r\\n'
headers = [(b"content-type", b"multipart/form-data; boundary=x")]
scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
async def receive(): return {"type": "http.request", "body": body}
async def send(message): print(message.get("status", ""), message.get("body", b"").decode())
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
asyncio.run(app(scope, receive, send))
"""


def test_a_full_disk_is_not_the_uploaders_fault(stack: Stack) -> None:
    """An upload for which there is no room is told 503, to come again, and not that it is wrong."""
    done = stack.exec("api-1", ["python", "-c", NO_ROOM])
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("503"), done.stdout
    assert "could not be taken" in done.stdout


def test_events_tell_the_job_to_its_end(darkroom: Darkroom, picture: Picture) -> None:
    """The event stream sends each status once, and ends with the job."""
    accepted = darkroom.upload(2000, picture(2000, 1500))
    with darkroom.client.stream("GET", accepted.json()["job_url"] + "/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        data = [line for line in stream.iter_lines() if line.startswith("data: ")]
    events = [json.loads(line.removeprefix("data: ")) for line in data]
    statuses = [event["status"] for event in events]
    assert statuses[-1] == "done"
    assert len(statuses) == len({json.dumps(event) for event in events})
    assert events[-1] == darkroom.job(accepted)


def test_one_id_tells_the_whole_story(darkroom: Darkroom, picture: Picture, stack: Stack) -> None:
    """The upload's request id is in the log of the front door, of a replica and of the worker."""
    request_id = f"story-{uuid.uuid4().hex}"
    accepted = darkroom.upload(2100, picture(), request_id=request_id)
    assert accepted.headers["x-request-id"] == request_id
    darkroom.finished(accepted)
    for names in (("nginx",), REPLICAS, ("worker",)):
        until(
            lambda names=names: "".join(stack.logs(name, 300) for name in names),  # type: ignore[misc]
            lambda text: request_id in text,
            f"{names} log {request_id}",
        )
