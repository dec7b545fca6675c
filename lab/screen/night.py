"""How the night is going: one look at the stack, the customers and the incident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lab import looks
from lab.doors import Doors
from lab.errors import Failed, LabError, Unknown
from lab.grading.pace import START_DELAY, TOO_LATE_S
from lab.history import Promise
from lab.incident import moments, scenario_of, to_keep
from lab.moments import Moments, against, budget_burnt
from lab.prometheus import PrometheusUnavailable
from lab.records import Noted, Phase, Row
from lab.screen.board import Line, number
from lab.screen.console import ago, banner, clock, services_table, table
from lab.screen.sparkline import Sparkline
from lab.series import Condition, Span
from lab.stack import ServiceState
from lab.trend import LOOK_BACK_S, OLDEST, QUEUE, Trend, trend
from lab.units import duration

SHOWN = (
    "client:arrivals:rate",
    "client:latency_seconds:p95",
    "client:errors:ratio",
    "api:ready:count",
    "queue:depth",
    "queue:oldest_age_seconds",
)
"""What a pager's screen has room for; the rest is in `lab signals`."""

LATE_SHOWN_S = 15.0
"""For so long it is said that customers were begun late: it comes in gusts."""

DOWN = "The stack is down: none of its services runs. `lab restore` brings it home."

