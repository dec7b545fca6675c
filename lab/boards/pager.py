"""The pager's rules, in words, from the file that Prometheus reads."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

RULES = Path(__file__).parents[2] / "infra" / "prometheus" / "rules" / "alerts.yml"


def rules_table() -> str:
    """What rings, and when, as a table in Markdown."""
    groups = YAML(typ="safe").load(RULES.read_text(encoding="utf-8"))["groups"]
    rows = ["| alert | severity | when | for | says |", "| --- | --- | --- | --- | --- |"]
    for rule in (rule for group in groups for rule in group["rules"]):
        when = " ".join(rule["expr"].split())
        says = rule["annotations"]["summary"].replace("{{ $labels.", "(").replace(" }}", ")")
        cells = (rule["alert"], rule["labels"]["severity"], f"`{when}`", rule["for"], says)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
