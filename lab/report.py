"""The post-incident report: one self-contained HTML file, and Markdown to be filled in.

What it says comes from the history and the verdict alone. Everything a person wrote (notes,
actions, queries) is shown as text and never as markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.boards import links
from lab.chronicle import Moment, change_of, chronology
from lab.foremost import foremost
from lab.grade import telling_signals
from lab.grading.onset import Onset
from lab.grading.verdict import Part, Verdict
from lab.grading.vocabulary import Vocabulary
from lab.history import History, Outcome, Receipt
from lab.looks import called
from lab.series import Span
from lab.units import duration
from lab.visible import visible

if TYPE_CHECKING:
    from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")

WORDS = {Outcome.PASS: "pass", Outcome.FAIL: "fail", Outcome.UNKNOWN: "unknown"}
SIGNS = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.UNKNOWN: "?"}


@dataclass(frozen=True, slots=True)
class ScenarioText:
    """What the scenario's folder says in words: Markdown by its author, already filled in."""

    brief: str
    debrief: str


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the report was written."""

    html: Path
    markdown: Path


@dataclass(frozen=True, slots=True)
class _Place:
    """A line of the measured order, beside what the learner said and looked at."""

    onset: Onset
    component: str
    moved: str
    change: str
    said: int | None
    looked: str
    link: str | None


def write_report(
    history: History,
    verdict: Verdict,
    scenario_text: ScenarioText,
    out: Path,
    *,
    vocabulary: Vocabulary,
    grafana: str | None = None,
) -> Paths:
    """Writes `report.html` and `report.md` into `out`, which is made if it is not there; or, where
    `out` has a page's name (`night.html`), that page and the Markdown beside it.

    With the address of a `grafana` each signal leads to its panel there, over the night's minutes.

    Raises `OSError` when it cannot be written.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    from lab.charts import timeline

    told = _told(history, verdict, scenario_text, vocabulary, grafana)
    acts = [(one.at, str(one.number)) for one in told["chronology"] if one.number is not None]
    zero = told["zero"]
    picture = timeline(history, verdict.order, zero, acts, _looks(history.receipts))
    paths = _paths(out)
    paths.html.parent.mkdir(parents=True, exist_ok=True)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        clock=_clock,
        day=_day,
        since=lambda at: _since(at, zero),
        seconds=_seconds,
        capitalise=_capitalise,
        markdown=_rendered,
        plain=_plain_markdown,
        demoted=_demoted,
        said=_said,
    )
    for kind, path in (("html", paths.html), ("md", paths.markdown)):
        template = environment.get_template(f"report.{kind}.j2")
        path.write_text(template.render(**told, picture=_safe(picture)), encoding="utf-8")
    return paths


def _paths(out: Path) -> Paths:
    if out.suffix.lower() in (".html", ".htm", ".md") and not out.is_dir():
        page = out if out.suffix.lower() != ".md" else out.with_suffix(".html")
        return Paths(page, out.with_suffix(".md"))
    return Paths(out / "report.html", out / "report.md")


def _told(
    history: History,
    verdict: Verdict,
    scenario_text: ScenarioText,
    vocabulary: Vocabulary,
    grafana: str | None,
) -> dict[str, Any]:
    """Everything the templates speak of; they choose, they do not compute."""
    answer = verdict.answer.answer
    return {
        "history": history,
        "verdict": verdict,
        "text": scenario_text,
        # The order is counted from what broke: from the first breach it would have negative times.
        "zero": history.injected_at,
        "words": WORDS,
        "signs": SIGNS,
        "chronology": chronology(history, verdict),
        "places": _places(history, verdict, grafana),
        "shares": {part.name: _share(part) for part in verdict.parts},
        "component": vocabulary.components[answer.component],
        "cause": vocabulary.causes[answer.cause],
        "tells": telling_signals(verdict.answer, answer, vocabulary),
        "facts": history.facts,
    }


def _places(history: History, verdict: Verdict, grafana: str | None) -> list[_Place]:
    said = verdict.diagnosis.chain if verdict.diagnosis else ()
    zero = history.injected_at
    places: list[_Place] = []
    for one in verdict.order:
        facts = history.facts.get(one.signal)
        moved = one.reason
        if one.at is not None:
            moved = f"{_since(one.at, zero, tenths=True)} or ≤ {one.resolution_s:.1f} s before"
            shown = foremost(history, one) if facts else None
            if shown is not None and shown.series.labels != (one.labels or {}):
                moved += f", {called(one.labels or {})} first"
        places.append(
            _Place(
                onset=one,
                component=facts.component if facts else "",
                moved=moved,
                change=change_of(history, one),
                said=said.index(one.signal) + 1 if one.signal in said else None,
                looked=", ".join(
                    f"E{number}"
                    for number, receipt in enumerate(history.receipts, start=1)
                    if one.signal in receipt.signals
                ),
                link=grafana
                and links.panel(grafana, one.signal, history.baseline.end, history.ended_at),
            )
        )
    return places


def _looks(receipts: Sequence[Receipt]) -> list[tuple[Span, str]]:
    """The cited windows; those that are the same share one bar."""
    labels: dict[Span, list[str]] = {}
    for number, receipt in enumerate(receipts, start=1):
        labels.setdefault(receipt.window, []).append(f"E{number}")
    return [(span, ", ".join(names)) for span, names in labels.items()]


def _share(part: Part) -> Mapping[str, float]:
    """How far the bar of a part is filled, and how much of it is open, in percent."""
    return {
        "earned": 100 * part.earned / part.possible,
        "open": 100 * part.open / part.possible,
    }


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, tz=UTC):%H:%M:%S}"


def _day(at: float) -> str:
    when = datetime.fromtimestamp(at, tz=UTC)
    return f"{when:%A}, {when.day} {when:%B %Y}"


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def _said(moment: Moment) -> str:
    """A moment in one cell of a Markdown table."""
    detail = f": {_plain_markdown(moment.detail)}" if moment.detail else ""
    return f"{_plain_markdown(moment.what)}{detail}"


def _since(at: float, zero: float, *, tenths: bool = False) -> str:
    after = round(at - zero, 1 if tenths else None)
    minutes, rest = divmod(abs(after), 60)
    sign = "-" if after < 0 else "+"
    return f"{sign}{minutes:.0f}:{rest:04.1f}" if tenths else f"{sign}{minutes:.0f}:{rest:02.0f}"


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else duration(seconds)


def _rendered(text: str) -> Markup:
    """An author's Markdown as HTML; markup inside it stays text, headings go one level down."""
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    return _safe(renderer.render(_demoted(text)))


def _demoted(text: str) -> str:
    """The same Markdown with every heading two levels lower, to fit under one of the report's."""
    return re.sub(r"^(#{1,4}) ", r"##\1 ", text, flags=re.MULTILINE)


def _plain_markdown(text: str) -> str:
    """A learner's words in Markdown: every sign that could mean something is escaped."""
    one_line = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>#|~$!&])", r"\\\1", one_line)


def _shown(value: Any) -> Any:
    """What a page is given, with nothing in it that would not be seen."""
    return type(value)(visible(value)) if isinstance(value, str) else value


def _safe(text: str) -> Markup:
    """What this module or a library of ours has made; nobody else's text gets here unescaped."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - see above
