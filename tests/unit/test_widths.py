"""What is shown fits the terminal: sixty columns, eighty, two hundred; and a pipe that says so."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from lab import incident
from lab.doors import Doors
from lab.ending import end, resolve
from lab.grading.vocabulary import Vocabulary
from lab.host.doctor import Finding
from lab.logs import Event
from lab.past import lived
from lab.progress import QUIET
from lab.screen.board import read_board
from lab.screen.console import (
    board_table,
    findings_table,
    measured_view,
    table,
    verdict_view,
    words_view,
)
from lab.screen.lines import events_table, hops_table
from lab.screen.night import look_at, night_view
from lab.screen.past import past_table
from lab.screen.waterfall import waterfall
from lab.tracing.spans import Span
from lab.tracing.trace import Trace
from tests.unit.test_cli import lab
from tests.unit.world import World

WIDTHS = (60, 80, 200)
ID = "642f1f52e51072703fbe034df77f5ca9"
LINES = [
    Event(1e9, "nginx", ID, "GET /api/users/4711/photos", "503", failed=True, seconds=4.1),
    Event(1e9, "worker", ID, "photo 1000123", "ready", failed=False, seconds=2.1, waited=14.2),
    Event(1e9, "api-2", ID, "no answer", "warning", failed=True, detail="attempts=3"),
]
STEPS = [
    Span("a", None, "you", "GET /api/feed", 0, 4.2, "503", failed=True),
    Span("b", "a", "nginx", "GET /api/feed", 0.003, 4.1, "503 to api-1", failed=True),
    Span("c", "b", "api-1", "wait for a connection", 1.2, 2.8, "postgres-replica"),
]


def drawn(what: RenderableType, columns: int) -> str:
    """What is printed on a terminal so wide."""
    screen = Console(file=io.StringIO(), width=columns, highlight=False, emoji=False, markup=False)
    screen.print(what)
    assert isinstance(screen.file, io.StringIO)
    shown = screen.file.getvalue()
    assert max(map(len, shown.splitlines())) <= columns
    return shown


def whole(shown: str, *words: str) -> None:
    """No word is broken."""
    missing = [word for word in words if word not in shown]
    assert not missing, f"{missing} in:\n{shown}"


def one_line_each(shown: str) -> None:
    """No line is the rest of another's ticks."""
    rests = [line for line in shown.splitlines() if re.fullmatch(r" *[▁▂▃▄▅▆▇█]+ *", line)]
    assert not rests, shown


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_night_fits(doors: Doors, world: World, columns: int) -> None:
    """The status, every signal, the measured recovery and the verdict."""
    incident.start(doors, "slow", 1, QUIET)
    world.pause(40)
    shown = drawn(night_view(look_at(doors)), columns)
    whole(shown, "client:latency_seconds:p95", "queue:oldest_age_seconds", "BROKEN", "not falling")
    one_line_each(shown)
    assert "▁" in shown
    lines = read_board(doors, incident.current(doors))
    shown = drawn(board_table(lines, with_baseline=True), columns)
    whole(shown, *(line.signal.name for line in lines), "20 M rows/s", "redis-cache")
    one_line_each(shown)
    measured = resolve(doors, QUIET, within_s=1)
    whole(drawn(measured_view(measured), columns), *(check.name for check in measured.checks))
    verdict = end(doors, QUIET).verdict
    whole(drawn(verdict_view(verdict), columns), "postgres:seq_rows:rate", "missing-index")
    whole(drawn(past_table(lived(doors)), columns), "number", "slow", "diagnosed", "fail")


@pytest.mark.parametrize("columns", WIDTHS)
def test_what_services_wrote_fits(columns: int) -> None:
    """A request's id stays one word: it is copied into the next command."""
    shown = drawn(events_table(LINES), columns)
    assert shown.count(ID) == len(LINES)
    whole(shown, "/api/users/4711/photos", "2.1 s after 14 s", "warning", "attempts=3")
    whole(drawn(hops_table(LINES), columns), "/api/users/4711/photos", "worker", "503")
    shown = drawn(waterfall(Trace("x", "u", 503, STEPS)), columns)
    whole(shown, "wait for a connection", "postgres-replica", "api-1", "503 to api-1")
    assert "█" in shown


@pytest.mark.parametrize("columns", WIDTHS)
def test_words_and_findings_fit(columns: int) -> None:
    """Each word of the vocabulary can be copied whole."""
    words = Vocabulary.load()
    whole(drawn(words_view(words), columns), *words.components, *words.causes)
    remedy = "`lab up` starts it again where a lab has started it, or says what to type"
    shown = drawn(findings_table([Finding("engine", "bad", "it is silent", remedy)]), columns)
    whole(" ".join(shown.split()), "engine", "it is silent", remedy)


def test_prose_is_not_wider_than_one_reads() -> None:
    """On a wide terminal there is room for more columns, not for longer lines."""
    made = table("a", "why", prose=("why",))
    made.add_row("x", "word " * 60)
    assert max(map(len, drawn(made, 200).rstrip().splitlines())) <= 110


def test_what_cannot_fit_loses_nothing() -> None:
    """Rather a broken word than one that is cut off."""
    made = table("a", "b")
    made.add_row("x" * 50, "y" * 50)
    shown = drawn(made, 40)
    assert (shown.count("x"), shown.count("y")) == (50, 50)


@pytest.mark.parametrize(
    ("columns", "wide"), [("60", 60), ("1", 40), ("0", 200), ("many", 200), ("9" * 30, 200)]
)
def test_a_pipe_is_as_wide_as_it_says(tmp_path: Path, columns: str, wide: int) -> None:
    """By COLUMNS; by what is no number of columns it is as wide as without."""
    told = lab(tmp_path, "diagnose", "--words", COLUMNS=columns)
    assert told.returncode == 0, told.stderr
    longest = max(map(len, told.stdout.splitlines()))
    assert longest <= wide
    assert longest > 60 or wide <= 60
