"""The stack's life, decided from what the engine says; the engine itself is played here."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab import pristine
from lab import settings as settings_module
from lab import stack as stack_module
from lab.command import CommandFailed, Exec
from lab.compose import ServiceState
from lab.doors import Doors
from lab.errors import BadInput
from lab.home import Home
from lab.journal import Journal
from lab.load import LoadUnavailable
from lab.pristine import DATABASES, REPLACED
from lab.prometheus import PrometheusUnavailable
from lab.stack import NotWell, Stack


class PlayedProject:
    """A compose project that records what is done to it."""

    def __init__(self, states: list[ServiceState]) -> None:
        self.now = states
        self.done: list[tuple[str, ...]] = []
        self.removed: list[str] = []
        self.volumes: list[str] = []
        self.up_fails = 0
        self.held: dict[str, int] = {}

    def published(self) -> dict[str, int]:
        return self.held

    def states(self) -> list[ServiceState]:
        return self.now

    def services(self) -> list[str]:
        return sorted(state.name for state in self.now)

    def reachable(self, state: ServiceState) -> bool:
        return state.attached

    def unpause(self) -> None:
        self.done.append(("unpause",))

    def remove(self, ids: list[str]) -> None:
        self.removed += ids

    def remove_volume(self, name: str) -> None:
        self.volumes.append(name)

    def compose(self, *args: str, **_: Any) -> Exec:
        self.done.append(args)
        if args[0] == "up" and self.up_fails:
            self.up_fails -= 1
            raise CommandFailed(["docker", "compose", *args], 1, "container is unhealthy")
        return Exec(0, "", "")


def service(name: str, state: str = "running", health: str = "healthy", **more: Any):
    return ServiceState(name, state, health, f"id-{name}", **more)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A stack on a played project, on a machine that has everything, in no time."""

    def made(*states: ServiceState) -> tuple[Stack, PlayedProject]:
        stack = Stack(Home(root=tmp_path, base=tmp_path / ".lab"))
        project = PlayedProject(list(states))
        stack.project = project  # type: ignore[assignment]
        monkeypatch.setattr(stack, "_prepare", lambda _: None)
        monkeypatch.setattr(stack, "logs", lambda name, _lines=20: f"{name}: address in use\n")
        monkeypatch.setattr(stack_module, "PAUSE", 0)
        return stack, project

    return made


def test_up_clears_what_compose_would_stumble_over(make, monkeypatch: pytest.MonkeyPatch):
    """Frozen containers go on; dead, ill and unreachable ones are removed; the others stay."""
    stack, project = make(
        service("nginx"),
        service("api-1", "dead", ""),
        service("api-2", health="unhealthy"),
        service("api-3", attached=False),
        service("worker", "exited", ""),
    )
    monkeypatch.setattr(stack, "healthy", lambda _: True)
    stack.up()
    assert project.done[0] == ("unpause",)
    assert set(project.removed) == {"id-api-1", "id-api-2", "id-api-3"}
    assert project.done[-1][0] == "up"


def test_up_sends_replicas_away_that_are_not_declared(make, monkeypatch: pytest.MonkeyPatch):
    """Extra replicas of a service whose profile is off are removed, however well they are; one
    that has ended is not missed."""
    stack, project = make(service("nginx"), service("api"), service("grafana", "exited", ""))
    monkeypatch.setattr(project, "services", lambda: ["nginx"])
    monkeypatch.setattr(stack, "healthy", lambda _: True)
    assert [state.name for state in stack.services()] == ["api", "nginx"]
    stack.up()
    assert set(project.removed) == {"id-api", "id-grafana"}


def test_up_asks_the_services_themselves(make, monkeypatch: pytest.MonkeyPatch):
    """Whoever is well by its own check is healthy, although the engine has not looked yet; and
    nobody is asked before the databases are there."""
    stack, _ = make(*(service(name, health="starting") for name in (*DATABASES, "api-1")))
    asked: list[str] = []

    def healthy(name: str) -> bool:
        asked.append(name)
        return len(asked) > 4

    monkeypatch.setattr(stack, "healthy", healthy)
    assert [state.health for state in stack.up()] == ["healthy"] * 3
    assert set(asked[:4]) == set(DATABASES)
    assert asked[-1] == "api-1"


