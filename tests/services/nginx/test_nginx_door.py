"""What nginx itself says to customers and writes down: ids, limits, errors, images, series."""

from __future__ import annotations

import io
import re
import socket
import tarfile
from typing import Any

import pytest

MEGABYTE = 1024 * 1024


def log_line(door: Any, request_id: str) -> dict[str, Any]:
    """The access log's line about one request."""
    lines: list[dict[str, Any]] = door.until(
        lambda: [line for line in door.log() if line.get("request_id") == request_id],
        bool,
        f"a log line about {request_id}",
        5,
    )
    return lines[0]


def test_makes_a_request_id_and_passes_it_on(door: Any) -> None:
    """Each request gets an id, which the replica, the customer and the log all have."""
    answer = door.http.get("/api/feed", headers={"X-User-Id": "7"})
    made = answer.headers.get_list("X-Request-ID")
    assert len(made) == 1
    assert re.fullmatch("[0-9a-f]{32}", made[0])
    assert answer.json()["headers"]["x-request-id"] == made[0]
    line = log_line(door, made[0])
    assert line["upstream"] == answer.json()["name"]
    assert (line["method"], line["uri"], line["status"]) == ("GET", "/api/feed", 200)
    assert (line["upstream_status"], line["user_id"]) == ("200", "7")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])
    assert line["request_time"] >= 0
    assert line["bytes"] > 0


@pytest.mark.parametrize(
    ("theirs", "kept"),
    [
        ("checkout-7f3a.2", True),
        ("short", False),
        ("x" * 65, False),
        ('","status":200', False),
        ("two words here", False),
    ],
)
def test_keeps_only_a_sane_request_id(door: Any, theirs: str, kept: bool) -> None:
    """A client's own id is kept when it is a token of a sensible length, else replaced."""
    answer = door.http.get("/api/feed", headers={"X-Request-ID": theirs})
    assert (answer.headers["X-Request-ID"] == theirs) is kept


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/photos", 25 * MEGABYTE, 200),
        ("/api/photos", 25 * MEGABYTE + 1, 413),
        ("/api/photos/1/like", 64 * 1024, 200),
        ("/api/photos/1/like", 64 * 1024 + 1, 413),
    ],
)
def test_limits_the_size_of_requests(door: Any, path: str, size: int, status: int) -> None:
    """Uploads may have 25 MiB, everything else 64 KiB; more gets a problem document."""
    answer = door.http.post(path, content=bytes(size))
    assert answer.status_code == status
    if status == 413:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == 413
        line = log_line(door, answer.headers["X-Request-ID"])
        assert (line["method"], line["upstream"]) == ("POST", "")


def test_limits_an_upload_of_unknown_length(door: Any) -> None:
    """A chunked upload is stopped at the limit, too."""
    chunks = (bytes(MEGABYTE) for _ in range(26))
    answer = door.http.post("/api/photos", content=chunks)
    assert answer.status_code == 413
    assert answer.json()["title"] == "Content Too Large"


@pytest.mark.parametrize("path", ["/metrics", "/ready", "/", "/nowhere", "/media/", "/media/1/"])
def test_only_public_paths_are_open(door: Any, path: str) -> None:
    """The API's inner paths, unknown ones and directories are 404, as a problem document."""
    answer = door.http.get(path)
    assert answer.status_code == 404
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET /api/feed HTTP/1.1\r\n\r\n", 400),
        (b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n", 400),
        (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    ],
)
def test_malformed_requests_get_a_problem_document(
    door: Any, request_text: bytes, status: int
) -> None:
    """What is no proper request is refused with a 4xx and a reason that a program can read."""
    with socket.create_connection(("127.0.0.1", door.http.base_url.port), timeout=5) as connection:
        connection.sendall(request_text)
        said = connection.recv(4096)
    assert said.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/problem+json" in said


def test_events_are_not_held_back(door: Any) -> None:
    """A server-sent event reaches the customer before the stream goes on."""
    with door.http.stream("GET", "/api/jobs/1/events") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "data: first"
        for name in door.replicas:
            door.behave(name, api=202)
        assert "data: last" in list(lines)
    for name in door.replicas:
        door.behave(name, api=200)


def put_media(door: Any) -> None:
    """A published photo, an original, and a link from one to the other."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in (("public/7/thumb.jpg", b"an image"), ("originals/7", b"private")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("public/7/240.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/media/originals/7"
        tar.addfile(link)
    assert door.nginx.put_archive("/media", archive.getvalue())


def test_images_may_be_cached_for_ever(door: Any) -> None:
    """A published image is immutable to caches and validated by its ETag."""
    put_media(door)
    answer = door.http.get("/media/7/thumb.jpg")
    assert (answer.status_code, answer.content) == (200, b"an image")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = door.http.get("/media/7/thumb.jpg", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/media/8/thumb.jpg",
        "/media/originals/7",
        "/media/7/240.jpg",
        "/media/7/..%2f..%2foriginals%2f7",
        "/media/7/%2e%2e/%2e%2e/originals/7",
        "/media//originals/7.jpg",
    ],
)
def test_nothing_else_of_the_media_is_reachable(door: Any, path: str) -> None:
    """Unpublished photos, originals, links and ways around them are refused, and not cacheable."""
    put_media(door)
    answer = door.http.get(path)
    assert answer.status_code in (403, 404)
    assert "Cache-Control" not in answer.headers
    assert b"private" not in answer.content


def test_series_are_there_from_the_start_and_count(door: Any) -> None:
    """Each upstream and class has a series before anything happens; requests move them."""
    before = door.metrics()
    for name in door.replicas:
        for kind in ("up", "active_up", "passive_up"):
            assert before[f'nginx_upstream_{kind}{{upstream="{name}"}}'] == 1
        for status in "2345":
            labels = f'{{upstream="{name}",class="{status}xx"}}'
            assert f"nginx_upstream_requests_total{labels}" in before
    assert before['nginx_connections{state="active"}'] >= 1
    door.ask_all(9)
    door.http.get("/nowhere")
    after = door.metrics()

    def grown(series: str) -> float:
        return after[series] - before[series]

    assert grown('nginx_requests_total{class="2xx"}') == 9
    assert grown('nginx_requests_total{class="4xx"}') == 1
    assert grown("nginx_request_seconds_count") == 10
    assert grown('nginx_request_seconds_bucket{le="+Inf"}') == 10
    assert grown('nginx_upstream_requests_total{upstream="api-1",class="2xx"}') == 3
    assert grown('nginx_upstream_seconds_bucket{upstream="api-1",le="10"}') == 3


def test_metrics_are_not_on_the_customers_port(door: Any) -> None:
    """nginx's own series are on a port of their own, and nothing else is."""
    code, said = door.nginx.exec_run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:9145/api/feed"]
    )
    assert (code, said) == (0, b"404")
