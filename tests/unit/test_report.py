"""The post-incident report: whole, self-contained, safe, and written for every kind of night."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lab.chronicle import LEARNERS, SAID
from lab.diagnosis import Diagnosis
from lab.grade import grade
from lab.history import Event, History
from lab.report import ScenarioText, write_report
from tests.unit.histories import (
    CHAIN,
    ENDED,
    GOOD_EVIDENCE,
    TRUTH,
    citing,
    diagnosis,
    events,
    night,
    vocabulary,
)

TEXT = ScenarioText(
    "# You are on call\n",
    "# What happened\n\nAn **index** was gone: `x`.\n\n## Why\n\n| a | b |\n| - | - |\n| 1 | 2 |\n",
)
NASTY = '<script>alert("x")</script> | **bold** $x^2$ & `code`'


class Outline(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        wanted = ("src", "href", "xlink:href", "action", "data")
        self.links += [value or "" for name, value in attrs if name in wanted]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def written(
    tmp_path: Path,
    history: History | None = None,
    claim: Diagnosis | None = None,
    text: ScenarioText = TEXT,
) -> tuple[str, str]:
    """The HTML and the Markdown of a night."""
    history = history or citing(night(), *GOOD_EVIDENCE)
    verdict = grade(TRUTH, history, claim, vocabulary=vocabulary(), hints_used=[5])
    paths = write_report(history, verdict, text, tmp_path / "report", vocabulary=vocabulary())
    return paths.html.read_text(), paths.markdown.read_text()


def test_the_report_tells_the_whole_night(tmp_path):
    """Verdict, times, picture, order, chronology, answer, arithmetic, checks, debrief, headings."""
    html, markdown = written(tmp_path, claim=diagnosis())
    for page in (html, markdown):
        for expected in (
            "Uploads hang and the queue is backing up",
            "46 s",
            "3 min 51 s",
            "5 min 01 s",
            "6.6 %",
            "photos_user_recent_idx",
            "missing-index",
            "docker compose restart api-1",
            "points        95 of 100",
            "data intact",
            "What happened",
            "What went well",
            "What made it hard",
            "Where we were lucky",
        ):
            assert expected in page, expected
        for name in CHAIN:
            assert name in page.replace("\\_", "_"), name
    assert html.count("<svg") == 1
    assert "| change | owner | by |" in markdown


def test_the_page_needs_nothing_from_elsewhere(tmp_path):
    """One file: no script, no image, style sheet or font from anywhere."""
    outline = Outline(written(tmp_path, claim=diagnosis())[0])
    assert not {"script", "img", "link", "iframe", "object"} & set(outline.tags)
    assert all(link.startswith("#") for link in outline.links)
    html, _ = written(tmp_path, claim=diagnosis())
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []


def test_what_people_wrote_stays_text(tmp_path):
    """Notes, actions and queries are shown as they were typed and never become markup."""
    cited = citing(night(), *GOOD_EVIDENCE)
    history = replace(
        cited,
        title=NASTY,
        events=(*events(), Event(ENDED - 5, "note", NASTY), Event(ENDED - 4, "action", NASTY)),
        receipts=(replace(cited.receipts[0], claim=NASTY), *cited.receipts[1:]),
    )
    html, markdown = written(tmp_path, history, replace(diagnosis(), note=NASTY))
    outline = Outline(html)
    assert "script" not in outline.tags
    assert "".join(outline.text).count(NASTY) >= 5
    lines = [line for line in markdown.splitlines() if "alert" in line and line[0] != "#"]
    assert lines
    assert all(r"\<script\>" in line and r"\| \*\*bold\*\*" in line for line in lines)


def test_the_debrief_is_rendered_below_the_reports_headings(tmp_path):
    """The author's Markdown keeps its tables and emphasis; its headings become lower ones, and
    markup of its own stays text."""
    text = ScenarioText("", TEXT.debrief + "\n<script>alert(1)</script>\n")
    html, markdown = written(tmp_path, claim=diagnosis(), text=text)
    assert "<h3>What happened</h3>" in html
    assert "<h4>Why</h4>" in html
    assert "<strong>index</strong>" in html
    assert "<td>1</td>" in html
    assert "script" not in Outline(html).tags
    assert "\n### What happened" in markdown


@pytest.mark.parametrize(
    "history",
    [
        citing(night(mended=False), "pool:waiting"),
        replace(night(), signals={}),
        replace(night(), signals={}, events=(), recovery=None),
        replace(night(), invalid="the witness did not confirm it"),
        replace(night(), objectives=()),
    ],
    ids=["unmended", "no samples", "nothing at all", "invalid", "no objectives"],
)
@pytest.mark.parametrize("claim", [None, diagnosis(), diagnosis("api", "oom", (), CHAIN[::-1])])
def test_every_kind_of_night_can_be_reported(tmp_path, history, claim):
    """Failed, unknown, empty and invalid nights are written like any other."""
    html, markdown = written(tmp_path, history, claim)
    assert "</html>" in html
    assert "## Post-mortem" in markdown
    assert "None" not in "".join(Outline(html).text)


def test_every_kind_of_event_has_words(tmp_path):
    """Whatever may be in a history can be said, by the system or by the learner."""
    kinds = [Event(ENDED - 60 + n, kind, "x") for n, kind in enumerate(SAID)]
    html, _ = written(tmp_path, replace(night(), events=tuple(kinds)), diagnosis())
    told = [words for kind, words in SAID.items() if kind != "put-back"]
    assert all(words in html for words in told)
    assert set(SAID) > LEARNERS


def test_what_was_changed_by_hand_has_a_list_of_its_own(tmp_path):
    """After the story, not in it: in both files, as text; and no heading where there is nothing."""
    change = Event(ENDED + 9, "put-back", f"file nginx:/etc/nginx/{NASTY}: edited")
    html, markdown = written(tmp_path, replace(night(), events=(*events(), change)), diagnosis())
    assert "What you changed" in html
    assert "What you changed" in markdown
    assert NASTY not in html
    assert "file nginx" in Outline(html).text[-1] or any(
        "file nginx" in t for t in Outline(html).text
    )
    assert "What you changed" not in written(tmp_path, night(), diagnosis())[0]


@pytest.mark.parametrize("light", [True, False])
def test_a_light_night_is_said_to_be_one(tmp_path, light):
    """Beside its seed: with it, the night can be had again."""
    html, markdown = written(tmp_path, replace(night(), light=light))
    assert ("seed 1, light," in markdown) is light
    assert ("seed 1 · light" in html) is light


def test_the_same_night_gives_the_same_report(tmp_path):
    """A report has no date or chance of its own in it."""
    assert written(tmp_path / "a", claim=diagnosis()) == written(tmp_path / "b", claim=diagnosis())


def test_a_report_takes_less_than_five_seconds(tmp_path):
    """Writing a report, the drawing library's start included, takes less than five seconds."""
    began = time.perf_counter()
    written(tmp_path, claim=diagnosis())
    assert time.perf_counter() - began < 5


def test_the_drawing_library_is_loaded_only_for_a_report():
    """Importing the report or the grader does not import matplotlib, jinja2 or the network."""
    heavy = "{'matplotlib', 'jinja2', 'httpx', 'docker'} & set(sys.modules)"
    code = f"import sys, lab.report, lab.grade; print({heavy})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
