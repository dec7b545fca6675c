"""Telling what is being done, on a terminal and in a log."""

import io
import itertools
import time

import pytest

from lab import progress
from lab.progress import Bars, Lines
from lab.terminal import Screen


def test_lines_say_a_long_step_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """A log gets the title at once, and later a line now and then, not one for every step."""
    clock = itertools.count(0, 4)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with Lines().step("building") as step:
        for number in range(10):
            step.at(number, 10, f"RUN {number}")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "building"
    assert 1 < len(lines) < 5
    assert lines[1].strip().startswith(("3 of 10 RUN 3", "4 of 10 RUN 4"))


class Terminal(io.StringIO):
    """What bars are drawn on."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_bars_leave_only_what_was_said(shown: Terminal):
    """On a terminal bars vanish; a line said meanwhile stays, brackets and all."""
    bars = Bars()
    bars.__dict__["_console"] = Screen(file=shown, width=100)
    with bars.step("building [all]") as step:
        step.at(1, 2, "RUN [x]")
        bars.say("pulled [debian]")
    assert "pulled [debian]" in shown.getvalue()
    assert "building [all]" in shown.getvalue()


@pytest.mark.parametrize("columns", [60, 80])
def test_what_is_being_done_has_a_line_of_its_own(columns: int, shown: Terminal):
    """On a narrow terminal, too, one sees for how long it has gone on, and at what."""
    bars = Bars()
    bars.__dict__["_console"] = Screen(file=shown, width=columns)
    title = "watching whether the objectives hold for 20 s"
    doing = "Oldest photo: 40 s, falling by 0.9 s a second"
    with bars.step(title) as step:
        step.at(3, 20, f"{doing}: kept in about 35 s, if nothing happens meanwhile")
        until = time.monotonic() + 10
        while doing not in shown.getvalue() and time.monotonic() < until:
            time.sleep(0.02)
    lines = shown.getvalue().replace("\r", "\n").splitlines()
    assert any(title in line and "0:00:00" in line for line in lines)
    assert any(doing in line for line in lines)
