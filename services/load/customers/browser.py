"""How customers reach the service: Locust's HTTP client, shared by all of them."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent.lock import DummySemaphore
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS, LocustUserAgent

#: Idle connections kept for the next request; more are closed when they come back.
MAX_IDLE = 256

#: Seconds for which an address that DNS gave is used again.
ADDRESS_TTL = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request.

    `outcome` is ok, http_4xx, http_5xx, timeout or connection, or wrong, where its reader says so;
    `status` is 0 where there was no answer.
    """

    outcome: str
    status: int = 0
    body: bytes = b""
    request_id: str = ""


class Browser:
    """Sends requests to one service over shared keep-alive connections."""

    def __init__(self, target: str, *, patience: float) -> None:
        """Talk to `target` (http://host[:port]), giving up after `patience` seconds each time."""
        if urlsplit(target).scheme != "http" or not urlsplit(target).hostname:
            raise ValueError(f"the target is http://host[:port], not {target!r}")
        self._target = target.rstrip("/")
        self._patience = patience
        self._agent = _Agent(
            client_pool=_Clients(network_timeout=patience, connection_timeout=patience),
            headers={"User-Agent": "Darkroom/4.2 (mobile)"},
            max_retries=0,
            max_redirects=0,
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request and read all of its answer; never raises for what the service does."""
        try:
            with gevent.Timeout(self._patience):
                response = self._agent.urlopen(
                    self._target + path, method, headers=headers, payload=body
                )
                content = response.content
        except (gevent.Timeout, TimeoutError):
            return Answer("timeout")
        except (*FAILURE_EXCEPTIONS, ValueError):  # ValueError: an answer that is not HTTP's
            return Answer("connection")
        status = response.status_code
        outcome = "ok" if status < 400 else "http_4xx" if status < 500 else "http_5xx"
        return Answer(outcome, status, content, str(response.headers.get("x-request-id", "")))


class _Agent(LocustUserAgent):
    """Locust's user agent, through its own hooks, without opinions about answers.

    A status is a fact to count, not an error to describe: describing it would
    render a transcript, picture and all, of each failed request, just when
    everything fails. And whatever interrupts a request goes to the caller, the
    caller's own deadline first of all.
    """

    def _verify_status(self, status_code: int, url: object = None) -> None:
        pass

    def _handle_error(self, e: BaseException, url: object = None) -> BaseException:  # noqa: ARG002
        raise e


class _Connections(ConnectionPool):
    """Keep-alive connections without a bound of their own: the run bounds what is in flight.

    The parent's semaphore would lose one place for good whenever a deadline
    strikes while a body is being sent, and so stop all traffic in the end.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._semaphore = DummySemaphore()
        # HTTPClient repeats an idempotent request `size + 1` times on stale
        # connections; what customers see must not hide behind many repeats.
        self.size = 0
        self._addresses: list[Any] | OSError = []
        self._asked_at = float("-inf")
        self._asking: gevent.Greenlet | None = None

    def after_connect(self, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def return_socket(self, sock: Any) -> None:
        if self._socket_queue.qsize() >= MAX_IDLE:
            self.release_socket(sock)
        else:
            super().return_socket(sock)

    def _resolve(self) -> list[Any]:
        """One look-up at a time, and its answer for all who wait.

        Look-ups run on a few threads. If each arrival queued its own while DNS
        is slow, they would still be working through that queue long after the
        service is back.
        """
        if time.monotonic() - self._asked_at > ADDRESS_TTL:
            if self._asking is None:
                self._asking = gevent.spawn(self._ask)
            self._asking.join()
        if isinstance(self._addresses, OSError):
            raise self._addresses
        return self._addresses

    def _ask(self) -> None:
        try:
            self._addresses = super()._resolve()
        except OSError as error:
            self._addresses = error
        finally:
            self._asked_at = time.monotonic()
            self._asking = None


class _Client(HTTPClient):
    def __init__(self, host: str, **kwargs: Any) -> None:
        super().__init__(host, **kwargs)
        self._connection_pool = _Connections(
            self.host,
            self.port,
            self.host,
            self.port,
            size=MAX_IDLE,
            network_timeout=kwargs["network_timeout"],
            connection_timeout=kwargs["connection_timeout"],
        )


class _Clients(HTTPClientPool):
    def get_client(self, url: Any) -> HTTPClient:
        key = url.host, url.port
        if key not in self.clients:
            self.clients[key] = _Client.from_url(url, **self.client_args)
        return self.clients[key]
