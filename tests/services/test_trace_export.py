"""Traces reach whoever collects them, by OTLP over HTTP."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from docker.models.containers import Container

from lab import engine
from lab.stack import Stack
from tests.services.customer import until

pytestmark = pytest.mark.docker

#: Takes OTLP as any collector does, and prints each span on a line.
COLLECTOR = """
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for one in ExportTraceServiceRequest.FromString(body).resource_spans:
            who = {each.key: each.value.string_value for each in one.resource.attributes}
            for scope in one.scope_spans:
                for span in scope.spans:
                    print(json.dumps({"path": self.path, "name": span.name, "trace": span.trace_id.hex(),
                                      "service": who["service.name"],
                                      "instance": who["service.instance.id"]}), flush=True)
        self.send_response(200)
        self.end_headers()

HTTPServer(("", 4318), Collector).serve_forever()
"""  # noqa: E501


@contextmanager
def beside(stack: Stack, name: str, command: list[str] | None, **environment: str) -> Iterator[Any]:
    """A container like api-1, on its network, that the stack knows nothing of."""
    like = stack.container("api-1").attrs
    host = like["HostConfig"]
    api = engine.client().api
    made = api.create_container(
        like["Config"]["Image"],
        command,
        name=f"{stack.home.project}-{name}",
        environment=[*like["Config"]["Env"], *(f"{k}={v}" for k, v in environment.items())],
        labels={"dev.3am-lab": "true"},
        host_config=api.create_host_config(
            binds=host["Binds"], mounts=host.get("Mounts"), tmpfs=host["Tmpfs"], read_only=True
        ),
        networking_config={
            "EndpointsConfig": {one: {} for one in like["NetworkSettings"]["Networks"]}
        },
    )
    box: Container = engine.client().containers.get(made["Id"])
    try:
        box.start()
        yield box
    finally:
        box.remove(force=True)


def asked(box: Container, path: str, request: str) -> int:
    """The status of one request to the replica in `box`."""
    argv = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "X-User-Id: 5"]
    argv += ["-H", f"X-Request-ID: {request}", f"http://127.0.0.1:8000{path}"]
    return int(box.exec_run(argv).output or b"0")


def test_a_collector_is_told(stack: Stack) -> None:
    """With a collector named, requests are traced by chance (here: all), each under its request's
    id, with its steps; and the process leaves nothing untold when it ends."""
    with ExitStack() as boxes:
        collector = boxes.enter_context(beside(stack, "collector", ["python", "-c", COLLECTOR]))
        replica = boxes.enter_context(
            beside(
                stack,
                "traced",
                None,
                REPLICA_ID="api-traced",
                OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.name}:4318",
                OTEL_TRACES_SAMPLER_ARG="1",
            )
        )
        request = secrets.token_hex(16)
        until(lambda: asked(replica, "/health", request), lambda s: s == 200, "it serves", 20)
        assert asked(replica, "/api/feed", request) == 200
        replica.stop(timeout=10)

        def told() -> list[dict[str, str]]:
            return [json.loads(line) for line in collector.logs(stderr=False).splitlines()]

        until(told, bool, "the collector is told", 10)
        ours = [one for one in told() if one["trace"] == request]
        assert {"GET /api/feed", "cache get"} <= {one["name"] for one in ours}
        assert {(one["path"], one["service"], one["instance"]) for one in told()} == {
            ("/v1/traces", "api", "api-traced")
        }
        assert "/health" not in " ".join(one["name"] for one in told()), "a probe is no request"
