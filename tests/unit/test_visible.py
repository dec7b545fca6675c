"""Other people's text on its way to a terminal or a page: seen, and not obeyed."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.text import Text

from lab.cli import tell
from lab.errors import BadInput
from lab.progress import Bars, Lines
from lab.screen.console import banner, coloured, console, table
from lab.terminal import Screen
from lab.visible import visible
from tests.unit.histories import events
from tests.unit.inprocess import CONTROL
from tests.unit.test_report import night, written

NASTY = "a[/b][red]\x1b[2J\x1b]0;x\x07\r\x9b31m\u202eb\u2066\x7f\ud800[/api]"
SEEN = "a[/b][red]␛[2J␛]0;x␇␍�31m�b�␡�[/api]"


def test_each_hidden_character_has_a_sign_in_its_place() -> None:
    """One for one, so that nothing moves; tabs and newlines, and joined letters, stay."""
    assert visible(NASTY) == SEEN
    assert len(SEEN) == len(NASTY)
    assert visible("a\tb\nc é \u200d \u200c 漢字") == "a\tb\nc é \u200d \u200c 漢字"


@pytest.mark.parametrize("wrapped", [str, Text, lambda text: banner(text, "red")])
def test_a_terminal_is_given_text(wrapped: object) -> None:
    """Whatever it is printed as: brackets are brackets, and nothing moves the cursor."""
    out = io.StringIO()
    Screen(file=out, width=100).print(wrapped(NASTY))  # type: ignore[operator]
    assert not CONTROL.search(out.getvalue())
    assert "a[/b][red]␛[2J" in out.getvalue()
    assert "[/api]" in out.getvalue()


def test_a_table_has_room_for_what_is_made_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column is as wide as what is shown in it, and not as what was hidden."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    made = table("what", "where")
    made.add_row(NASTY, Text("\x1b\x1b\x1b\x1bend"))
    made.add_row(coloured("pass"), "")
    console().print(made)
    assert "␛␛␛␛end" in out.getvalue()
    assert "[/api]" in out.getvalue()
    assert not CONTROL.search(out.getvalue())


@pytest.mark.parametrize("report", [Lines, Bars])
def test_what_is_being_done_is_told_as_text(
    report: type[Lines | Bars], capsys: pytest.CaptureFixture[str]
) -> None:
    """A change that somebody made by hand has the names that they gave."""
    report().say(f"put back: {NASTY}")
    said = capsys.readouterr().err
    assert "a[/b][red]␛[2J" in said
    assert not CONTROL.search(said)


def test_an_error_is_told_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """A message names what was wrong, which may be anything."""
    tell(BadInput(f"no {NASTY}", remedy=NASTY))
    assert capsys.readouterr().err == f"error: no {SEEN}\n  {SEEN}\n"


@pytest.mark.parametrize("report", [Lines, Bars])
def test_nobody_has_to_listen(report: type[Lines | Bars], monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that is gone, or a log on a full disk, ends nothing that is told about."""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Gone())
    telling = report()
    with telling.step("healing") as step:
        step.at(1, 2, "the database")
        telling.say("put back: an index")


def test_a_report_is_text(tmp_path: Path) -> None:
    """Page and Markdown of a night in which somebody typed what a terminal would obey."""
    history = night()
    odd = replace(events()[5], detail=f"docker compose restart {NASTY}")
    for page in written(tmp_path, replace(history, title=NASTY, events=(*events()[:5], odd))):
        assert not CONTROL.search(page)
        assert "␛" in page
