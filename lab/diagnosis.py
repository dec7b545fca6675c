"""What the learner claims: component, cause, evidence, order. And how it is read from a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lab.documents import Document, Problem, near
from lab.errors import BadInput
from lab.grading.vocabulary import Vocabulary
from lab.series import Span
from lab.units import LAST
from lab.visible import NO_TEXT

EvidenceKind = Literal["signal", "promql", "panel"]

DEFAULT_WINDOW_S = 60.0
"""How far back a piece of evidence without a window of its own looks, in seconds."""

_STEP = r"\d+(?:\.\d+)?\s*(?:ms|s|m|h|d|w)"
_CLOCK = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?")
_RELATIVE = re.compile(
    rf"(?:now)?(?:-(?P<back>(?:{_STEP})+|\d+(?:\.\d+)?))?(?:/(?P<whole>s|m|h|d|w))?"
)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
LONGEST_ON_THE_CLOCK_S = 12 * 3600.0
"""Of two clock times that are further apart somebody has written the later one first."""

_MONDAY = 4 * 86400.0
"""The first one, in Unix seconds: weeks begin there."""

MOST_SAID = 100
"""Pieces of evidence, or signals in a chain."""
LONGEST_WORD, LONGEST_QUERY, LONGEST_NOTE = 200, 5_000, 20_000
"""Characters. An address of Explore is a few hundred."""


def moment(text: str, now: float, *, ends: bool = False) -> float:
    """The Unix time that `text` means: `now`, `-90s` or `now-1h30m` (before now), `now/d` (of that
    day its beginning, or its end where `ends`; UTC), a clock time as the lab prints it (`22:09:34`:
    this machine's, the last one that has been), an ISO time, Unix seconds or, from twelve digits
    on, milliseconds.

    An ISO time without a zone is UTC. Raises `ValueError` for anything else, and for what no
    calendar shows.
    """
    at = _moment(text.strip(), now, ends=ends)
    if not 0 <= at <= LAST:
        raise ValueError(f"{text!r} is no time that any night can have been")
    return at


def _moment(text: str, now: float, *, ends: bool) -> float:
    if text.startswith(("now", "-")):
        relative = _RELATIVE.fullmatch(text)
        if relative is None or text == "-":
            raise ValueError(f"{text!r} is no time before now; write -90s, -5m or -1h30m")
        # Ages ago is as long ago as a clock goes.
        at = max(0.0, now - _seconds(relative["back"] or "0"))
        return _whole(at, relative["whole"], ends=ends)
    if re.fullmatch(r"\d{9,}(\.\d+)?", text):
        # Of twelve digits seconds would be in three thousand years; browsers write milliseconds.
        return float(text) / (1000 if len(text.partition(".")[0]) >= 12 else 1)
    if _CLOCK.fullmatch(text):
        return _on_the_clock(text, now)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time; write now, -90s, 22:09:34, 2026-11-20T03:12:00Z or Unix seconds"
        ) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _on_the_clock(text: str, now: float) -> float:
    """When this machine's clock showed that last; a second ahead is still now."""
    try:
        shown = time.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time of day: {error}") from None
    today = datetime.fromtimestamp(now + 1).astimezone()
    for day in (today, today - timedelta(days=1)):
        at = datetime.combine(day.date(), shown).astimezone().timestamp()
        if at <= now + 1:
            return at
    raise AssertionError("yesterday has been")


def span(start: str, end: str, now: float) -> Span:
    """The stretch of time between two moments, as `moment` reads them.

    A clock time that it starts at is the last one before its end, whatever day it is by `now`.
    """
    until = moment(end, now, ends=True)
    return Span(moment(start, until if _is_clock(start) else now), until)


def _is_clock(text: str) -> bool:
    return _CLOCK.fullmatch(text.strip()) is not None


def _seconds(back: str) -> float:
    steps = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?", back)
    return sum(float(count) * _SECONDS[unit or "s"] for count, unit in steps)


def _whole(at: float, unit: str | None, *, ends: bool) -> float:
    """The beginning, or the end, of the hour, day or week in which a moment lies."""
    if unit is None:
        return at
    length = _SECONDS[unit]
    first = _MONDAY if unit == "w" else 0.0
    begins = (at - first) // length * length + first
    return begins + length if ends else begins


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing to look at: a signal's name, a PromQL expression or a panel's pasted address.

    `window` is what was written, for instance `("-60s", "now")`; None leaves it to the panel's own
    from and to, or to the last `DEFAULT_WINDOW_S` seconds.
    """

    kind: EvidenceKind
    text: str
    window: tuple[str, str] | None = None

    def span(self, now: float) -> Span:
        """The absolute window, where `now` is when the diagnosis was recorded."""
        return Span(now - DEFAULT_WINDOW_S, now) if self.window is None else span(*self.window, now)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A claim, in the vocabulary's own words (aliases already resolved).

    `chain` is the order in which the learner says the signals left their baselines, earliest first.
    """

    component: str
    cause: str
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=MOST_SAID)] = ()
    chain: Annotated[tuple[str, ...], Field(max_length=MOST_SAID)] = ()
    note: str = ""


