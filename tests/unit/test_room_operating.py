"""Whoever has the room has the stack, and not the machine: what may be said, as an attacker would
say it, and what the stack's own file keeps from whoever may say it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.doors import Doors
from lab.errors import BadInput
from lab.room.operating import SEALED, understood
from lab.room.tracing import followed

COMPOSE = YAML(typ="safe").load(Path(__file__).parents[2] / "docker-compose.yml")
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
SOCKET = "docker.sock"


@pytest.mark.parametrize(
    "line",
    [
        "exec container-exporter sh",
        "exec engine-proxy cat /var/run/docker.sock",
        "docker compose exec -T container-exporter curl http://engine-proxy:2375/containers/json",
        "exec -T -T engine-proxy sh",
        "exec --index=1 api-1 sh",
        "exec --index 1 engine-proxy sh",
        "exec -Tu root api-1 sh",
        "exec -u0 api-1 sh",
        "exec --user=root api-1 sh",
        "exec -e A=b api-1 sh",
        "exec --workdir / api-1 sh",
        "exec -d api-1 sh",
        "exec -- engine-proxy sh",
        "exec",
        "exec -T",
    ],
)
def test_nobody_gets_into_what_sees_the_machine(line: str) -> None:
    """Neither to the engine's socket nor to whoever may ask what has it; nor as root elsewhere."""
    with pytest.raises(BadInput):
        understood(line)


@pytest.mark.parametrize(
    "line",
    [
        "cp engine-proxy:/var/run/docker.sock .",
        "cp /etc/shadow api-1:/tmp",
        "run --rm -v /:/host api-1 sh",
        "run api-1 sh",
        "create api-1",
        "build --ssh default api",
        "config",
        "convert",
        "pull",
        "push",
        "rm -sf prometheus",
        "kill -s TERM api-1",
        "pause api-1",
        "attach api-1",
        "port nginx 8080",
        "events",
        "watch",
        "alpha viz",
        "version",
        "-f /tmp/mine.yml up",
        "--file=/tmp/mine.yml up",
        "--project-name other down",
        "-p other ps",
        "--project-directory / up",
        "--env-file /etc/passwd up",
        "--profile grafana up",
        "-H tcp://elsewhere ps",
        "--context other ps",
        "docker run -v /:/host debian",
        "docker -H unix:///var/run/docker.sock compose ps",
        "sudo docker compose ps",
        "up --build",
        "up --pull always",
        "up --force-recreate",
        "up --remove-orphans",
        "up -V",
        "up --attach-dependencies",
        "up -- --build",
        "up --quiet-pull",
        "logs -f nginx",
        "logs --follow=true nginx",
        "stats",
        "top -- nginx",
        "ps --format json",
        "stop -t 0 api-1",
        "restart --no-deps api-1",
    ],
)
def test_no_other_word_is_passed_on(line: str) -> None:
    """What copies, builds, makes, or works on another project or another file."""
    if line == "stats":
        assert "--no-stream" in understood(line)
        return
    with pytest.raises(BadInput):
        understood(line)


@pytest.mark.parametrize("many", ["11", "9999", "+99", "-1", "", "0x10", "1e3", "1_0", "2 ", "٣"])
@pytest.mark.parametrize("form", ["--scale api={} api", "--scale=api={} api"])
def test_a_machine_is_not_filled(form: str, many: str) -> None:
    """So many replicas that the machine has nothing left are none that an operator needs."""
    with pytest.raises(BadInput, match="at most 10"):
        understood("up " + form.format(f"'{many}'"))
    assert understood("up " + form.format("6"))
    assert understood("up " + form.format("0"))


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:9999/admin", "http://localhost/", "//127.0.0.1:1/", "https://[::1]/"],
)
def test_a_request_is_followed_to_the_front_door_only(doors: Doors, address: str) -> None:
    """What else listens on this machine is no part of the stack."""
    with pytest.raises(BadInput, match="a path"):
        followed(doors, address, upload=False)


def test_one_container_has_the_engine_and_nobody_gets_there() -> None:
    """It is on a network of its own, which leads nowhere, with the one that asks it; and it alone
    is root."""
    having = [name for name, one in SERVICES.items() if SOCKET in str(one.get("volumes"))]
    assert having == ["engine-proxy"]
    proxy = SERVICES["engine-proxy"]
    assert proxy["networks"] == ["engine"]
    assert COMPOSE["networks"]["engine"] == {"internal": True}
    assert "ports" not in proxy
    on_it = {name for name, one in SERVICES.items() if "engine" in (one.get("networks") or ())}
    assert on_it == {"engine-proxy", "container-exporter"} <= SEALED
    assert [name for name, one in SERVICES.items() if "user" in one] == ["engine-proxy"]


def test_what_has_something_of_the_machine_is_sealed() -> None:
    """A path of the machine in a container is reason enough to keep the room out of it; the lab's
    own files, which only Grafana and the proxy have, are there to be read."""
    with_paths = {
        name
        for name, one in SERVICES.items()
        for each in one.get("volumes") or ()
        if str(each).startswith(("/", "${"))
    }
    assert with_paths == SEALED
    for one in SERVICES.values():
        binds = [str(each) for each in one.get("volumes") or () if str(each)[0] in "/.$"]
        assert all(each.endswith(":ro") for each in binds)
        assert one.get("privileged") is None
        assert one.get("pid") is None
        assert one.get("network_mode") is None
        assert one.get("cap_add") is None
        assert one["cap_drop"] == ["ALL"]
