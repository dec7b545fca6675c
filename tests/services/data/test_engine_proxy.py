"""What can be had of the machine's engine from inside the stack."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.docker

PROXY = "http://engine-proxy:2375"
LIST = "/containers/json"


def asked(rig, *how, path=LIST, service="container-exporter"):
    """The status that whoever is in `service` gets there, "000" for none."""
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "3", "--path-as-is"]
    return rig.stack.exec(service, [*curl, *how, PROXY + path]).stdout


def test_the_exporters_questions_are_answered(rig):
    """Which containers there are, and whether the engine answers."""
    assert asked(rig, path=f"{LIST}?all=1") == "200"
    assert asked(rig, path="/_ping") == "200"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "get"])
def test_nothing_is_changed(rig, method):
    """Whatever the path."""
    for path in (LIST, "/containers/create", "/containers/x/exec", "/_ping"):
        assert asked(rig, "-X", method, path=path) in ("400", "403", "405")


@pytest.mark.parametrize(
    "path",
    [
        "/info", "/version", "/images/json", "/containers/x/json", "/containers/x/export",
        "/containers/x/archive?path=/", "/containers/x/attach/ws", "/exec/x/start", "/session",
        "/grpc", "/v1.41/containers/create", f"/v1.41{LIST}", f"{LIST}/", f"{LIST}/../../info",
        f"{LIST}%2f..%2f..%2finfo", f"{LIST}%00", f"{LIST};/../info", "/events/../info", "/",
    ],
)  # fmt: skip
def test_nothing_else_is_told(rig, path):
    """However it is written."""
    assert asked(rig, path=path) in ("400", "403")


def test_a_question_brings_nothing_along(rig):
    """Neither a body nor a wish to speak another protocol."""
    assert asked(rig, "-d", "{}", "-X", "GET") in ("200", "413")
    upgrade = ("-H", "Connection: Upgrade", "-H", "Upgrade: tcp")
    assert asked(rig, *upgrade, path="/_ping") == "200"


@pytest.mark.parametrize("service", ["redis-cache", "postgres-primary", "redis-exporter"])
def test_nobody_else_can_ask(rig, service):
    """It is on a network of its own."""
    assert asked(rig, service=service) == "000"
    address = rig.stack.container("engine-proxy").attrs["NetworkSettings"]["Networks"]
    (one,) = address.values()
    knock = f"import socket; socket.create_connection(({one['IPAddress']!r}, 2375), 2)"
    assert rig.stack.exec(service, ["python3", "-c", knock]).code != 0


def test_who_asks_is_nobody(rig):
    """The exporter has neither root nor the socket; who has it has no network beside theirs."""
    done = rig.stack.exec("container-exporter", ["sh", "-c", "id -u; ls /var/run/docker.sock"])
    assert done.stdout == "1000\n"
    assert done.code != 0
    out = rig.stack.exec("engine-proxy", ["curl", "-s", "-m", "2", "http://redis-cache:6379"])
    assert out.code in (6, 7, 28)


def test_a_proxy_that_is_gone_hides_no_container(rig):
    """What was known stays known, and it is asked again when it is back."""
    rig.stack.container("engine-proxy").kill()
    try:
        seen = rig.metrics("container-exporter")
        assert sum(value for name, value in seen.items() if name.startswith("container_up")) > 3
    finally:
        rig.up("engine-proxy")
    assert asked(rig) == "200"