def test_up_tries_once_more_with_fresh_containers(make, monkeypatch: pytest.MonkeyPatch):
    """A container that does not get well is replaced, once, before anything is reported."""
    stack, project = make(service("nginx"), service("api-1", health="starting"))
    monkeypatch.setattr(stack_module, "PATIENCE", 0)
    monkeypatch.setattr(stack, "healthy", lambda name: name == "nginx" or bool(project.removed))
    stack.up()
    assert project.removed == ["id-api-1"]
    assert [done[0] for done in project.done].count("up") == 2


def test_up_survives_a_compose_that_stumbles(make, monkeypatch: pytest.MonkeyPatch):
    """Where compose itself refuses, what does not run is replaced and it is asked again, with ports
    that are free then: two stacks that start at once find the same ones free."""
    stack, project = make(service("nginx"), service("api-1", "created", ""))
    project.up_fails = 1
    monkeypatch.setattr(stack, "healthy", lambda _: True)
    monkeypatch.setattr(stack, "_prepare", lambda _: project.done.append(("ports",)))
    stack.up()
    assert project.removed == ["id-api-1"]
    done = [one[0] for one in project.done if one[0] in ("ports", "up")]
    assert done == ["ports", "up", "ports", "up"]


def test_up_that_fails_twice_shows_the_last_words(make, monkeypatch: pytest.MonkeyPatch):
    """Which services are not up, and what they said last, is in the error itself."""
    stack, _ = make(service("nginx"), service("api-1", "exited", ""))
    monkeypatch.setattr(stack, "healthy", lambda name: name == "nginx")
    with pytest.raises(NotWell) as caught:
        stack.up()
    assert "api-1: exited" in caught.value.message
    assert "address in use" in caught.value.message
    assert "nginx" not in caught.value.message


def test_reset_replaces_only_what_holds_data(make, monkeypatch: pytest.MonkeyPatch):
    """The databases are seeded again in place; the front door and the observers run on."""
    services = (*DATABASES, *REPLACED, "nginx", "api-1", "prometheus")
    stack, project = make(*map(service, services))
    ran: list[list[str]] = []
    monkeypatch.setattr(pristine, "run", lambda argv, **_: ran.append(argv))
    monkeypatch.setattr(stack, "healthy", lambda _: True)
    stack.reset()
    assert set(project.removed) == {f"id-{name}" for name in REPLACED}
    assert set(project.volumes) == {"broker-data", "load-data"}
    assert {argv[-1] for argv in ran if argv[1] == "restart"} == {f"id-{n}" for n in DATABASES}
    assert ["docker", "exec", "id-api-1", *pristine.EMPTY_MEDIA] in ran


def test_reset_of_a_database_that_does_not_run(make, monkeypatch: pytest.MonkeyPatch):
    """A database that is down, or cannot be told to forget, is replaced together with its data."""
    stack, project = make(
        service("postgres-primary", "exited", ""), *map(service, ("postgres-replica", "api-2"))
    )

    def refuse(argv: list[str], **_: Any) -> None:
        if argv[2] == "id-postgres-replica":
            raise CommandFailed(argv, 137, "")

    monkeypatch.setattr(pristine, "run", refuse)
    monkeypatch.setattr(stack, "healthy", lambda _: True)
    stack.reset()
    assert {"id-postgres-primary", "id-postgres-replica"} <= set(project.removed)
    assert {"primary-data", "replica-data"} <= set(project.volumes)


def test_reset_gives_up_when_a_service_has_ended(make, monkeypatch: pytest.MonkeyPatch):
    """A service that ended will not answer however long one waits."""
    stack, _ = make(*map(service, DATABASES), service("api-1"), service("worker", "exited", ""))
    monkeypatch.setattr(pristine, "run", lambda *_, **__: None)
    monkeypatch.setattr(stack, "healthy", lambda name: name != "worker")
    with pytest.raises(NotWell, match="worker: exited"):
        stack.reset()


