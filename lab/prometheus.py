"""The one door to Prometheus: ask now, ask over time, ask the pager, save and read answers.

Every call has a short time-out and a capped number of points. Whatever goes wrong on the way is
`PrometheusUnavailable`, which is *unknown*: not having been able to look is never a measurement.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from lab.errors import BadInput, LabError, Unknown
from lab.series import Labels, Sample, Series
from lab.waiting import waiting

if TYPE_CHECKING:
    import httpx

TIMEOUT = 5.0
"""Seconds for one answer. Prometheus has CPU of its own; beyond this it is not well."""


MOST_POINTS = 10_000
"""Of one series Prometheus gives 11,000 points at a time, and refuses whoever asks for more."""


class PrometheusUnavailable(Unknown):
    """Prometheus did not answer, or not in time, or not with an answer."""


class BadQuery(BadInput):
    """Prometheus understood us well enough to say that the PromQL is wrong."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as Prometheus holds it now. `active_at` and `at` are Unix seconds."""

    name: str
    state: str  # "pending" or "firing"
    severity: str
    component: str
    summary: str
    active_at: float
    value: float
    labels: Labels


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as Prometheus evaluates it: a recording rule, or an alert that must hold `for_s`
    seconds. `expr` is written Prometheus' way."""

    name: str
    expr: str
    for_s: float = 0.0


class Prometheus:
    """A client of one Prometheus. Use as a context manager, or call `close`."""

    def __init__(self, url: str | Callable[[], str], *, timeout: float = TIMEOUT) -> None:
        """`url` is its address, or tells it when it is first needed; a `LabError` of that means
        that it does not answer."""
        self._asked = url if callable(url) else lambda: url
        self._timeout = timeout

    @cached_property
    def url(self) -> str:
        """Its address. Raises `PrometheusUnavailable` where it has none."""
        try:
            return self._asked().rstrip("/")
        except LabError as error:
            raise PrometheusUnavailable(error.message, remedy=error.remedy) from error

    @cached_property
    def _http(self) -> httpx.Client:
        import httpx

        # No proxy from the environment: the address is on this machine.
        return httpx.Client(base_url=self.url, timeout=self._timeout, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drops the connection; later calls fail."""
        if "_http" in self.__dict__:
            self._http.close()

    def ready(self) -> bool:
        """Whether it serves queries now. Never raises."""
        import httpx

        try:
            return self._http.get("/-/ready").status_code == httpx.codes.OK
        except (httpx.HTTPError, PrometheusUnavailable):
            return False

    def query(self, expr: str, at: float | None = None) -> list[Sample]:
        """The value of every series of `expr`, now or at Unix time `at`.

        NaN results are left out. Raises `BadQuery` and `PrometheusUnavailable`.
        """
        moment = time.time() if at is None else at
        data = self._get("/api/v1/query", {"query": expr, "time": f"{moment:.3f}"})
        if data["resultType"] == "scalar":
            data = {"resultType": "vector", "result": [{"metric": {}, "value": data["result"]}]}
        if data["resultType"] != "vector":
            raise BadQuery(
                f"{expr!r} gives a {data['resultType']}, not one value for each series",
                remedy="wrap it in a function such as rate(...) or last_over_time(...)",
            )
        samples = (
            Sample(one["metric"], float(one["value"][1]), float(one["value"][0]))
            for one in data["result"]
        )
        return [sample for sample in samples if not math.isnan(sample.value)]

    def query_range(self, expr: str, start: float, end: float, step: float = 1.0) -> list[Series]:
        """Every series of `expr` from `start` to `end`, both included, one point each `step` s.

        NaN points are left out, and series without a point. Points are at whole multiples of
        `step` (Unix time), so that series of different queries line up.
        Raises `BadQuery` and `PrometheusUnavailable`.
        """
        first = math.ceil(start / step) * step
        labels: dict[str, Labels] = {}
        points: dict[str, list[tuple[float, float]]] = {}
        while first <= end:
            last = min(end, first + (MOST_POINTS - 1) * step)
            parameters = {
                "query": expr,
                "start": f"{first:.3f}",
                "end": f"{last:.3f}",
                "step": f"{step:g}",
            }
            for one in self._get("/api/v1/query_range", parameters)["result"]:
                key = json.dumps(one["metric"], sort_keys=True)
                labels[key] = one["metric"]
                values = ((float(at), float(value)) for at, value in one["values"])
                kept = points.setdefault(key, [])
                kept += [(at, value) for at, value in values if not math.isnan(value)]
            first += MOST_POINTS * step
        return [
            Series(labels[key], *zip(*kept, strict=True)) for key, kept in points.items() if kept
        ]

    def alerts(self) -> list[Alert]:
        """The pending and firing alerts, longest active first."""
        found = [
            Alert(
                name=one["labels"]["alertname"],
                state=one["state"],
                severity=one["labels"].get("severity", ""),
                component=one["labels"].get("component", ""),
                summary=one["annotations"].get("summary", ""),
                active_at=datetime.fromisoformat(one["activeAt"]).timestamp(),
                value=float(one["value"]),
                labels=one["labels"],
            )
            for one in self._get("/api/v1/alerts", {})["alerts"]
        ]
        return sorted(found, key=lambda alert: (alert.active_at, alert.name))

    def rules(self) -> list[Rule]:
        """Every rule that it evaluates now. Raises `PrometheusUnavailable`."""
        return [
            Rule(one["name"], one["query"], float(one.get("duration", 0)))
            for group in self._get("/api/v1/rules", {})["groups"]
            for one in group["rules"]
        ]

    # The shape of an answer is Prometheus' own affair; it is taken apart above, at once.
    def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        import httpx

        remedy = "look at `lab status`, and at `docker compose logs prometheus`"
        try:
            with waiting("Prometheus", TIMEOUT):
                answer = self._http.get(path, params=dict(parameters))
            body = answer.json()
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise PrometheusUnavailable(
                f"Prometheus at {self.url} does not answer: {reason}", remedy=remedy
            ) from error
        except ValueError as error:
            raise PrometheusUnavailable(
                f"what answers at {self.url} is not Prometheus: HTTP {answer.status_code}",
                remedy=remedy,
            ) from error
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise BadQuery(
                f"Prometheus refuses {parameters.get('query', path)!r}: {body.get('error')}"
            )
        if body.get("status") != "success":
            raise PrometheusUnavailable(
                f"Prometheus at {self.url} failed: {body.get('error')}", remedy=remedy
            )
        return body["data"]
