"""nginx alone, in front of stand-ins for the API that behave as a test tells them."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest

from lab import engine
from lab.home import Home
from lab.host.images import BASE_IMAGE, Images
from lab.progress import QUIET

if TYPE_CHECKING:
    from docker.models.containers import Container

STAND_IN = Path(__file__).with_name("stand_in.py").read_text(encoding="utf-8")
NAMES = ("api-1", "api-2", "api-3")
NGINX_IMAGE = f"3am-lab/nginx:{os.environ.get('LAB_TAG', 'local')}"


T = TypeVar("T")


def until(look: Callable[[], T], wanted: Callable[[T], bool], what: str, within: float) -> T:
    """Look until it is as wanted, and return that; else fail with the last thing seen."""
    deadline = time.monotonic() + within
    while True:
        last = look()
        if wanted(last):
            return last
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within} s: {what}; last seen: {last}")
        time.sleep(0.1)


class Rig:
    """nginx with the limits of the stack, and up to three stand-ins, on a network of their own."""

    def __init__(self) -> None:
        self.docker = engine.client()
        self.name = f"nginx-test-{uuid.uuid4().hex[:8]}"
        self.network = self.docker.networks.create(self.name)
        self.replicas: dict[str, Container] = {}
        self.nginx = self.docker.containers.run(
            NGINX_IMAGE,
            detach=True,
            init=True,
            name=self.name,
            network=self.name,
            ports={"8080/tcp": ("127.0.0.1", None)},
            tmpfs={"/tmp": "size=64m,mode=1777"},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            nano_cpus=300_000_000,
        )
        self.nginx.reload()
        port = self.nginx.ports["8080/tcp"][0]["HostPort"]
        # A connection for each request: a reload closes those that wait for their next one.
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            timeout=15,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def until_answers(self) -> None:
        """Wait until nginx itself is there."""

        def answers() -> bool:
            try:
                return self.http.get("/health").status_code == 200
            except httpx.TransportError:
                return False

        until(answers, bool, "nginx answers", 10)

    until = staticmethod(until)

    def start(self, *names: str) -> None:
        """Start stand-ins under these names."""
        with ThreadPoolExecutor() as pool:
            self.replicas.update(zip(names, pool.map(self.run_named, names), strict=True))

    def run_named(self, name: str) -> Container:
        """Run a stand-in that the network knows as ``name``."""
        endpoint = self.docker.api.create_endpoint_config(aliases=[name])
        return self.docker.containers.run(
            BASE_IMAGE,
            ["python3", "-c", STAND_IN],
            detach=True,
            environment={"NAME": name},
            network=self.name,
            networking_config={self.name: endpoint},
            labels={"nginx-test": self.name},
        )

    def behave(self, name: str, **behaviour: float) -> None:
        """Tell one stand-in how to behave: ``ready``, ``api`` (statuses), ``delay`` (seconds)."""
        query = "&".join(f"{key}={value}" for key, value in behaviour.items())
        self._ask(name, f"behave?{query}")

    def seen(self, name: str) -> dict[str, int]:
        """How many requests reached a stand-in, by method; checks are not counted."""
        counts: dict[str, int] = self._ask(name, "seen")
        return counts

    def _ask(self, name: str, path: str) -> Any:
        code, said = self.replicas[name].exec_run(["curl", "-fsS", f"http://127.0.0.1:8000/{path}"])
        assert code == 0, said
        return json.loads(said)

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a configuration file and ask for a reload, as an operator does."""
        command = ["sed", "-i", f"s/{old}/{new}/", f"/etc/nginx/{file}"]
        for argv, user in ((command, "root"), (["nginx", "-s", "reload"], "")):
            code, said = self.nginx.exec_run(argv, user=user)
            assert code == 0, said

    def configure(self, file: str, old: str, new: str) -> None:
        """Change a configuration file and wait until only new workers take requests."""
        before = self._workers()
        self.edit(file, old, new)
        # For a moment old and new ones accept side by side, and the old ones know no better.
        until(self._workers, lambda now: bool(now) and not now & before, "new workers only", 5)

    def _workers(self) -> set[str]:
        """The processes that accept requests."""
        lines = self.nginx.top(ps_args="-eo pid,args")["Processes"]
        return {pid for pid, title in lines if title == "nginx: worker process"}

    def metrics(self) -> dict[str, float]:
        """Every series of /metrics: its name with labels, and its value."""
        code, said = self.nginx.exec_run(["curl", "-fsS", "http://127.0.0.1:9145/metrics"])
        assert code == 0, said
        lines = (line for line in said.decode().splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def up(self, kind: str = "up") -> set[str]:
        """The upstreams that nginx has in rotation, or that one kind of check holds for well."""
        series = self.metrics()
        return {name for name in NAMES if series[f'nginx_upstream_{kind}{{upstream="{name}"}}']}

    def until_up(self, *names: str, kind: str = "up", within: float = 10) -> None:
        """Wait until exactly these are in rotation."""
        until(lambda: self.up(kind), lambda up: up == set(names), f"{kind}: {names}", within)

    def ask_all(self, count: int, path: str = "/api/feed") -> list[httpx.Response]:
        """``count`` requests, one after the other."""
        return [self.http.get(path) for _ in range(count)]

    def log(self) -> list[dict[str, Any]]:
        """nginx's own JSON lines: the access log and what happened to the balancer."""
        lines = self.nginx.logs(stderr=False).decode().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def events(self) -> list[str]:
        """What happened to the balancer, in sentences."""
        return [line["event"] for line in self.log() if "event" in line]

    def close(self) -> None:
        """Remove all of it."""
        self.http.close()
        mine = self.docker.containers.list(all=True, filters={"label": f"nginx-test={self.name}"})
        with ThreadPoolExecutor() as pool:
            list(
                pool.map(
                    lambda container: container.remove(force=True, v=True), [self.nginx, *mine]
                )
            )
        self.network.remove()


@cache
def make_image() -> None:
    """Build nginx's image, unless it is what the sources are now."""
    home = Home.find()
    home.prepare()
    Images(home, QUIET).ready()


@contextmanager
def running(*names: str) -> Iterator[Rig]:
    """A rig with these stand-ins, all of them in rotation."""
    make_image()
    rig = Rig()
    try:
        rig.until_answers()
        rig.start(*names)
        rig.until_up(*names)
        yield rig
    finally:
        rig.close()


@pytest.fixture
def bare() -> Iterator[Rig]:
    """nginx with no replica anywhere."""
    with running() as rig:
        yield rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    """nginx before three well stand-ins, for one test."""
    with running(*NAMES) as rig:
        yield rig


@pytest.fixture(scope="module")
def door() -> Iterator[Rig]:
    """nginx before three well stand-ins, shared by tests that leave them so."""
    with running(*NAMES) as rig:
        yield rig


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Any]:
    """``until``, for tests without a rig."""
    return until
