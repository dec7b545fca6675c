"""The load service in its container, its customers facing a stand-in for Darkroom."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest

from lab import engine
from lab.home import Home
from lab.host.images import Images
from lab.load import Acknowledged, Load, LoadState, LoadUnavailable
from lab.progress import QUIET
from tests.services.customer import until

if TYPE_CHECKING:
    from docker.models.containers import Container

FAKE = Path(__file__).with_name("fake_darkroom.py").read_text(encoding="utf-8")
#: Customers served at once; the stack has more, which would only make the tests slower.
MOST = 500
APPEARED = ("in_time", "late")
IMAGE = f"3am-lab/load:{os.environ.get('LAB_TAG', 'local')}"

T = TypeVar("T")


class Rig:
    """The customers, and whom they visit, on a network of their own."""

    def __init__(self, *, data: str) -> None:
        """`data` are the options of the tmpfs that stands in for the ledger's volume."""
        self.docker = engine.client()
        self.name = f"load-test-{uuid.uuid4().hex[:8]}"
        self.network = self.docker.networks.create(self.name)
        self.fake = self._run(
            "fake", ["/opt/venv/bin/python", "-c", FAKE, "8000"], nano_cpus=1_000_000_000
        )
        self.customers = self._run(
            "load",
            None,
            environment={
                "TARGET_URL": "http://fake:8000",
                "PATIENCE_S": "2",
                "MAX_IN_FLIGHT": str(MOST),
            },
            ports={"8089/tcp": ("127.0.0.1", None)},
            tmpfs={"/data": f"uid=1000,{data}"},
            nano_cpus=1_000_000_000,
            mem_limit="320m",
            ulimits=[engine_ulimit()],
        )
        self.load = self._door()

    def restart(self) -> None:
        """Restart the customers' container."""
        self.load.close()
        self.customers.restart(timeout=3)
        self.load = self._door()

    def until(self, wanted: Callable[[LoadState], object], what: str, within: float) -> LoadState:
        """Look at the run until it is as wanted; else fail with the last state seen."""
        deadline = time.monotonic() + within
        while True:
            last = self.load.state()
            if wanted(last):
                return last
            if time.monotonic() > deadline:
                pytest.fail(f"not within {within} s: {what}; last seen: {last}")
            time.sleep(0.1)

    def until_left(self, within: float = 60) -> LoadState:
        """Wait until the run is over and its last customer served."""
        return self.until(
            lambda state: not state.running and not state.in_flight, "all have left", within
        )

    def behave(self, mode: str, seconds: float = 0.0) -> None:
        """Tell the stand-in how to treat its next requests."""
        body = json.dumps({"mode": mode, "seconds": seconds})
        self._ask_fake("-X", "PUT", "-d", body, "http://127.0.0.1:8000/behave")

    def seen(self) -> Any:
        """What has reached the stand-in."""
        return json.loads(self._ask_fake("http://127.0.0.1:8000/seen"))

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics, by its name with labels."""
        text = httpx.get(f"{self.load.url}/metrics", timeout=5, trust_env=False).text
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def photos(self) -> dict[str, float]:
        """How many photos were there in time when their owners looked, and how many were not."""
        samples = self.metrics()
        return {kind: samples[f'load_photos_total{{appeared="{kind}"}}'] for kind in APPEARED}

    def until_looked_for(self, sent: Sequence[Acknowledged]) -> None:
        """Wait until the owners of all of these photos have asked for them."""
        wanted = {entry.job_id for entry in sent}
        until(
            lambda: wanted - set(self.seen()["jobs"]), lambda missing: not missing, "all looked for"
        )

    def close(self) -> None:
        """Remove all of it."""
        self.load.close()
        for container in (self.fake, self.customers):
            container.remove(force=True, v=True)
        self.network.remove()

    def _ask_fake(self, *args: str) -> bytes:
        code, said = self.fake.exec_run(["curl", "-fsS", *args])
        assert code == 0, said
        answer: bytes = said
        return answer

    def _run(self, alias: str, command: list[str] | None, **options: Any) -> Container:
        endpoint = self.docker.api.create_endpoint_config(aliases=[alias])
        return self.docker.containers.run(
            IMAGE,
            command,
            detach=True,
            init=True,
            name=f"{self.name}-{alias}",
            network=self.name,
            networking_config={self.name: endpoint},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            **options,
        )

    def _door(self) -> Load:
        """The runner's own door to the customers, once somebody answers behind it."""
        self.customers.reload()
        port = self.customers.ports["8089/tcp"][0]["HostPort"]
        load = Load(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 20
        while True:
            try:
                load.state()
                return load
            except LoadUnavailable as error:
                if time.monotonic() > deadline:
                    pytest.fail(f"{error.message}\n{self.customers.logs().decode()}")
                time.sleep(0.1)


def engine_ulimit() -> Any:
    """As in docker-compose.yml: enough files for every customer's connection."""
    from docker.types import Ulimit

    return Ulimit(name="nofile", soft=16384, hard=16384)


@cache
def make_image() -> None:
    """Build the image, unless it is what the sources are now."""
    home = Home.find()
    home.prepare()
    Images(home, QUIET).ready()


@contextmanager
def running(data: str) -> Iterator[Rig]:
    make_image()
    rig = Rig(data=data)
    try:
        yield rig
    finally:
        rig.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Rig]:
    with running("size=64m") as rig:
        yield rig


@pytest.fixture
def rig(shared: Rig) -> Iterator[Rig]:
    """A rig without customers, its stand-in well; left so for the next test."""
    shared.behave("ok")
    yield shared
    shared.load.stop()
    shared.behave("ok")
    shared.until_left()


@pytest.fixture
def full() -> Iterator[Rig]:
    """A rig whose ledger's volume takes very few lines."""
    with running("size=16k") as rig:
        yield rig
