"""Prometheus as the stack runs it: its rules proven by promtool, its pages served."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from docker.types import Mount

from lab import engine
from lab.errors import MachineLacks
from lab.home import Home
from lab.host.images import Images
from lab.progress import QUIET
from lab.prometheus import BadQuery, Prometheus
from lab.signals import Catalogue

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "infra" / "prometheus"
IMAGE = f"3am-lab/prometheus:{os.environ.get('LAB_TAG', 'local')}"

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def image() -> str:
    """Prometheus' image, built unless it is what the sources are now."""
    try:
        engine.client()
    except MachineLacks as error:
        pytest.skip(error.message)
    home = Home.find()
    home.prepare()
    Images(home, QUIET).ready()
    return IMAGE


def promtool(image: str, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of shell beside a copy of infra/prometheus in the image, with no network."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("rules", "tests"):
            archive.add(SOURCES / name, arcname=name)
    done = subprocess.run(
        [
            *("docker", "run", "--rm", "-i", "--network=none", image),
            *("sh", "-c", f"mkdir /tmp/src && cd /tmp/src && tar x && {script}"),
        ],
        input=packed.getvalue(),
        capture_output=True,
        timeout=120,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.mark.parametrize("path", sorted(path.name for path in SOURCES.glob("tests/*.yml")))
def test_rules_hold(image: str, path: str) -> None:
    """Series in, signals and pages out: every case of promtool's holds."""
    done = promtool(image, f"promtool test rules tests/{path}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_are_well_formed(image: str) -> None:
    """promtool has nothing to say against the rules, duplicates and style included."""
    done = promtool(image, "promtool check rules --lint=all --lint-fatal rules/*.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def url(image: str) -> Iterator[str]:
    """A Prometheus of its own, whose targets are nowhere."""
    container = engine.client().containers.run(
        image,
        detach=True,
        init=True,
        ports={"9090/tcp": ("127.0.0.1", None)},
        read_only=True,
        tmpfs={"/tmp": ""},
        mounts=[Mount("/prometheus", None, type="volume")],
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
    )
    try:
        container.reload()
        address = f"http://127.0.0.1:{container.ports['9090/tcp'][0]['HostPort']}"
        deadline = time.monotonic() + 30
        with Prometheus(address) as prometheus:
            while not prometheus.ready():
                if time.monotonic() > deadline:
                    pytest.fail(f"not ready within 30 s:\n{container.logs().decode()[-2000:]}")
                time.sleep(0.1)
        yield address
    finally:
        container.remove(force=True, v=True)


def test_queries_are_answered(url: str) -> None:
    """A real Prometheus answers what the lab asks, and refuses wrong PromQL with its own words."""
    with Prometheus(url) as prometheus:
        assert prometheus.query("vector(3)")[0].value == 3.0
        now = time.time()
        (series,) = prometheus.query_range("vector(3)", now - 5, now)
        assert set(series.values) == {3.0}
        assert prometheus.alerts() == []
        with pytest.raises(BadQuery, match="unclosed"):
            prometheus.query("sum(")


def test_signals_are_described(url: str) -> None:
    """Explore shows what a signal means: Prometheus tells it with its other metadata."""
    deadline = time.monotonic() + 40
    wanted = Catalogue.load()["client:errors:ratio"]
    while True:
        told = httpx.get(f"{url}/api/v1/metadata", timeout=5).json()["data"]
        if wanted.name in told:
            break
        assert time.monotonic() < deadline, "not described within 40 s"
        time.sleep(0.5)
    (one,) = told[wanted.name]
    assert one["type"] == "gauge"
    assert wanted.meaning in one["help"]


def test_silent_targets_are_down_and_nothing_is_invented(url: str) -> None:
    """With nobody to ask, `up` says so after a scrape, and what was not measured stays absent."""
    with Prometheus(url) as prometheus:
        deadline = time.monotonic() + 20
        while not (up := prometheus.query("api:up")):
            assert time.monotonic() < deadline, "no scrape within 20 s"
            time.sleep(0.2)
        assert {sample.value for sample in up} == {0.0}
        assert prometheus.query("client:errors:ratio") == []
        assert prometheus.query("queue:depth") == []
        found = Catalogue.load().read(prometheus, time.time() - 5, time.time())
        assert found["client:latency_seconds:p95"] == []


def test_pages_are_served_and_nothing_can_be_changed(url: str) -> None:
    """The query page works without a network; nobody deletes series or stops it from outside."""
    with httpx.Client(base_url=url, follow_redirects=True) as http:
        page = http.get("/")
        assert page.status_code == 200
        assert "Add Graph" in page.text
        assert "http://" not in page.text
        for path in ("/-/quit", "/-/reload", "/api/v1/admin/tsdb/delete_series?match[]=up"):
            assert http.post(path).is_error, path
