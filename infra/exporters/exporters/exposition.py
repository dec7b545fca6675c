"""Prometheus' text format, and the HTTP server that hands it out.

Written by hand because names here follow the packaged exporters' ("pg_stat_user_tables_seq_scan"
is a counter), and prometheus-client can only write counters that end in "_total".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Sample(NamedTuple):
    """One value of a metric; `labels` are in the order in which they are written."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


class Meaning(NamedTuple):
    """What a metric is: "counter" or "gauge", and one sentence with its unit."""

    kind: str
    help: str


def escape(value: str) -> str:
    """A label's value as it stands between quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def render(samples: Iterable[Sample], meanings: Mapping[str, Meaning]) -> str:
    """Samples as text, grouped by metric. Raises KeyError for a metric without a meaning."""
    groups: dict[str, list[str]] = {}
    for name, labels, value in samples:
        written = ",".join(f'{key}="{escape(text)}"' for key, text in labels)
        groups.setdefault(name, []).append(f"{name}{{{written}}} {value!r}")
    lines: list[str] = []
    for name, group in groups.items():
        kind, explanation = meanings[name]
        lines += [f"# HELP {name} {explanation}", f"# TYPE {name} {kind}", *group]
    return "\n".join(lines) + "\n"


def serve(port: int, metrics: Callable[[], str]) -> None:
    """Answer GET /metrics with `metrics()` and GET /health with 200, for ever."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60  # an idle kept-alive connection is closed

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self.answer(200, metrics(), "text/plain; version=0.0.4; charset=utf-8")
            elif self.path == "/health":
                self.answer(200, "ok\n", "text/plain")
            else:
                self.answer(404, "only /metrics and /health\n", "text/plain")

        def answer(self, status: int, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a line a second would say nothing."""

    server = ThreadingHTTPServer(("0.0.0.0", port), Handler)
    server.daemon_threads = True
    server.serve_forever()
