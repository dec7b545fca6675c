"""`lab check`: what reading a scenario's folder tells its author, all at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from lab.check import check, check_all
from lab.errors import BadInput
from lab.host.fingerprint import Fingerprint
from lab.library import Library, Words
from lab.proof.contributed import Contribution, read
from lab.proof.lived import Account
from lab.proof.neighbour import Kind
from tests.unit.test_cli import lab
from tests.unit.world import SCENARIO, write_scenario

DEBRIEF = """# What happened
Somebody dropped it.
## Trade-offs to talk about
- locks
## What to measure next time
- rows
## Further reading
- a book
"""
DAY = date(2026, 11, 20)
THIRD_HINT = '  - {price: 15, text: "compare it with yesterday"}\n'


@pytest.fixture(scope="module")
def words() -> Words:
    return Words.load()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scenario of which nothing is to be said."""
    made = write_scenario(tmp_path, "slow", SCENARIO + THIRD_HINT)
    (made / "debrief.md").write_text(DEBRIEF)
    for name in ("more", "again"):
        script = made / "decoys" / f"{name}.sh"
        script.write_text("#!/bin/sh\n# Why people try it: make haste, says the lab.\ntrue\n")
        script.chmod(0o755)
    return made


def said(folder: Path, words: Words) -> list[str]:
    found = check(Library(folder.parent, words), folder.name)
    return [f"{one.file.relative_to(folder)}:{one.line}: {one.text}" for one in found]


@pytest.mark.parametrize("slug", Library().slugs())
def test_what_is_shipped_has_nothing_wrong(slug: str) -> None:
    """Every scenario of the lab passes its own check."""
    assert check(Library(), slug) == []


def test_nothing_is_said_of_a_good_one(folder: Path, words: Words) -> None:
    """A complete folder passes; comments may use any word."""
    assert said(folder, words) == []


def edit(name: str, before: str, after: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert before in text
        (folder / name).write_text(text.replace(before, after, 1))

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: (f / "brief.md").unlink(), "brief.md:1: is missing or empty"),
        (lambda f: (f / "remedy.sh").unlink(), "remedy.sh:1: is missing: the operator's fix"),
        (lambda f: (f / "remedy.sh").chmod(0o644), "remedy.sh:1: is not executable; chmod +x"),
        (lambda f: (f / "decoys" / "more.sh").unlink(), "decoys:1: 2 decoys; at least 3"),
        (lambda f: (f / "decoys" / "more.sh").chmod(0o644), "decoys/more.sh:1: is not executable"),
        (edit("decoys/more.sh", "Why people", "How people"), "decoys/more.sh:1: does not say why"),
        (edit("remedy.sh", "true", "set -e; lab restore"), "remedy.sh:2: `lab` is no operator's"),
        (edit("remedy.sh", "true", "\n.venv/bin/lab up"), "remedy.sh:3: `.venv/bin/lab` is no"),
        (edit("decoys/more.sh", "true", "cd / && make up"), "decoys/more.sh:3: `make` is no"),
        (edit("remedy.sh", "true", "python3 -m lab up"), "remedy.sh:2: `python3 -m lab` is no"),
        (edit("debrief.md", "## Trade-offs", "## Costs"), "debrief.md:8: has no section on 'trade"),
        (edit("debrief.md", "Somebody dropped it.", ""), "debrief.md:1: does not begin with the"),
        (edit("scenario.yaml", THIRD_HINT, ""), "scenario.yaml:24: 2 hints; at least 3"),
        (edit("scenario.yaml", "price: 15", "price: 1"), "scenario.yaml:24: a hint costs less"),
        (edit("scenario.yaml", "client:errors:ratio", "client:eror"), "scenario.yaml:9: objectiv"),
        (
            edit("scenario.yaml", "title: Something is slow", "title: A Missing Index again"),
            "scenario.yaml:2: title gives away the cause: 'missing-index'",
        ),
        (
            edit("scenario.yaml", "the queue is backing up", "who made us drop index two?"),
            "scenario.yaml:17: page.text gives away the fault: 'drop_index'",
        ),
        (
            edit("scenario.yaml", "look behind the queue", "somebody lost it: index gone"),
            "scenario.yaml:25: hints.0.text gives away the cause: 'index-gone'",
        ),
        (
            edit("brief.md", "You are on call.", "You are on call.\nMind photos_user_recent_idx."),
            "brief.md:2: the brief gives away the object of the truth: 'photos_user_recent_idx'",
        ),
        (
            edit("scenario.yaml", "  within_s: 30", "  again_within_s: 20"),
            "scenario.yaml:12: nothing can happen again",
        ),
        (
            edit("scenario.yaml", "load:", "builds_on: [fast]\nload:"),
            "scenario.yaml:6: builds_on: 'fast' is no other scenario",
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    folder: Path, words: Words, change: Callable[[Path], None], expected: str
) -> None:
    """Each mistake gives its own sentence, and no other."""
    edit("scenario.yaml", "object: it", "object: photos_user_recent_idx")(folder)
    change(folder)
    (line,) = said(folder, words)
    assert line.startswith(expected), line


