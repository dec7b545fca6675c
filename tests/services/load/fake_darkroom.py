"""A stand-in for Darkroom that misbehaves to order; runs inside the load image, on gevent.

PUT /behave with {"mode": ..., "seconds": ...} sets what every other request meets:
ok (after `seconds`), empty ({} for everything), copy (the first answer of each kind for everybody),
page (an error page, and all is well by its status), unpublished (no photo is ever ready), 503,
broken (503 every other time), missing (404), hang, or hangup (the connection is closed without an
answer). GET /seen tells what came: tries by Idempotency-Key, jobs that were asked for, whose
circles and how many at once, and what was accepted: uploads by key, distinct checksums, likes.
"""

import gevent.monkey

gevent.monkey.patch_all()

import hashlib  # noqa: E402
import json  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import uuid  # noqa: E402

from gevent.pywsgi import WSGIHandler, WSGIServer  # noqa: E402

behaviour = {"mode": "ok", "seconds": 0.0}
uploads: dict = {}
checksums: set = set()
tries: dict = {}
likes: list = []
circles: list = []
jobs: list = []
at_once = {"now": 0, "most": 0}
counts = {"requests": 0}


def upload(environ, body):
    key = environ["HTTP_IDEMPOTENCY_KEY"]
    checksums.add(hashlib.sha256(body).hexdigest())
    said = {"photo_id": 1_000_001 + len(uploads), "job_id": str(uuid.uuid4())}
    uploads.setdefault(key, {**said, "author": int(environ["HTTP_X_USER_ID"])})
    return "202 Accepted", uploads[key] | {"status": "queued"}


first: dict = {}


def kind_of(environ):
    words = [word for word in environ["PATH_INFO"].split("/") if not word.isdigit()]
    return environ["REQUEST_METHOD"], *words[:4]


def item(photo, author, second=0):
    at = f"2026-10-01T00:00:{second:02d}Z"
    return {"id": photo, "user_id": author, "title": "x" * 40, "created_at": at}


def newest_first(photos, author):
    return [item(one, author, 59 - nth) for nth, one in enumerate(photos)]


def page(path, viewer):
    """What a reader gets: of what was asked for, and for whoever asks."""
    words = path.split("/")
    if path == "/api/feed":
        return {"items": newest_first(range(20 * viewer + 19, 20 * viewer - 1, -1), viewer)}
    number = int(words[3])
    if words[2] == "photos":
        link = f"/media/{number}/1600.jpg?expires=1&signature={viewer}"
        shown = {**item(number, viewer), "status": "ready", "likes": 1000}
        return {**shown, "download": {"url": link}}
    if words[2] == "albums":
        owner = (number + 1) // 2
        return {**item(number, owner), "items": newest_first(range(20, 0, -1), owner)}
    if words[-1] == "photos":
        mine = [said["photo_id"] for said in uploads.values() if said["author"] == number]
        photos = sorted({*mine, *range(1, 21)}, reverse=True)[:20]
        return {"items": newest_first(photos, number)}
    if words[-1] == "circle":
        return {"items": [item(n, number + 1) for n in range(number, number + 20)]}
    return {"id": number, "handle": f"ada{number}"}


def answer(environ, body):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if path == "/api/photos" and method == "POST":
        return upload(environ, body)
    if path.endswith("/like") and method == "PUT":
        photo = int(path.split("/")[3])
        likes.append([photo, int(environ["HTTP_X_USER_ID"])])
        return "200 OK", {"photo_id": photo, "liked": True, "likes": 1}
    if path.startswith("/api/jobs/"):
        job = path.rpartition("/")[2]
        photo = next(said["photo_id"] for said in uploads.values() if said["job_id"] == job)
        status = "processing" if behaviour["mode"] == "unpublished" else "ready"
        return "200 OK", {"job_id": job, "photo_id": photo, "photo_status": status}
    if path.startswith("/media/"):
        return "200 OK", b"\xff\xd8\xff\xe0 a picture \xff\xd9"
    return "200 OK", page(path, int(environ["HTTP_X_USER_ID"]))


def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = environ["wsgi.input"].read()
    headers = [("Content-Type", "application/json"), ("X-Request-ID", uuid.uuid4().hex)]
    if path == "/behave":
        behaviour.update(json.loads(body))
        start_response("200 OK", headers)
        return [b"{}"]
    if path == "/seen":
        seen = {"tries": tries, "checksums": len(checksums), "uploads": uploads, "likes": likes}
        seen |= {"jobs": jobs, "circles": circles, "circles_at_once": at_once["most"]}
        start_response("200 OK", headers)
        return [json.dumps(seen).encode()]
    counts["requests"] += 1
    if key := environ.get("HTTP_IDEMPOTENCY_KEY"):
        tries[key] = tries.get(key, 0) + 1
    if path.startswith("/api/jobs/"):
        jobs.append(path.rpartition("/")[2])
    mode = behaviour["mode"]
    if mode == "hang":
        gevent.sleep(60)
    if mode == "hangup":
        raise ConnectionAbortedError
    if mode == "missing":
        start_response("404 Not Found", headers)
        return [b"{}"]
    if mode == "503" or (mode == "broken" and counts["requests"] % 2):
        start_response("503 Service Unavailable", headers)
        return [b"{}"]
    if path.endswith("/circle"):
        circles.append(int(path.split("/")[3]))
        at_once["now"] += 1
        at_once["most"] = max(at_once.values())
    gevent.sleep(behaviour["seconds"])
    at_once["now"] -= path.endswith("/circle")
    status, said = answer(environ, body)
    if mode == "empty":
        said = {}
    if mode == "copy":
        said = first.setdefault(kind_of(environ), said)
    if mode == "page":
        said = b"<html><h1>503 Service Unavailable</h1></html>"
    start_response(status, headers)
    return [said if isinstance(said, bytes) else json.dumps(said).encode()]


class Handler(WSGIHandler):
    def handle(self):
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle()

    def handle_error(self, *_):
        self.close_connection = True  # hang up without a word


print("ready", time.time(), flush=True)  # noqa: T201
WSGIServer(("", int(sys.argv[1])), application, handler_class=Handler, log=None).serve_forever()
