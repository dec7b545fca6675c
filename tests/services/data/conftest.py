"""The state of the stack and its exporters, alone: no application, no customers, no Prometheus."""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from lab import engine
from lab.command import CommandFailed
from lab.errors import Failed, MachineLacks
from lab.home import Home
from lab.host.images import Images
from lab.progress import QUIET
from lab.settings import make_secrets, write_env
from lab.stack import Stack

T = TypeVar("T")

SERVERS = ("postgres-primary", "postgres-replica", "heartbeat", "redis-cache", "redis-broker")
EXPORTERS = {
    "postgres-exporter-primary": "9187/metrics",
    "postgres-exporter-replica": "9187/metrics",
    "container-exporter": "9100/metrics",
}


def until(look: Callable[[], T], wanted: Callable[[T], bool], what: str, within: float = 30) -> T:
    """Look until it is as wanted, and return that; else fail with the last thing seen."""
    deadline = time.monotonic() + within
    while True:
        last = look()
        if wanted(last):
            return last
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within} s: {what}; last seen: {last!r}")
        time.sleep(0.2)


class Rig:
    """Those services of docker-compose.yml, in a project of its own."""

    def __init__(self) -> None:
        found = Home.find()
        self.home = Home(found.root, found.base, f"data-test-{uuid.uuid4().hex[:8]}")
        self.home.prepare()
        Images(self.home, QUIET).ready()
        make_secrets(self.home)
        write_env(self.home, set())
        self.stack = Stack(self.home)

    def up(self, *services: str) -> None:
        """Bring services (all by default) to healthy."""
        self.stack.project.unpause()
        wanted = services or (*SERVERS, "engine-proxy", *EXPORTERS, "redis-exporter")
        self.stack.project.compose("up", "-d", "--no-deps", *wanted, timeout=150)
        # Not compose's --wait: it gives up at once on one that is still unhealthy from before.
        until(
            lambda: [
                (state, self.stack.logs(state.name, 10))
                for state in self.stack.project.states()
                if state.name in wanted and not state.ok
            ],
            lambda ill: not ill,
            "all are healthy",
            within=90,
        )

    def forget(self, *services: str) -> None:
        """Remove the containers of services, and of Postgres and the broker the data too."""
        self.stack.project.compose("rm", "--stop", "--force", *services)
        for service in services:
            self.stack.project.remove_volume(f"{service.rpartition('-')[2]}-data")

    def remove(self) -> None:
        """Leave nothing behind."""
        self.stack.down(volumes=True)
        shutil.rmtree(self.home.dir)

    def freeze(self, service: str) -> None:
        """Pause a container. With cgroup v1 the engine fails now and then when it is busy."""
        from docker.errors import APIError

        def paused() -> str:
            try:
                self.stack.container(service).pause()
            except APIError as error:
                return str(error)
            return ""

        until(paused, lambda error: not error, f"{service} is paused")

    def sql(self, statement: str, service: str = "postgres-primary") -> str:
        """The first value of the last row, as the superuser; "" for null or no row."""
        rows = self.stack.psql(statement, service=service)
        return rows[-1][0] if rows and rows[-1] else ""

    def answers(self, statement: str, service: str = "postgres-primary") -> str | None:
        """`sql`, or None while the server does not answer."""
        try:
            return self.sql(statement, service)
        except (CommandFailed, Failed):
            return None

    def as_role(self, role: str, secret: str, statement: str) -> tuple[int, str]:
        """Exit code and output of psql over the network as `role`."""
        done = self.stack.exec(
            "heartbeat",
            [
                *("sh", "-c", 'PGPASSWORD=$(cat) exec psql -XAt -v ON_ERROR_STOP=1 "$0" -c "$1"'),
                *(f"host=postgres-primary dbname=darkroom user={role}", statement),
            ],
            stdin=(self.home.secrets / secret).read_text(encoding="utf-8"),
        )
        return done.code, done.stdout + done.stderr

    def metrics(self, exporter: str, path: str = "") -> dict[str, float]:
        """One scrape, by series as they are written; a label-less series by its bare name.

        It must not hang, whatever is wrong with the server; a crowded machine has some time.
        """
        url = f"http://127.0.0.1:{path or EXPORTERS[exporter]}"
        done = self.stack.exec(exporter, ["curl", "-fsS", "--max-time", "3", url])
        assert done.code == 0, f"{exporter} did not answer: {done.stderr}"
        pairs = re.findall(r"^(\w+(?:\{.+\})?) (\S+)$", done.stdout.replace("{}", ""), re.M)
        return {series: float(value) for series, value in pairs}

    def until_following(self, within: float = 60) -> None:
        """Wait until the replica streams and has seen everything."""
        mark = self.sql("SELECT pg_current_wal_lsn()")
        until(
            lambda: self.answers(
                f"SELECT pg_last_wal_replay_lsn() >= '{mark}' "  # noqa: S608 - our own
                "FROM pg_stat_wal_receiver WHERE status = 'streaming'",
                "postgres-replica",
            ),
            lambda caught_up: caught_up == "t",
            "the replica follows the primary",
            within,
        )


@pytest.fixture(scope="session")
def only_rig() -> Iterator[Rig]:
    try:
        engine.client()
    except MachineLacks as error:
        pytest.skip(error.message)
    rig = Rig()
    try:
        rig.up()
        yield rig
    finally:
        if os.environ.get("LAB_TEST_KEEP") != "1":
            rig.remove()


@pytest.fixture
def rig(only_rig: Rig) -> Rig:
    """The rig, healthy, whatever the test before has broken."""
    if not all(state.ok for state in only_rig.stack.project.states()):
        only_rig.up()
    only_rig.until_following()
    return only_rig
