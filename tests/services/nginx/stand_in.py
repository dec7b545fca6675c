"""A stand-in for a replica of the API that behaves as it is told; runs in the base image.

GET /behave?ready=503&api=503&delay=2 sets the status of /ready, the status of everything else and
how many seconds that takes. GET /seen tells how many requests came, by method.
"""

import json
import os
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

behaviour = {"ready": 200.0, "api": 200.0, "delay": 0.0}
seen: Counter[str] = Counter()


class StandIn(BaseHTTPRequestHandler):
    """Answers with its own name and the headers that it got."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Every method is treated alike."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = urlsplit(self.path)
        if path.path == "/behave":
            behaviour.update({name: float(value) for name, value in parse_qsl(path.query)})
            self._answer(200, behaviour)
        elif path.path == "/seen":
            self._answer(200, seen)
        elif path.path == "/ready":
            self._answer(int(behaviour["ready"]), {})
        elif path.path.endswith("/events"):
            self._stream()
        else:
            seen[self.command] += 1
            time.sleep(behaviour["delay"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._answer(int(behaviour["api"]), {"name": os.environ["NAME"], "headers": headers})

    do_POST = do_PUT = do_GET  # noqa: N815 - the base class's names

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-ID", "from-the-stand-in")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        """One event at once, the second only when somebody sets another status."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        before = behaviour["api"]
        while behaviour["api"] == before:
            time.sleep(0.05)
        self.wfile.write(b"data: last\n\n")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 8000), StandIn).serve_forever()
