"""The README shows what can be typed, and gives no night away to whoever only reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.diagnosis import parse_diagnosis
from lab.documents import Document
from lab.grading.vocabulary import Vocabulary
from lab.library import Library
from lab.signals import Catalogue

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
OPEN = re.sub(r"<details>.*?</details>", "", README, flags=re.DOTALL)
"""What one sees without unfolding anything."""


def test_the_diagnosis_that_it_shows_is_one() -> None:
    """With this lab's own words."""
    (example,) = re.findall(r"```yaml\n(component:.*?)```", README, re.DOTALL)
    signals = [signal.name for signal in Catalogue.load()]
    found = parse_diagnosis(Document(example, "README.md"), Vocabulary.load(), signals)
    for slug in Library().slugs():
        scenario = Library().load(slug, 1)
        assert found.cause not in {one.cause for one in scenario.answer.answers}, slug


@pytest.mark.parametrize("slug", Library().slugs())
def test_no_answer_stands_where_everybody_reads(slug: str) -> None:
    """A night that was lived is folded, and says so first."""
    for seed in range(4):
        scenario = Library().load(slug, seed)
        for answer in scenario.answer.answers:
            assert answer.cause not in OPEN
    assert "missing-index" in README
    assert "CREATE INDEX" not in OPEN


def test_the_first_screen_is_what_it_is_two_commands_and_one_picture() -> None:
    """Before the first heading there is no more."""
    first = README[: README.index("\n## ")]
    assert len(re.findall(r"^make [a-z0-9-]+", first, re.MULTILINE)) == 2
    assert first.count("![") == 1
    assert "<details>" not in first
