"""Commands about nights that are over, by the number that this home gave them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lab.journal import Journal
from lab.library import Library
from tests.unit.test_cli import NIGHT, journal_with_incident, lab


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """In which two nights were lived: the second was mended, the first has lost its recording."""
    folder = tmp_path / "projects" / "nobody"
    (folder / "incidents" / "3am-2").mkdir(parents=True)
    kept = folder / "incidents" / "3am-2" / "history.json.gz"
    shutil.copy(NIGHT, kept)
    scenario = Library().load("3am", 2).model_dump_json()
    with Journal(folder / "lab.db") as journal:
        for history in (str(folder / "gone.json.gz"), str(kept)):
            number = journal.begin("3am", 2, scenario, 1_800_000_000.0)
            journal.stamp(number, "injected_at", 1_800_000_060.0)
            journal.stamp(number, "announced_at", 1_800_000_070.0)
            journal.stamp(number, "ended_at", 1_800_000_300.0)
            journal.stamp(number, "history", history)
            journal.stamp(number, "closed_at", 1_800_000_400.0)
    return tmp_path


def test_past_nights_are_listed_with_their_numbers(home: Path) -> None:
    """The last first; what cannot be judged any more says why."""
    told = lab(home, "past")
    assert told.returncode == 0, told.stderr
    header, second, first = told.stdout.splitlines()[:3]
    assert header.split()[:3] == ["number", "when", "night"]
    assert second.split()[0] == "2"
    assert "of 100" in second
    assert first.split()[0] == "1"
    assert "cannot be read" in " ".join(told.stdout.split())
    found = json.loads(lab(home, "past", "--json").stdout)
    assert [one["incident"] for one in found] == [2, 1]
    assert found[0]["mitigated"] == "pass"
    assert "problem" in found[1]


def test_a_home_without_past_says_so(tmp_path: Path) -> None:
    """And what to type."""
    told = lab(tmp_path, "past")
    assert told.returncode == 0
    assert "no night was lived here yet" in told.stdout


@pytest.mark.parametrize("number", [(), ("--incident", "2")])
def test_a_night_is_graded_by_its_number(home: Path, number: tuple[str, ...]) -> None:
    """Without one the last; the same verdict as of its file."""
    told = lab(home, "grade", *number, "--json")
    of_file = lab(home, "grade", "--history", NIGHT, "--json")
    assert json.loads(told.stdout) == json.loads(of_file.stdout)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("grade", "--incident", "9"), "no incident 9"),
        (("grade", "--incident", "2", "--history", NIGHT), "not by both"),
        (("replay", NIGHT, "--incident", "2"), "not by both"),
        (("report", "--incident", "9"), "`lab past` lists them"),
        (("grade", "--incident", "1"), "cannot be read"),
    ],
)
def test_a_night_that_is_not_there_is_said_not_to_be(
    home: Path, args: tuple[str, ...], said: str
) -> None:
    """Exit code 2, in words."""
    told = lab(home, *args)
    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr


def test_a_replay_is_of_a_night_by_its_number(home: Path) -> None:
    """It finds the recording; without an engine it goes no further."""
    told = lab(home, "replay", "--incident", "2")
    assert told.returncode == 4
    assert "no Docker engine answers" in told.stderr


@pytest.mark.parametrize(
    ("out", "made"),
    [
        ("story.html", ("story.html", "story.md")),
        ("deep/story.md", ("deep/story.html", "deep/story.md")),
        ("folder", ("folder/report.html", "folder/report.md")),
        ("old.html", ("old.html/report.html", "old.html/report.md")),
    ],
)
def test_a_report_is_written_where_it_was_asked_for(
    home: Path, out: str, made: tuple[str, str]
) -> None:
    """A page's name is a page, with the Markdown beside it; a directory is one, whatever it is
    called."""
    (home / "old.html").mkdir()
    told = lab(home, "report", "--out", str(home / out), "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {
        "html": str(home / made[0]),
        "markdown": str(home / made[1]),
    }
    assert (home / made[0]).read_text().startswith("<!")
    assert (home / made[1]).is_file()


def test_the_brief_can_be_read_again(tmp_path: Path) -> None:
    """Of the night that is on, and how to have it again; and of any scenario, by its name."""
    assert lab(tmp_path / "quiet", "brief").returncode == 2
    journal_with_incident(tmp_path)
    told = lab(tmp_path, "brief", "two-of-three")
    assert told.returncode == 0, told.stderr
    assert "evening peak" in told.stdout
    assert "did you mean 3am?" in lab(tmp_path, "brief", "3m").stderr
    told = lab(tmp_path, "brief")
    assert told.returncode == 0, told.stderr
    assert "lab run 3am --seed 1" in told.stdout
    assert json.loads(lab(tmp_path, "brief", "--json").stdout)["incident"] == 1


@pytest.mark.parametrize("command", ["start", "run"])
def test_without_a_scenario_they_are_listed(tmp_path: Path, command: str) -> None:
    """By name and title, and nothing is started."""
    told = lab(tmp_path, command)
    assert told.returncode == 2
    for slug, title in (("3am", "Uploads are accepted"), ("front-page", "Everybody waits")):
        assert f"  {slug}" in told.stderr
        assert title in told.stderr
    assert told.stdout == ""