def test_expected_but_missing_services_are_shown(make):
    """A service without a container is listed as missing, not left out."""
    stack, project = make(service("nginx"))
    project.services = lambda: ["api-1", "nginx"]  # type: ignore[method-assign]
    assert [(item.name, item.state) for item in stack.services()] == [
        ("api-1", "missing"),
        ("nginx", "running"),
    ]


def test_url_is_what_the_engine_says(make):
    """The address of a service is the port that its container holds, whatever was chosen once."""
    stack, project = make()
    project.held = {"nginx": 18080}
    stack.home.prepare()
    stack.home.env_file.write_text("LAB_NGINX_PORT=18081\nLAB_LOAD_PORT=18089\n")
    assert stack.url("nginx") == "http://127.0.0.1:18080"
    assert stack.addresses() == {"nginx": "http://127.0.0.1:18080"}
    with pytest.raises(BadInput, match="publishes no port"):
        stack.url("worker")


@pytest.mark.parametrize("remembered", ["", "LAB_LOAD_PORT={port}\n"])
def test_nobody_elses_stack_is_spoken_to(
    make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, remembered: str
):
    """A home whose stack does not run has no customers and no Prometheus, though somebody answers
    on the usual ports, or on those that it once had."""
    stack, _ = make(service("nginx", "exited", ""))
    asked: list[str] = []

    class Neighbour(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            asked.append(self.path)
            self.send_error(500)

        do_GET = do_DELETE  # noqa: N815

    with HTTPServer(("127.0.0.1", 0), Neighbour) as neighbour:
        threading.Thread(target=neighbour.serve_forever, daemon=True).start()
        stack.home.prepare()
        if remembered:
            stack.home.env_file.write_text(remembered.format(port=neighbour.server_port))
        usual = {
            name: (of, neighbour.server_port) for name, (of, _) in settings_module.PORTS.items()
        }
        for module in (settings_module, stack_module):
            monkeypatch.setattr(module, "PORTS", usual, raising=False)
        with Journal(tmp_path / "lab.db") as journal:
            doors = Doors(stack.home, stack, journal)
            with pytest.raises(LoadUnavailable, match="does not run"):
                doors.load.stop()
            with pytest.raises(PrometheusUnavailable, match="does not run"):
                doors.prometheus.query("up")
            assert doors.addresses() == {}
            assert doors.grafana is None
        neighbour.shutdown()
    assert asked == []


def test_psql_rows(make, monkeypatch: pytest.MonkeyPatch):
    """Rows come as text, commas, quotes and line breaks within values included."""
    stack, _ = make()
    said = Exec(0, '1,"a, ""b""\nc",\n', "")
    monkeypatch.setattr(stack, "exec", lambda *_, **__: said)
    assert stack.psql("select") == [["1", 'a, "b"\nc', ""]]


def test_psql_error_has_what_psql_said(make, monkeypatch: pytest.MonkeyPatch):
    """A statement that fails raises, with the server's sentence."""
    stack, _ = make()
    said = Exec(3, "", 'ERROR:  relation "photo" does not exist')
    monkeypatch.setattr(stack, "exec", lambda *_, **__: said)
    with pytest.raises(CommandFailed, match='relation "photo" does not exist'):
        stack.psql("select * from photo")


@pytest.mark.parametrize(
    ("check", "argv"),
    [
        ({"Test": ["CMD", "curl", "x"]}, ["curl", "x"]),
        ({"Test": ["CMD-SHELL", "curl x"]}, ["sh", "-c", "curl x"]),
        ({"Test": ["NONE"]}, None),
        (None, None),
    ],
)
def test_healthy_runs_the_services_own_check(make, monkeypatch, check, argv):
    """A service is asked with the very check that compose uses; without one it counts as well."""
    stack, _ = make()

    asked: list[list[str]] = []

    class Container:
        status = "running"
        attrs = {"Config": {"Healthcheck": check}}  # noqa: RUF012 - a played object

        @staticmethod
        def exec_run(words: list[str]) -> tuple[int, bytes]:
            asked.append(words)
            return 1, b""

    monkeypatch.setattr(stack, "container", lambda _: Container)
    assert stack.healthy("nginx") is (argv is None)
    assert asked == ([argv] if argv else [])
