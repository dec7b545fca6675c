"""The door to Prometheus: what it hands on, and that every way of not answering is *unknown*."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from lab.errors import BadInput, Unknown
from lab.prometheus import BadQuery, Prometheus, PrometheusUnavailable
from lab.signals import Catalogue


class Stand:
    """A Prometheus of our own making: one answer for everything, and what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes = b""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.release = threading.Event()
        self.release.set()
        stand = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                values = {key: found[0] for key, found in parse_qs(parts.query).items()}
                stand.asked.append((parts.path, values))
                stand.release.wait(10)
                self.send_response(stand.status)
                self.end_headers()
                self.wfile.write(stand.body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answers(self, data: Any) -> None:
        self.body = json.dumps({"status": "success", "data": data}).encode()


@pytest.fixture
def stand() -> Iterator[Stand]:
    stand = Stand()
    thread = threading.Thread(target=stand.server.serve_forever, args=(0.01,))
    thread.start()
    yield stand
    stand.release.set()
    stand.server.shutdown()
    thread.join()
    stand.server.server_close()


@pytest.fixture
def prometheus(stand: Stand) -> Iterator[Prometheus]:
    with Prometheus(stand.url, timeout=0.5) as prometheus:
        yield prometheus


def test_query_leaves_out_what_is_not_a_number(stand: Stand, prometheus: Prometheus) -> None:
    """NaN is not a measurement."""
    stand.answers(
        {
            "resultType": "vector",
            "result": [
                {"metric": {"service": "a"}, "value": [5, "1.5"]},
                {"metric": {"service": "b"}, "value": [5, "NaN"]},
            ],
        }
    )
    (sample,) = prometheus.query("x", at=5)
    assert (sample.labels, sample.value, sample.at) == ({"service": "a"}, 1.5, 5.0)


def test_query_understands_a_scalar(stand: Stand, prometheus: Prometheus) -> None:
    """A number alone is a sample without labels."""
    stand.answers({"resultType": "scalar", "result": [5, "2"]})
    (sample,) = prometheus.query("2")
    assert (sample.labels, sample.value) == ({}, 2.0)


def test_query_of_a_range_vector_is_bad_input(stand: Stand, prometheus: Prometheus) -> None:
    """`x[5s]` is many values for each series; the remedy says what to do."""
    stand.answers({"resultType": "matrix", "result": []})
    with pytest.raises(BadQuery) as caught:
        prometheus.query("x[5s]")
    assert "rate" in (caught.value.remedy or "")


def test_query_range_is_aligned_and_drops_nan(stand: Stand, prometheus: Prometheus) -> None:
    """Points lie on whole seconds, so that series of different questions line up."""
    stand.answers(
        {
            "resultType": "matrix",
            "result": [
                {"metric": {}, "values": [[11, "1"], [12, "NaN"], [13, "3"]]},
                {"metric": {"service": "empty"}, "values": [[11, "NaN"]]},
            ],
        }
    )
    (series,) = prometheus.query_range("x", 10.4, 13.2)
    assert (list(series.times), list(series.values)) == ([11, 13], [1, 3])
    assert stand.asked[-1][1]["start"] == "11.000"


def test_a_long_range_is_asked_for_in_parts(stand: Stand, prometheus: Prometheus) -> None:
    """Prometheus refuses more than 11,000 points at once; each is asked for once, and the parts of
    a series are one series."""
    stand.answers(
        {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1, "1"]]}]}
    )
    (series,) = prometheus.query_range("x", 0, 6 * 3600)
    windows = [(float(asked["start"]), float(asked["end"])) for _, asked in stand.asked]
    assert all(end - start < 11_000 for start, end in windows)
    assert [start for start, _ in windows] == [0, *(end + 1 for _, end in windows[:-1])]
    assert windows[-1][1] == 6 * 3600
    assert len(series.times) == len(windows) == 3


def test_query_range_of_less_than_a_step_asks_nothing(stand: Stand, prometheus: Prometheus) -> None:
    """There is no whole second between 10.2 and 10.8."""
    assert prometheus.query_range("x", 10.2, 10.8) == []
    assert stand.asked == []


def test_alerts_are_read(stand: Stand, prometheus: Prometheus) -> None:
    """Name, state, labels, summary and since when, the longest active first."""
    alert = {
        "labels": {"alertname": "A", "severity": "page", "component": "queue"},
        "annotations": {"summary": "it backs up"},
        "state": "firing",
        "activeAt": "2026-11-20T03:00:00.123456789Z",
        "value": "1.7e+01",
    }
    older = {
        **alert,
        "labels": {"alertname": "B"},
        "annotations": {},
        "activeAt": "2026-11-20T02:00:00Z",
    }
    stand.answers({"alerts": [alert, older]})
    first, second = prometheus.alerts()
    assert (first.name, first.severity, first.summary) == ("B", "", "")
    assert (second.component, second.value, second.state) == ("queue", 17.0, "firing")
    assert second.active_at == pytest.approx(1795143600.123456)


def test_one_question_reads_all_signals(stand: Stand, prometheus: Prometheus) -> None:
    """The catalogue asks once, and gives a signal without data an empty list."""
    stand.answers(
        {
            "resultType": "matrix",
            "result": [{"metric": {"__name__": "queue:depth"}, "values": [[1, "4"]]}],
        }
    )
    found = Catalogue.load().read(prometheus, 0, 5, names=["queue:depth", "queue:unacked"])
    assert len(stand.asked) == 1
    assert [list(series.values) for series in found["queue:depth"]] == [[4]]
    assert found["queue:unacked"] == []


def test_wrong_promql_is_bad_input(stand: Stand, prometheus: Prometheus) -> None:
    """Prometheus' own words say what is wrong with it."""
    stand.status = 400
    stand.body = json.dumps({"status": "error", "error": "parse error: unexpected )"}).encode()
    with pytest.raises(BadInput, match="unexpected"):
        prometheus.query("sum(")


def hangs(stand: Stand) -> None:
    stand.release.clear()


def fails(stand: Stand) -> None:
    stand.status = 503
    stand.body = json.dumps({"status": "error", "error": "query timed out"}).encode()


def is_somebody_else(stand: Stand) -> None:
    stand.body = b"<html>hello</html>"


@pytest.mark.parametrize("trouble", [hangs, fails, is_somebody_else])
def test_trouble_is_unknown(
    stand: Stand, prometheus: Prometheus, trouble: Callable[[Stand], None]
) -> None:
    """Too slow, failing, or not Prometheus at all: it could not be measured."""
    trouble(stand)
    with pytest.raises(PrometheusUnavailable) as caught:
        prometheus.query("up")
    assert isinstance(caught.value, Unknown)
    assert caught.value.remedy


def test_nobody_there_is_unknown_and_not_ready() -> None:
    """A closed port is not an answer; `ready` says so without raising."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with Prometheus(f"http://127.0.0.1:{reserved.getsockname()[1]}", timeout=0.5) as nobody:
            assert not nobody.ready()
            with pytest.raises(PrometheusUnavailable):
                nobody.query("up")
