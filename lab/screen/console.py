"""What the lab shows to people: tables and panels on a terminal, plain lines anywhere else."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from lab.screen.fitting import Fitting
from lab.terminal import Screen
from lab.trend import about
from lab.units import duration

if TYPE_CHECKING:
    from lab.ending import Measured
    from lab.grading.verdict import Verdict
    from lab.grading.vocabulary import Vocabulary
    from lab.history import Check, Outcome
    from lab.host.doctor import Finding
    from lab.screen.board import Line
    from lab.stack import ServiceState

COLOURS = {"pass": "bold", "fail": "red", "unknown": "yellow", "ok": "", "warn": "yellow"}
"""Quiet when well: nothing is green, and red is what is broken."""

# A pipe has no width; wrapping what a program will cut into columns helps nobody.
PLAIN_WIDTH = 200

NARROWEST, WIDEST = 40, 1000
"""What COLUMNS may ask for."""

READABLE = 100
"""Columns of prose; a wider terminal is for tables."""


def console() -> Screen:
    """Standard output, at the terminal's width."""
    return Screen(width=_width())


def _width() -> int | None:
    """What COLUMNS asks for, in a pipe, too; None: the terminal's own."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 6 and int(asked) > 0:
        return min(max(int(asked), NARROWEST), WIDEST)
    return None if sys.stdout.isatty() else PLAIN_WIDTH


def is_terminal() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdout.isatty() and sys.stdin.isatty()


def emit(value: object) -> None:
    """One JSON document on standard output, for programs."""
    sys.stdout.write(json.dumps(value, indent=2, default=_plain) + "\n")


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump()
    return str(value)


def table(
    *columns: str,
    prose: Sequence[str] = (),
    less: Sequence[str] = (),
    under: Mapping[str, str] | None = None,
) -> Table:
    """A table that fits wherever it is shown: see lab/screen/fitting.py."""
    return Fitting(*columns, prose=prose, less=less, under=under)


def coloured(word: str) -> Text:
    return Text(word, style=COLOURS.get(word, "red" if word == "bad" else ""))


def clock(at: float | None) -> str:
    """A time of day on this machine, or a dash."""
    return "-" if at is None else datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def ago(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)


def services_table(services: Sequence[ServiceState]) -> Table:
    made = table("service", "state", "health")
    for one in services:
        style = "" if one.ok else "red"
        made.add_row(Text(one.name, style=style), one.state, one.health or "-")
    return made


def findings_table(findings: Iterable[Finding]) -> Table:
    made = table(
        *("", "what", "found", "what to do"),
        prose=("found", "what to do"),
        less=("what to do",),
        under={"what to do": "found"},
    )
    for one in findings:
        made.add_row(coloured(one.status), one.name, one.found, one.remedy)
    return made


def board_table(lines: Sequence[Line], *, with_baseline: bool) -> Table:
    """Signals by component, first what moved furthest; it stands out."""
    from lab.screen.board import bound, number
    from lab.screen.sparkline import Sparkline

    made = table(
        *("signal", "series", "now", "when calm", "promised", "last minute", ""),
        prose=("last minute",),
        less=("promised", "series", "last minute", "", "when calm"),
        under={"series": "signal"},
    )
    component = ""
    for line in lines:
        if line.signal.component != component:
            component = line.signal.component
            made.add_row(Text(component, style="bold"))
        mark = "moved" if line.moved else "broken" if line.broken else ""
        style = "red" if line.broken else "yellow" if line.moved else ""
        made.add_row(
            Text(f"  {line.signal.name}", style=style),
            Text(line.series[:40]),
            Text(number(line.now, line.signal), style=style),
            number(line.before, line.signal) if with_baseline else "",
            bound(line.signal),
            Sparkline(line.recent),
            Text(mark, style=style),
        )
    return made


def checks_table(checks: Sequence[Check]) -> Table:
    made = table(
        *("", "check", "measured"),
        prose=("measured",),
        less=("measured",),
        under={"measured": "check"},
    )
    for check in checks:
        made.add_row(coloured(check.outcome), check.name, check.reason)
    return made


def measured_view(measured: Measured) -> RenderableType:
    """What `lab resolve` says."""
    words = {
        "pass": "it holds: mitigated",
        "fail": "not mitigated yet",
        "unknown": "could not be measured",
    }
    title = Text(words[measured.outcome], style=f"bold {COLOURS[measured.outcome]}")
    return Group(title, checks_table(measured.checks), *_on_its_way(measured.on_its_way_s))


def _on_its_way(seconds: float | None) -> list[RenderableType]:
    """What to type where waiting is all that it takes."""
    if seconds is None:
        return []
    # The way may get longer, and a page takes a moment to fall silent.
    wait = 10 * math.ceil((1.5 * seconds + 10) / 10)
    what = f"it is on its way, about {about(seconds)} more" if seconds else "it is kept again"
    return [Text(f"{what}: `lab resolve --wait {wait}` waits for it")]


def verdict_view(verdict: Verdict) -> RenderableType:
    """The verdict, its arithmetic and the answer."""
    times, burnt = verdict.times, verdict.burnt
    answer = verdict.answer
    parts = table("part", "points", "why", prose=("why",))
    for part in verdict.parts:
        points = f"{part.earned} of {part.judged}"
        parts.add_row(part.name, points, "\n".join(part.lines))
    order = table("measured order", "after it broke", prose=("after it broke",))
    for onset in verdict.order:
        still = "never moved" if onset.state == "still" else "not measured"
        when = still if onset.at is None else clock(onset.at)
        if onset.at is not None:
            # When it showed; it began then, or up to so much earlier.
            when = f"{onset.at - times.broke_at:.1f} s, or up to {onset.resolution_s:.1f} s before"
        order.add_row(onset.signal, when)
    clocks = table("when", "", prose=("",))
    clocks.add_row("first breach", clock(times.breached_at))
    clocks.add_row("acknowledged after", ago(times.acknowledged_s))
    clocks.add_row("diagnosed after", ago(times.diagnosed_s))
    clocks.add_row("mitigated after", ago(times.mitigated_s))
    clocks.add_row("error budget", burnt.reason)
    return Group(
        *([Text("a light night: half the customers")] if verdict.light else []),
        _headline("diagnosed", verdict.diagnosed, verdict.diagnosed_why),
        parts,
        readable(Text("\n".join(verdict.arithmetic))),
        Text(),
        _headline("mitigated", verdict.mitigated, verdict.mitigated_why),
        checks_table(verdict.checks),
        Text(),
        clocks,
        Text(),
        Text(
            f"The answer: {answer.answer.component}, {answer.answer.cause} ({answer.object})",
            style="bold",
        ),
        order,
        *put_back_view(verdict.put_back),
    )


def put_back_view(changes: Sequence[str]) -> list[RenderableType]:
    """What was changed by hand and is as it was; nothing where nothing was."""
    if not changes:
        return []
    lines = ("What you changed, and what was put back:", *(f"  {change}" for change in changes))
    return [Text(), Text("\n".join(lines), overflow="fold")]


def _headline(word: str, outcome: Outcome, why: str) -> RenderableType:
    said = (str(outcome), f"bold {COLOURS[outcome]}")
    return readable(Text.assemble((f"{word}: ", "bold"), said, f"  {why}"))


def readable(prose: RenderableType) -> RenderableType:
    """No wider than one reads."""
    return Constrain(prose, READABLE)


def words_view(vocabulary: Vocabulary) -> RenderableType:
    """The words of a diagnosis, with their other names."""
    components = table(
        *("component", "meaning", "also called"),
        prose=("meaning", "also called"),
        less=("also called",),
        under={"also called": "meaning"},
    )
    for one in vocabulary.components.values():
        components.add_row(one.name, one.meaning, ", ".join(one.aliases))
    causes = table(
        *("family", "cause", "meaning", "also called"),
        prose=("meaning", "also called"),
        less=("also called", "family"),
        under={"also called": "meaning", "family": "cause"},
    )
    for cause in vocabulary.causes.values():
        causes.add_row(cause.family, cause.name, cause.meaning, ", ".join(cause.aliases))
    return Group(components, Text(), causes)


def banner(text: str, style: str, title: str | None = None) -> RenderableType:
    """Something that must not be overlooked."""
    return Panel(Text(text), title=title, border_style=style, expand=False)
