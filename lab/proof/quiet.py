"""What rang before anything was broken: a page that is not the incident's is noise which a learner
would have to explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.boards.happened import FIRING
from lab.units import duration

if TYPE_CHECKING:
    from lab.prometheus import Prometheus


def rang(prometheus: Prometheus, since: float, until: float) -> tuple[str, ...]:
    """Each page that was firing from `since` to `until` (Unix seconds), with for how long; by name.

    Raises `PrometheusUnavailable`.
    """
    found = prometheus.query_range(FIRING, since, until, 1.0)
    return tuple(
        sorted(
            f"{one.labels.get('alertname', '?')} for {duration(len(one.times))}, "
            f"from {duration(one.times[0] - since)} after the stack was up"
            for one in found
            if one.times
        )
    )