def test_a_truth_that_nothing_shows_is_refused(folder: Path, words: Words) -> None:
    """Of chain and evidence at least one signal must tell this cause from its look-alikes."""
    edit("scenario.yaml", "cause: missing-index", "cause: cache-flushed")(folder)
    assert "scenario.yaml:18: neither chain nor evidence names a signal that shows" in str(
        said(folder, words)
    )


def test_every_option_of_a_choice_is_looked_at(folder: Path, words: Words) -> None:
    """A seed must not give away what another keeps to itself."""
    path = folder / "scenario.yaml"
    text = path.read_text().replace("object: it", "object: {choice: it}")
    path.write_text(text + "choices: {it: [first, slow]}\n")
    assert said(folder, words) == [
        "scenario.yaml:1: the folder's name gives away the object of the truth: 'slow'",
        "scenario.yaml:2: title gives away the object of the truth: 'slow'",
    ]


LATENCY = "client:latency_seconds:p95 > 0.5"
MACHINE = Fingerprint(2, "Some CPU", "6.1 x86_64", 8, 2)


def contributed(folder: Path, *delays: float, text: str = LATENCY, beside: Kind = "none") -> None:
    """Nights of that scenario in which its symptom came after these seconds."""
    path = folder / "proof" / f"{MACHINE.id}.json"
    old = read(path).nights if path.exists() else ()
    nights = tuple(
        Account(seed=seed, beside=beside, day=DAY, seconds=1, rows=1, symptoms={text: after})
        for seed, after in enumerate(delays)
    )
    made = Contribution(scenario=folder.name, machine=MACHINE, lab="0", nights=(*old, *nights))
    path.parent.mkdir(exist_ok=True)
    path.write_text(made.text())


def test_a_deadline_without_room_is_said(folder: Path, words: Words) -> None:
    """Twice the usual delay, the median, is the least; what came beside a neighbour is not usual,
    and of what nobody measured nothing is said."""
    contributed(folder, 14, 15, 90)
    contributed(folder, 40, 40, 40, 40, beside="core")
    contributed(folder, 99, text="pool:waiting > 5")
    assert said(folder, words) == []
    contributed(folder, 15.2, 15.4)
    (line,) = said(folder, words)
    assert line == (
        "scenario.yaml:16: client:latency_seconds:p95 > 0.5 usually comes after 15 s and is due "
        "within 30 s, which leaves no room: at least 31 s"
    )


def test_a_deadline_is_found_where_it_is_written(folder: Path, words: Words) -> None:
    """Among the options of a choice, that option's line; where it is put together, the list's."""
    path = folder / "scenario.yaml"
    before, symptom, after = path.read_text().partition(
        '  - {signal: "client:latency_seconds:p95", op: ">", value: 0.5, within_s: 30}\n'
    )
    contributed(folder, 20)
    other = symptom.replace("30", "50")
    option = f"    -\n      - {symptom.strip()[2:]}\n"
    choices = f"choices:\n  them:\n{option.replace('30', '50')}{option}"
    path.write_text(f"{before.rstrip()} {{choice: them}}\n{after}{choices}")
    (line,) = said(folder, words)
    found = path.read_text().splitlines()[int(line.split(":")[1]) - 1]
    assert found.strip() == symptom.strip()
    path.write_text(
        f"{before}{other.replace('50', '{choice: soon}')}{after}choices: {{soon: [50, 30]}}\n"
    )
    (line,) = said(folder, words)
    assert line.startswith("scenario.yaml:16: client:latency")


def test_a_damaged_record_of_nights_is_said(folder: Path, words: Words) -> None:
    """By its name, with the rest."""
    contributed(folder, 1)
    path = folder / "proof" / f"{MACHINE.id}.json"
    path.write_text("{")
    (line,) = said(folder, words)
    assert line.startswith(f"proof/{path.name}:1: no record of nights")


def test_everything_is_said_at_once(folder: Path, words: Words) -> None:
    """Files, scripts and the scenario itself, in one go; also of a folder just begun."""
    (folder / "brief.md").unlink()
    (folder / "remedy.sh").chmod(0o644)
    edit("scenario.yaml", "rate: 50", "rate: fast")(folder)
    (folder.parent / "begun").mkdir()
    found = check_all(Library(folder.parent, words), [])
    assert [one.text for one in found["begun"]] == ["is missing"]
    assert len(found["slow"]) == 3
    with pytest.raises(BadInput, match="no scenario 'slw'"):
        check_all(Library(folder.parent, words), ["slw"])


def test_the_command(tmp_path: Path) -> None:
    """Exit code 0 with nothing to say, 2 with something, also for a name that is none."""
    good = lab(tmp_path, "check", "3am")
    assert (good.returncode, good.stdout) == (0, "nothing to complain about: 3am\n")
    assert lab(tmp_path, "check", "3am", "--json").stdout == "[]\n"
    assert lab(tmp_path, "check", "nothing").returncode == 2
