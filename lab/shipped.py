"""What nobody on call may change to win: how the numbers are made, and what is somebody else's.

A recovery is measured with Prometheus' rules, and whoever can edit those can make any number look
well. Prometheus is asked what it evaluates, which is not the same as what its files say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lab import manifest
from lab.errors import LabError
from lab.grading.recovery import GOOD_ANSWERS
from lab.history import Check, Outcome
from lab.library import RULES
from lab.prometheus import Prometheus, PrometheusUnavailable, Rule
from lab.promql import names_in
from lab.scenario import Scenario
from lab.series import Span
from lab.signals import Catalogue, Signal

if TYPE_CHECKING:
    from lab.stack import Stack

NAME = "rules as shipped"

OTHERS = ("partner", "load")
"""Services that stand for somebody else: a third party in another region, and the customers."""

OTHERS_NAME = "others' systems left alone"

_RELOADED = "max(prometheus_config_last_reload_success_timestamp_seconds)"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = re.compile(r"(?<![\w.:])\d+(?:\.\d*)?(?:e[+-]?\d+)?(?![\w.:])", re.IGNORECASE)


def rules_as_shipped(
    prometheus: Prometheus, catalogue: Catalogue, scenario: Scenario, window: Span
) -> Check:
    """Whether what the recovery is measured with is what the lab ships, over all of the window.

    Fails for a rule that was changed; unknown when rules were loaded within the window, as part of
    it may have been measured with others, and when Prometheus does not answer.
    """
    alert = scenario.page.alert
    shipped = {signal.name: signal.expr for signal in _needed(catalogue, scenario)}
    shipped_alerts = alerts()
    try:
        found = prometheus.rules()
        loaded = rules_loaded_at(prometheus)
    except PrometheusUnavailable as error:
        return Check(NAME, Outcome.UNKNOWN, error.message)
    changed = [name for name, expr in shipped.items() if _of(found, name) != [(plain(expr), 0.0)]]
    expr, for_s = shipped_alerts[alert]
    if _of(found, alert) != [(plain(expr), for_s)]:
        changed.append(alert)
    if changed:
        why = (
            f"not computed as shipped: {', '.join(changed)}; restart Prometheus with its own rules"
        )
        return Check(NAME, Outcome.FAIL, why)
    if loaded > window.start:
        return Check(NAME, Outcome.UNKNOWN, "Prometheus loaded its rules within the window")
    return Check(NAME, Outcome.PASS, f"{len(shipped)} signals and the pager are as shipped")


def others_as_shipped(stack: Stack) -> Check:
    """Whether what only stands for others' systems is still what it was: that a partner could do
    more, or customers ask for less, is no mend that anybody on call can make."""
    try:
        changed = manifest.made_otherwise(stack, OTHERS)
    except LabError as error:
        return Check(OTHERS_NAME, Outcome.UNKNOWN, error.message)
    if changed:
        why = (
            f"{', '.join(changed)}: not ours, and made otherwise; `docker compose up -d` undoes it"
        )
        return Check(OTHERS_NAME, Outcome.FAIL, why)
    return Check(OTHERS_NAME, Outcome.PASS, f"{' and '.join(OTHERS)} are as they were")


def rules_loaded_at(prometheus: Prometheus) -> float:
    """When Prometheus read its rules last, in Unix seconds; 0 where it does not say.

    Raises `PrometheusUnavailable`.
    """
    return max((sample.value for sample in prometheus.query(_RELOADED)), default=0.0)


def _needed(catalogue: Catalogue, scenario: Scenario) -> list[Signal]:
    """The signals that decide about a recovery, and those that they are made of."""
    conditions = [*scenario.objectives.keep, GOOD_ANSWERS]
    for fix in scenario.accepted_fixes:
        conditions += [*fix.when, *fix.keep]
    needed: dict[str, Signal] = {}
    left = [condition.signal for condition in conditions]
    while left:
        name = left.pop()
        if name in catalogue and name not in needed:
            needed[name] = catalogue[name]
            left += names_in(catalogue[name].expr)
    return list(needed.values())


def _of(rules: Iterable[Rule], name: str) -> list[tuple[str, float]]:
    """Every rule of that name: a second one would add its own points."""
    return [(plain(rule.expr), rule.for_s) for rule in rules if rule.name == name]


def plain(expr: str) -> str:
    """An expression in a form in which Prometheus' own way of writing it makes no difference."""
    numbers = _NUMBER.sub(lambda number: repr(float(number[0])), expr)
    return re.sub(r"\s+", "", numbers)


@cache
def alerts(folder: Path = RULES) -> Mapping[str, tuple[str, float]]:
    """Every alert that the lab ships: its expression, and for how many seconds it must hold."""
    from ruamel.yaml import YAML

    found: dict[str, tuple[str, float]] = {}
    for path in sorted(folder.glob("*.y*ml")):
        for group in YAML(typ="safe").load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    found[rule["alert"]] = (rule["expr"], _seconds(rule.get("for", "0s")))
    return found


def _seconds(duration: str) -> float:
    """Prometheus' 1m30s as 90."""
    parts = re.findall(r"(\d+)(ms|s|m|h)", str(duration))
    return sum(int(count) * _UNITS[unit] for count, unit in parts)
