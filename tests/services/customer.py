"""Darkroom as a customer sees it, and what an operator can look at."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import httpx
import pytest
from docker.errors import APIError
from docker.models.containers import Container

from lab.stack import Stack

T = TypeVar("T")

REPLICAS = ("api-1", "api-2", "api-3")


PATIENCE_S = 60.0
"""How long what must happen may take where the test is not about how long: on a machine that
somebody else keeps busy."""


def until(
    look: Callable[[], T], wanted: Callable[[T], bool], what: str, within: float = PATIENCE_S
) -> T:
    """Looks until it is as wanted, and returns that; else fails with the last thing seen."""
    deadline = time.monotonic() + within
    while True:
        last = look()
        if wanted(last):
            return last
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within:g} s: {what}; last seen: {last!r}")
        time.sleep(0.1)


class Darkroom:
    """Requests as a customer sends them, and what an operator can look at."""

    def __init__(self, stack: Stack, client: httpx.Client) -> None:
        self.stack = stack
        self.client = client

    def get(self, path: str, user: int | None = None, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=_headers(user, headers))

    def like(self, photo: int, user: int) -> httpx.Response:
        return self.client.put(f"/api/photos/{photo}/like", headers=_headers(user, {}))

    def upload(
        self,
        user: int,
        image: bytes,
        *,
        key: str | None = None,
        title: str = "Harbour",
        album: int | None = None,
        request_id: str | None = None,
    ) -> httpx.Response:
        """A POST of `image`; `key` defaults to one never used before."""
        data = {"title": title} | ({"album_id": str(album)} if album is not None else {})
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        if request_id:
            headers["X-Request-ID"] = request_id
        return self.client.post(
            "/api/photos",
            headers=_headers(user, headers),
            data=data,
            files={"image": ("photo", image)},
        )

    def job(self, accepted: httpx.Response) -> dict[str, Any]:
        """The job of an accepted upload, now."""
        answer = self.client.get(accepted.json()["job_url"])
        answer.raise_for_status()
        job: dict[str, Any] = answer.json()
        return job

    def finished(self, accepted: httpx.Response, within: float = 30) -> dict[str, Any]:
        """The job once it is over."""
        assert accepted.status_code == 202, accepted.text
        return until(
            lambda: self.job(accepted),
            lambda job: job["status"] in ("done", "failed"),
            "the job is over",
            within,
        )

    def metric(self, service: str, series: str) -> float:
        """The sum over all samples of `service` whose name and labels contain `series`, in order.

        `series` is a name, or a name with some labels as `name{label="value"}`.
        """
        port = 8000 if service in REPLICAS else 9100
        name, _, labels = series.rstrip("}").partition("{")
        wanted = labels.split(",") if labels else []
        done = self.stack.exec(service, ["curl", "-fsS", f"http://127.0.0.1:{port}/metrics"])
        assert done.code == 0, done.stderr
        total = 0.0
        for line in done.stdout.splitlines():
            found = re.match(rf"{name}(?:\{{(.*)\}})? (\S+)$", line)
            if found and all(label in (found[1] or "").split(",") for label in wanted):
                total += float(found[2])
        return total

    def ready(self, service: str) -> tuple[int, dict[str, Any]]:
        """Status and body of one replica's /ready, past the front door."""
        argv = ["curl", "-s", "-w", "\n%{http_code}", "http://127.0.0.1:8000/ready"]
        body, _, status = self.stack.exec(service, argv).stdout.rpartition("\n")
        return int(status), httpx.Response(200, content=body).json()

    @contextmanager
    def without(self, service: str, how: str) -> Iterator[None]:
        """The block runs with `service` paused or killed; then it is back, and all is healthy."""
        container = self.stack.container(service)
        if how == "paused":
            # On a very busy machine the engine may need several tries to freeze a process.
            until(lambda: _paused(container), bool, f"{service} is paused", within=20)
        else:
            container.kill()
        try:
            yield
        finally:
            if how == "paused":
                container.unpause()
            else:
                container.start()
            self.recovered()

    def recovered(self, within: float = 45) -> None:
        """Waits until every service is healthy and every replica is wholly ready."""
        until(
            lambda: [s.name for s in self.stack.services() if not s.ok],
            lambda ill: not ill,
            "every service is healthy",
            within,
        )
        until(
            lambda: [self.ready(name)[1]["status"] for name in REPLICAS],
            lambda seen: seen == ["ready"] * len(REPLICAS),
            "every replica is ready",
            within,
        )


def _paused(container: Container) -> bool:
    with suppress(APIError):
        container.pause()
    container.reload()
    return container.status == "paused"


def _headers(user: int | None, more: dict[str, str]) -> dict[str, str]:
    return more if user is None else {"X-User-Id": str(user), **more}