def is_address(text: str) -> bool:
    """Whether that is the address of something, which nothing that is measured is called."""
    return "://" in text


Shown = Callable[[str], str]
"""The signal that a pasted address shows. Raises `BadInput` where it shows none, or several."""


_Word = Annotated[str, Field(max_length=LONGEST_WORD)]
_Query = Annotated[str, Field(max_length=LONGEST_QUERY)]


class _EvidenceEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    signal: _Query | None = None
    promql: _Query | None = None
    panel: _Query | None = None
    window: tuple[_Word, _Word] | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: object) -> object:
        """A bare word is a signal; one with labels is PromQL already, and an address a panel."""
        entry = {"signal": value} if isinstance(value, str) else value
        if isinstance(entry, dict) and set(entry) <= {"signal", "window"}:
            name = entry.get("signal")
            if isinstance(name, str) and ("{" in name or is_address(name)):
                kind = "panel" if is_address(name) else "promql"
                return {**{k: v for k, v in entry.items() if k != "signal"}, kind: name}
        return entry

    @field_validator("window", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        """YAML reads a bare time or number as such; here they are all words."""
        if isinstance(value, list):
            return [item.isoformat() if isinstance(item, datetime) else str(item) for item in value]
        return value

    @field_validator("window")
    @classmethod
    def _makes_sense(cls, window: tuple[str, str] | None) -> tuple[str, str] | None:
        if window is not None:
            # Any time after the newest absolute one will do to compare the two ends.
            now = datetime.now(tz=UTC).timestamp()
            meant = span(*window, now)
            turned = all(map(_is_clock, window)) and meant.seconds > LONGEST_ON_THE_CLOCK_S
            if turned or meant.seconds <= 0:
                raise ValueError("the window must begin before it ends")
        return window

    @model_validator(mode="after")
    def _one_kind(self) -> _EvidenceEntry:
        given = [kind for kind in ("signal", "promql", "panel") if getattr(self, kind)]
        if len(given) != 1:
            raise ValueError("give exactly one of signal, promql and panel")
        return self

    def evidence(self) -> Evidence:
        kinds: tuple[EvidenceKind, ...] = ("signal", "promql", "panel")
        kind = next(kind for kind in kinds if getattr(self, kind))
        return Evidence(kind, str(getattr(self, kind)).strip(), self.window)


class _File(BaseModel):
    """A diagnosis.yaml."""

    model_config = ConfigDict(extra="forbid")

    component: _Word
    cause: _Word
    evidence: list[_EvidenceEntry] = Field(default_factory=list, max_length=MOST_SAID)
    chain: list[_Query] = Field(default_factory=list, max_length=MOST_SAID)
    note: str = Field(default="", max_length=LONGEST_NOTE)


def read_diagnosis(path: Path, vocabulary: Vocabulary, signals: Collection[str]) -> Diagnosis:
    """The diagnosis in that file.

    `signals` are the names of the catalogue. Raises `BadInput` that names every problem with file,
    line and column, and what was probably meant.
    """
    return parse_diagnosis(Document.read(path), vocabulary, signals)


def parse_diagnosis(
    document: Document,
    vocabulary: Vocabulary,
    signals: Collection[str],
    shown: Shown | None = None,
) -> Diagnosis:
    """The same, of a document that was already read (a form's, an answer on standard input).

    `shown` reads pasted addresses among the chain; without it they are unknown.
    """
    entry = document.into(_File)
    diagnosis = Diagnosis(
        component=entry.component,
        cause=entry.cause,
        evidence=tuple(item.evidence() for item in entry.evidence),
        chain=tuple(entry.chain),
        note=entry.note,
    )
    return in_own_words(diagnosis, vocabulary, signals, document=document, shown=shown)


def in_own_words(
    diagnosis: Diagnosis,
    vocabulary: Vocabulary,
    signals: Collection[str],
    *,
    document: Document | None = None,
    shown: Shown | None = None,
) -> Diagnosis:
    """The same claim with every alias and every address resolved; also for one that was put
    together by asking.

    Raises `BadInput` for unknown words, for a signal that is named twice, and for what no journal
    can hold.
    """
    problems = [
        Problem((), f"{said!r} has a character that no text has")
        for said in (diagnosis.note, *(item.text for item in diagnosis.evidence))
        if NO_TEXT.search(said)
    ]
    problems += [
        Problem((part,), f"{len(said)} of them; more than {MOST_SAID} say nothing")
        for part, said in (("evidence", diagnosis.evidence), ("chain", diagnosis.chain))
        if len(said) > MOST_SAID
    ]
    component = vocabulary.component_named(diagnosis.component)
    if component is None:
        hint = vocabulary.component_hint(diagnosis.component) or _choices(vocabulary.components)
        text = f"unknown component {diagnosis.component!r}; {hint}"
        problems.append(Problem(("component",), text))
    cause = vocabulary.cause_named(diagnosis.cause)
    if cause is None:
        hint = vocabulary.cause_hint(diagnosis.cause) or _choices(vocabulary.causes)
        problems.append(Problem(("cause",), f"unknown cause {diagnosis.cause!r}; {hint}"))
    for index, item in enumerate(diagnosis.evidence):
        if item.kind == "signal" and item.text not in signals:
            where = ("evidence", index, "signal")
            problems.append(Problem(where, _unknown_signal(item.text, signals)))
    chain: list[str] = []
    for index, text in enumerate(diagnosis.chain):
        try:
            name = shown(text) if shown is not None and is_address(text) else text
        except BadInput as error:
            problems.append(Problem(("chain", index), error.message))
            continue
        if name not in signals:
            problems.append(Problem(("chain", index), _unknown_signal(name, signals)))
        elif name in chain:
            problems.append(Problem(("chain", index), f"{name!r} is in the chain twice"))
        chain.append(name)
    if problems or component is None or cause is None:
        raise _refusal(problems, document)
    return Diagnosis(component.name, cause.name, diagnosis.evidence, tuple(chain), diagnosis.note)


def _choices(names: Collection[str]) -> str:
    return f"one of {', '.join(names)}"


def _unknown_signal(word: str, signals: Collection[str]) -> str:
    return f"unknown signal {word!r}; {near(word, signals) or '`lab signals` lists them'}"


def _refusal(problems: Sequence[Problem], document: Document | None) -> BadInput:
    remedy = "nothing was recorded; correct it and send it again"
    if document is not None:
        return document.refusal(problems, remedy=remedy)
    return BadInput("\n".join(problem.text for problem in problems), remedy=remedy)
