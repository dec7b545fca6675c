"""The signals as the raw samples have them, to date an onset by.

A rule that looks back five seconds is calm enough to read, and smears every change over as long; a
rule made of rules is evaluated later still. The same expression over nothing but the newest two
samples of its metrics, asked eight times a second, changes when a sample came that shows it.
"""

from __future__ import annotations

import re

from lab.prometheus import Prometheus
from lab.series import Series, Span
from lab.signals import Catalogue

SHARP_STEP = 0.125
"""Seconds between two points: what evaluating adds to a sample's own second."""

TWO_SAMPLES = "2050ms"
"""Holds two scrapes and hardly ever three: what was added between them, and nothing older."""

ONE_SAMPLE = "1100ms"
"""Holds one: where it is missing nothing was measured, and nobody bridges that."""

_RATE = re.compile(r"\b(rate|increase)\(([^()]*)\[\d+s\]\)")
_GAUGE = re.compile(r"\[\d+s\]")


def sharp(catalogue: Catalogue, name: str) -> str:
    """The PromQL of a signal over raw metrics alone, each looked at no further back than needed."""

    def whole(expr: str) -> str:
        # Rules are the only names with a colon.
        return re.sub(
            r"[a-z_]+(?::[a-z0-9_]+)+",
            lambda found: f"({whole(catalogue[found[0]].expr)})",
            expr,
        )

    rates = _RATE.sub(rf"\1(\2[{TWO_SAMPLES}])", whole(catalogue[name].expr))
    return _GAUGE.sub(f"[{ONE_SAMPLE}]", rates)


def read(catalogue: Catalogue, prometheus: Prometheus, name: str, span: Span) -> list[Series]:
    """A signal over `span`, a point each `SHARP_STEP` seconds. Raises `PrometheusUnavailable`."""
    return prometheus.query_range(sharp(catalogue, name), span.start, span.end, SHARP_STEP)
