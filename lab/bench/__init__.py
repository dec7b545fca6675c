"""What the lab costs, measured: figures with the targets they are held against.

A stack of its own (`<project>-bench`) is used and removed, so nobody's incident is disturbed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from lab.doors import Doors, open_doors
from lab.errors import LabError
from lab.home import Home
from lab.progress import Report
from lab.proof.neighbour import Kind, beside


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: `value` in `unit`; `target` is its bound (None: none was set).

    `better` says which side of the target is good. `note` is why there is no value, or how it came
    about.
    """

    name: str
    value: float | None
    unit: str
    target: float | None = None
    better: Literal["lower", "higher"] = "lower"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target or a value."""
        if self.value is None or self.target is None:
            return None
        return self.value <= self.target if self.better == "lower" else self.value >= self.target


Measure = Callable[["Bench"], Iterator[Figure]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs: the doors of the bench's own stack, and where to tell."""

    doors: Doors
    report: Report
    from_nothing: bool


def measures() -> dict[str, Measure]:
    """The groups of figures by name, in the order in which they are taken."""
    from lab.bench import customers, life, night, price, room

    return {
        "help": life.help_page,
        "first-start": life.first_start,
        "up": life.warm_up,
        "idle": life.idle,
        "reset": life.reset,
        "customers": customers.arrivals,
        "price": price.of_mechanisms,
        "night": night.on_call,
        "room": room.usable,
    }


def run(
    report: Report, *, only: list[str], from_nothing: bool, kind: Kind = "none"
) -> tuple[list[Figure], Path]:
    """Take the figures, and write them to a JSON file in the lab home. `kind` is what else goes on
    on this machine meanwhile.

    A group that cannot be measured gives a figure without a value and says why.
    """
    learners = Home.find()
    home = replace(learners, project=f"{learners.project}-bench")
    # The commands that are timed as whole processes must reach the same stack.
    os.environ["LAB_PROJECT"] = home.project
    os.environ["LAB_HOME"] = str(home.base)
    figures: list[Figure] = []
    with open_doors(home) as doors, beside(kind):
        bench = Bench(doors, report, from_nothing)
        try:
            for name, measure in measures().items():
                if only and name not in only:
                    continue
                with report.step(f"measuring: {name}"):
                    try:
                        figures += measure(bench)
                    except LabError as error:
                        figures.append(Figure(name, None, "", note=error.message))
        finally:
            doors.stack.down(volumes=True)
    name = "bench.json" if kind == "none" else f"bench-{kind}.json"
    path = learners.dir / name
    rows = [{**asdict(figure), "met": figure.met} for figure in figures]
    path.write_text(
        json.dumps({"cores": os.cpu_count(), "beside": kind, "figures": rows}, indent=2) + "\n"
    )
    return figures, path