_KEPT = {None: ("no data", "dim"), True: ("kept", ""), False: ("BROKEN", "red")}


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether an objective is kept now, None where that could not be measured. `text` is for
    programs, `called` as it stands on every board; `way` says of one that is broken where it goes,
    None where nobody can tell."""

    text: str
    called: str
    kept: bool | None
    way: Trend | None = None


@dataclass(frozen=True, slots=True)
class Night:
    """One look. `blind` says why nothing could be measured; times are Unix seconds.

    `accepted` is the fix in place with which other objectives count than the scenario's, which are
    then in `objectives`; None where the scenario's do. `budget` is the share of a month's error
    budget burnt since the injection (1 = all of it).
    `measured` is what the last claim came to, and when.
    `late_s` is how late customers were begun, where that is too late to judge anything by.
    `boards` is where the boards show this night, None where there is no Grafana.
    """

    at: float
    services: tuple[ServiceState, ...]
    blind: str | None
    incident: int | None = None
    slug: str = ""
    title: str = ""
    phase: Phase | None = None
    page: str = ""
    seen: Moments | None = None
    acknowledged_at: float | None = None
    objectives: tuple[Kept, ...] = ()
    accepted: str | None = None
    budget: float | None = None
    hints: int = 0
    hints_left: int = 0
    diagnoses: int = 0
    final: bool = False
    claims: int = 0
    measured: Noted | None = None
    late_s: float | None = None
    lines: tuple[Line, ...] = ()
    boards: str | None = None

    @property
    def down(self) -> bool:
        """Whether none of the services runs."""
        return bool(self.services) and not any(one.runs for one in self.services)

    @property
    def exit_code(self) -> int:
        """For a probe: 0 when every objective is kept, 1 when one is broken, 3 when none is seen
        broken and one could not be measured."""
        kept = [one.kept for one in self.objectives]
        if False in kept:
            return Failed.exit_code
        return Unknown.exit_code if not kept or None in kept else 0

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        told = {
            name: value
            for name, value in ((field, getattr(self, field)) for field in self.__slots__)
            if name not in ("lines", "seen", "services", "objectives", "measured")
        }
        return {
            **told,
            "services": [asdict(one) for one in self.services],
            "objectives": [
                {
                    "keep": one.text,
                    "kept": one.kept,
                    "on_its_way_s": one.way.within_s if one.way else None,
                }
                for one in self.objectives
            ],
            "breached_at": self.seen.breached_at if self.seen else None,
            "paged_at": self.seen.paged_at if self.seen else None,
            "recovered_at": self.seen.recovered_at if self.seen else None,
            "measured": asdict(self.measured) if self.measured else None,
            "signals": [line.as_dict() for line in self.lines],
        }


def look_at(doors: Doors) -> Night:
    """One look at everything. What cannot be seen is None; only a missing engine is an error."""
    services = tuple(doors.stack.services())
    row = doors.journal.open_one()
    known = _of_journal(doors, row) if row is not None else {}
    try:
        measured = _measured(doors, row)
        blind = None
    except PrometheusUnavailable as error:
        measured = {}
        blind = error.message
    return Night(
        at=doors.now(),
        services=services,
        blind=blind,
        boards=doors.addresses(row).get("Grafana"),
        **known,
        **measured,
    )


def _of_journal(doors: Doors, row: Row) -> dict[str, Any]:
    scenario = scenario_of(row)
    events = doors.journal.events(row.id)
    acknowledged = [event.at for event in events if event.kind == "acknowledged"]
    measured = [event for event in events if event.kind == "measured"]
    hints = len(doors.journal.hints(row.id))
    return {
        "incident": row.id,
        "slug": row.slug,
        "title": scenario.title,
        "phase": row.phase,
        "page": scenario.page.text,
        "acknowledged_at": acknowledged[0] if acknowledged else None,
        "hints": hints,
        "hints_left": max(0, len(scenario.hints) - hints),
        "diagnoses": len(doors.journal.answers(row.id)),
        "final": row.final_at is not None,
        "claims": len(doors.journal.claims(row.id)),
        "measured": measured[-1] if measured else None,
    }


def _measured(doors: Doors, row: Row | None) -> dict[str, Any]:
    from lab.screen.board import read_board

    try:
        found: dict[str, Any] = {
            "lines": tuple(one for one in read_board(doors, row) if one.signal.name in SHOWN)
        }
    except PrometheusUnavailable:
        raise
    except LabError:
        # A catalogue of another version: say nothing rather than something wrong.
        found = {}
    keep: Sequence[Condition] = doors.catalogue.objectives()
    if row is not None:
        keep, fix = to_keep(doors, scenario_of(row))
        # One that keeps the scenario's own objectives changes nothing that is shown; and it may be
        # what is there on any good night, as three replicas are.
        found["accepted"] = fix.what if fix and fix.keep else None
    now = doors.now()
    found["objectives"] = tuple(_kept(doors, one, now) for one in keep)
    found["late_s"] = _late(doors, now)
    if row is not None and row.injected_at is not None:
        seen = moments(doors, row)
        found["seen"] = seen
        promise = Promise()
        errors = Condition(signal=promise.signal, op="<=", value=0)
        span = Span(row.injected_at, seen.recovered_at or now)
        found["budget"] = budget_burnt(against(doors.prometheus, errors, span), promise)
    return found


def _late(doors: Doors, now: float) -> float | None:
    in_time = Condition(signal=START_DELAY, op="<=", value=TOO_LATE_S)
    series = against(doors.prometheus, in_time, Span(now - LATE_SHOWN_S, now))
    worst = max(series.values, default=0.0)
    return worst if worst > TOO_LATE_S else None


def _kept(doors: Doors, condition: Condition, now: float) -> Kept:
    """How an objective stands, and where it goes."""
    signal = doors.catalogue.by_name.get(condition.signal)
    series = against(doors.prometheus, condition, Span(now - LOOK_BACK_S, now))
    value = series.last(not_before=now - 5)
    called = looks.promise(condition, signal)
    if value is None or condition.met(value):
        return Kept(str(condition), called, None if value is None else True)
    queue = None
    if condition.signal == OLDEST:
        waiting = Condition(signal=QUEUE, op="<=", value=0)
        queue = against(doors.prometheus, waiting, Span(now - LOOK_BACK_S, now))
    way = trend(condition, series, now, signal.unit if signal else "", queue)
    return Kept(str(condition), called, kept=False, way=way)


def night_view(night: Night) -> RenderableType:
    """The look, for people."""
    parts: list[RenderableType] = []
    ill = [one for one in night.services if not one.ok]
    if night.incident is None:
        up = len(night.services) - len(ill)
        parts.append(Text(f"{up} of {len(night.services)} services are well; no incident is on"))
    else:
        parts += _incident(night)
    if night.down and night.incident is not None:
        parts.append(Text(DOWN, style="red"))
    if night.incident is None and ill:
        parts.append(services_table(ill))
    if night.late_s is not None:
        late = duration(night.late_s)
        said = f"This machine is too busy: it begins customers up to {late} late, and they feel it."
        parts.append(Text(said, style="yellow"))
    if night.blind is not None:
        parts.append(Text(f"cannot look: {night.blind}", style="yellow"))
    else:
        parts += _measures(night)
    return Group(*parts)


def _incident(night: Night) -> list[RenderableType]:
    parts: list[RenderableType] = []
    seen = night.seen
    if night.phase != "live":
        preparing = night.phase == "preparing"
        said = "is being prepared" if preparing else "is over, but the stack is not home"
        parts.append(Text(f"{night.slug} (incident {night.incident}) {said}", style="bold"))
        when = "if that was interrupted, " if preparing else ""
        parts.append(Text(f"{when}`lab restore` brings the stack home"))
        return parts
    if seen is None or seen.paged_at is None:
        parts.append(Text("You are on call. The pager is quiet.", style="bold"))
    else:
        style = "blue" if night.acknowledged_at else "red"
        parts.append(banner(night.page, style, title=f"PAGE {clock(seen.paged_at)}"))
    facts = toll(night)
    if night.acknowledged_at is not None:
        facts.append("acknowledged")
    if night.hints:
        facts.append(f"{night.hints} hints taken")
    if night.diagnoses:
        facts.append("diagnosis is final" if night.final else f"{night.diagnoses} diagnoses")
    parts.append(Text(" · ".join(facts)))
    if night.boards is not None:
        parts.append(Text(f"boards: {night.boards}", style="dim", overflow="fold"))
    return parts


def toll(night: Night) -> list[str]:
    """How long it has lasted and what it has cost so far, a few words each."""
    told: list[str] = []
    seen = night.seen
    if seen is not None and seen.breached_at is not None:
        told.append(f"{ago(night.at - seen.breached_at)} since the first breach")
        broken = any(one.kept is False for one in night.objectives)
        if seen.recovered_at is not None and not broken:
            told.append(f"objectives hold again for {ago(night.at - seen.recovered_at)}")
    if night.budget is not None:
        told.append(f"{100 * night.budget:.2f} % of the month's error budget burnt")
    return told


def _measures(night: Night) -> list[RenderableType]:
    objectives = table("objective", "now", "its way", prose=("its way",))
    for one in night.objectives:
        word, style = _KEPT[one.kept]
        objectives.add_row(one.called, Text(word, style=style), str(one.way or ""))
    parts: list[RenderableType] = [Text(), objectives]
    if night.accepted is not None:
        parts.append(Text(f"with what is done: {night.accepted}", style="dim"))
    signals = table(
        *("signal", "now", "when calm", "last minute"),
        prose=("last minute",),
        less=("last minute", "when calm"),
    )
    for line in night.lines:
        style = "red" if line.broken else "yellow" if line.moved else ""
        signals.add_row(
            line.signal.name,
            Text(number(line.now, line.signal), style=style),
            number(line.before, line.signal),
            Sparkline(line.recent, width=30),
        )
    return [*parts, Text(), signals]
