"""One request as its client sees it: sent with a trace, and timed step by step."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from lab.errors import BadInput, Failed
from lab.tracing.spans import Span

CLIENT = "you"
"""Who sends the request, in the waterfall."""

ANSWER_S = 15.0
"""Longer than nginx waits for anybody: what is silent for longer is gone."""

_WORTH_A_LINE = 0.0005
"""Seconds; a body that is on its way sooner (there may be none) is no step of its own."""

_WAIT = "wait for the answer"
_SENDS, _WAITS = "http11.send_request_headers", "http11.receive_response_headers"

#: httpcore's own names for what it does, and ours.
_STEPS = {
    "connection.connect_tcp": "connect",
    "connection.start_tls": "TLS handshake",
    "http11.send_request_body": "send the body",
    _WAITS: _WAIT,
    "http11.receive_response_body": "receive",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask for: `url` is a whole address on this machine."""

    url: str
    user: int = 1
    upload: bool = False

    @property
    def method(self) -> str:
        return "POST" if self.upload else "GET"

    @property
    def path(self) -> str:
        return urlsplit(self.url).path or "/"


class Exchange:
    """One request and its answer. `status` is None where none came.

    `trace_id` is its request id, too; `id` that of the client's own step.
    """

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.trace_id = secrets.token_hex(16)
        self.id = secrets.token_hex(8)
        self.status: int | None = None
        self.began = time.time()
        self._zero = time.monotonic()
        self._ended = self.began
        self._begun: dict[str, float] = {}
        self._steps: list[tuple[str, float, float, bool]] = []

    def send(self) -> None:
        """Sends the request and waits for its answer, or for `ANSWER_S` of silence.

        Raises `BadInput` for an address that is none, or not on this machine; `Failed` where nobody
        listens there.
        """
        host, port = _address(self.ask.url)
        try:
            request = self._request(host)
        except (httpx.InvalidURL, ValueError) as error:
            raise BadInput(f"{self.ask.url!r} is no address: {error}") from error
        # Made before the clock starts: it reads certificates, which takes longer than a request.
        client = httpx.Client(timeout=ANSWER_S, trust_env=False)
        self.began, self._zero = time.time(), time.monotonic()
        with self._step("look up the name"):
            found = _look_up(host, port)
        request.url = request.url.copy_with(host=found)
        try:
            with client:
                self.status = client.send(request).status_code
        except httpx.ConnectError as error:
            raise Failed(
                f"nobody answers at {host}:{port}: {error}",
                remedy="`lab status` says what is up, `lab up` starts the stack",
            ) from error
        except httpx.HTTPError:
            # Silence and a broken line are findings, too; the steps say when.
            pass

    @property
    def waiting(self) -> str:
        """The id of the step in which the answer was waited for."""
        names = [name for name, *_ in self._steps]
        return f"{self.id}.{names.index(_WAIT)}" if _WAIT in names else self.id

    def spans(self) -> list[Span]:
        """The whole exchange, and its steps as its parts."""
        outcome = "no answer" if self.status is None else str(self.status)
        failed = self.status is None or self.status >= 500
        what = f"{self.ask.method} {self.ask.path}"
        took = self._ended - self.began
        return [Span(self.id, None, CLIENT, what, self.began, took, outcome, failed)] + [
            Span(f"{self.id}.{number}", self.id, CLIENT, name, began, seconds, "", failed)
            for number, (name, began, seconds, failed) in enumerate(self._steps)
            if name != "send the body" or seconds >= _WORTH_A_LINE
        ]

    def _request(self, host: str) -> httpx.Request:
        upload = self.ask.upload
        return httpx.Request(
            self.ask.method,
            self.ask.url,
            headers={
                "X-User-Id": str(self.ask.user),
                "X-Request-ID": self.trace_id,
                # W3C Trace Context: version, trace, parent, and that it is to be recorded.
                "traceparent": f"00-{self.trace_id}-{self.id}-01",
                **({"Idempotency-Key": self.trace_id} if upload else {}),
            },
            files={"image": ("trace.png", picture(), "image/png")} if upload else None,
            data={"title": "Sent to be traced"} if upload else None,
            extensions={"trace": self._on_event, "sni_hostname": host},
        )

    def _on_event(self, event: str, _info: dict[str, Any]) -> None:
        name, _, moment = event.rpartition(".")
        if moment == "started":
            self._begun[name] = self._now()
            # Whoever is asked may begin with the first byte, also while the one who asks is kept
            # from going on: so long it has waited.
            if name == _WAITS:
                self._begun[name] = self._begun.get(_SENDS, self._begun[name])
        elif name in _STEPS:
            self._note(_STEPS[name], self._begun[name], failed=moment == "failed")

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = self._now()
        yield
        self._note(name, began, failed=False)

    def _note(self, name: str, began: float, *, failed: bool) -> None:
        self._ended = self._now()
        self._steps.append((name, began, self._ended - began, failed))

    def _now(self) -> float:
        """Unix time that only goes forward."""
        return self.began + time.monotonic() - self._zero


def _address(url: str) -> tuple[str, int]:
    try:
        split = urlsplit(url)
        port = split.port or (443 if split.scheme == "https" else 80)
    except ValueError as error:
        raise BadInput(f"{url!r} is no address: {error}") from error
    if split.scheme not in ("http", "https") or not split.hostname:
        raise BadInput(f"{url!r} is no address", remedy="a path such as /api/feed, or http://...")
    return split.hostname, port


def _look_up(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
    except (OSError, UnicodeError) as error:
        # A name with a part that is empty, or of more than 63 letters, cannot even be asked for.
        raise BadInput(f"{host!r} cannot be found: {error}") from error
    if not ipaddress.ip_address(found).is_loopback:
        raise BadInput(f"{host} is not on this machine", remedy="the lab sends nothing elsewhere")
    return str(found)


def picture(width: int = 320, height: int = 240) -> bytes:
    """A small PNG, different each time: the same picture over and over would be refused."""
    shade = secrets.token_bytes(3)
    rows = b"".join(
        b"\0" + b"".join(bytes((c + x + y) & 255 for c in shade) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"tEXt", b"Comment\0" + secrets.token_hex(8).encode())
        + chunk(b"IEND", b"")
    )
