"""Makes Prometheus' recording rules, and what it tells of them, from the catalogue: `python -m
lab.rules`."""

from __future__ import annotations

import io
import itertools

from lab.signals import CATALOGUE, Catalogue, Signal

RULES = CATALOGUE.parent / "rules" / "signals.yml"
METADATA = CATALOGUE.parent / "web" / "signals.prom"
"""Prometheus scrapes this from itself: of what a rule records it would have no metadata."""

_HEADER = "# Made from ../signals.yaml by `python -m lab.rules`; a test notices drift.\n"


def _group(signal: Signal) -> str:
    """Signals of one prefix are evaluated together, in the order of the catalogue."""
    return signal.name.partition(":")[0]


def render(catalogue: Catalogue) -> str:
    """The text of the rule file."""
    from ruamel.yaml import YAML

    groups = [
        {
            "name": f"signals:{prefix}",
            "rules": [{"record": signal.name, "expr": signal.expr} for signal in signals],
        }
        for prefix, signals in itertools.groupby(
            sorted(catalogue, key=lambda signal: _order(catalogue, signal)), key=_group
        )
    ]
    yaml = YAML()
    yaml.width = 1000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO(_HEADER)
    out.seek(0, io.SEEK_END)
    yaml.dump({"groups": groups}, out)
    return out.getvalue()


def _order(catalogue: Catalogue, signal: Signal) -> int:
    """Where the first signal of the same prefix stands, so that groups keep the chain's order."""
    prefix = _group(signal)
    return next(i for i, other in enumerate(catalogue) if _group(other) == prefix)


def metadata(catalogue: Catalogue) -> str:
    """What each signal means, as metrics are described (the text format of Prometheus), without a
    sample: Explore and the metrics browser show it."""
    lines = ["# Made from ../signals.yaml by `python -m lab.rules`; a test notices drift."]
    for signal in catalogue:
        told = f"{signal.meaning} ({signal.unit})".replace("\\", r"\\")
        lines += [f"# HELP {signal.name} {told}", f"# TYPE {signal.name} gauge"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    RULES.write_text(render(Catalogue.load()))
    METADATA.write_text(metadata(Catalogue.load()))
