"""The signals as the raw samples have them, to date an onset by.

A rule that looks back five seconds is calm enough to read, and smears every change over as long; a
rule made of rules is evaluated later still. The same expression over nothing but the newest two
samples of its metrics, asked eight times a second, changes when a sample came that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.archive import recordable
from lab.grading.dating import SCRAPE_S
from lab.grading.onset import onsets
from lab.history import History
from lab.prometheus import Prometheus
from lab.series import Labels, Series
from lab.signals import Catalogue

SHARP_STEP = 0.125
"""Seconds between two points: what evaluating adds to a sample's own second."""

TWO_SAMPLES = "2050ms"
"""Holds two scrapes and hardly ever three: what was added between them, and nothing older."""

ONE_SAMPLE = "1100ms"
"""Holds one: where it is missing nothing was measured, and nobody bridges that."""

BEFORE_S, AFTER_S = 3.0, 15.0
"""So long around an onset, as a rule tells it, the samples are looked at."""

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


def read(
    catalogue: Catalogue, prometheus: Prometheus, history: History
) -> dict[str, tuple[Series, ...]]:
    """Every signal that has moved: once a second over the baseline, which tells its noise, and each
    `SHARP_STEP` seconds around the moment that its rule tells roughly.

    Raises `PrometheusUnavailable`.
    """
    found: dict[str, tuple[Series, ...]] = {}
    for name, onset in onsets(history).items():
        if onset.at is None or name not in catalogue:
            continue
        expr = sharp(catalogue, name)
        calm = history.baseline
        start = max(calm.end, onset.at - onset.resolution_s - BEFORE_S)
        end = min(history.ended_at, onset.at + AFTER_S)
        found[name] = recordable(
            _joined(
                prometheus.query_range(expr, calm.start, calm.end, SCRAPE_S),
                prometheus.query_range(expr, start, end, SHARP_STEP),
            )
        )
    return found


def _joined(before: Sequence[Series], after: Sequence[Series]) -> list[Series]:
    """Series of the same labels one behind the other."""
    points: dict[frozenset[tuple[str, str]], tuple[Labels, dict[float, float]]] = {}
    for one in (*before, *after):
        _, known = points.setdefault(one.key, (one.labels, {}))
        known.update(zip(one.times, one.values, strict=True))
    return [
        Series(labels, sorted(known), [known[at] for at in sorted(known)])
        for labels, known in points.values()
    ]
