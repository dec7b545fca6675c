"""Nights that people send along: written small, merged, read back, and counted with the proofs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import BadInput
from lab.history import Outcome
from lab.host.fingerprint import Fingerprint
from lab.host.pressure import Pressure
from lab.proof.contributed import contribute, every, of_scenario, read
from lab.proof.kept import Proof
from lab.proof.lived import account, lived, newest
from lab.proof.order import Order, Placed
from lab.proof.robust import stood
from lab.proof.rows import LIVED, NO_PAGE, NOBODY, REMEDY, START, Row
from lab.proof.table import markdown

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
HERE = Fingerprint(2, "Some CPU", "6.1 x86_64", 8, 2)
THERE = Fingerprint(16, "A|B CPU", "6.8 x86_64", 32)
GOOD = (
    Row(NOBODY, "symptoms", PASS, PASS, "in time"),
    Row(NOBODY, "paged", PASS, PASS, "after 21 s"),
    Row(REMEDY, "mitigated", PASS, PASS, "all"),
)
BUSY = {
    START: Pressure(0.2, None, None, 0.0, 0.0),
    NOBODY: Pressure(0.6, None, None, 0.0, 0.0),
    REMEDY: Pressure(None, None, None, 0.0, 0.0),
}
PROOF = Proof(
    name="slow-1",
    slug="slow",
    title="Something is slow",
    seed=1,
    seconds=171.4,
    cores=2,
    at="2026-11-20T03:18:27+00:00",
    rows=GOOD,
    busy=BUSY,
    machine=HERE,
    page_s=21.0,
    order=Order((Placed("pool:waiting", 1.5, 1.25), Placed("client:errors:ratio", 6.0, 1.25))),
    symptoms={"pool:waiting > 5": 9.0},
)
BROKEN = Row("decoy x", "mitigated", FAIL, PASS, f"seen in /home/alice/lab {'x' * 200}\nand so on")
REFUSED = Row("the night", LIVED, PASS, UNKNOWN, "nothing was broken\n  queue:depth is 9")


def test_a_night_comes_to_a_few_numbers() -> None:
    """Delays, promises, the mean of waiting; of rows the count and the wrong ones, shortened, and
    without the name of whose machine it was."""
    told = account(replace(PROOF, rows=(*GOOD, BROKEN)))
    assert (told.seed, told.day.isoformat(), told.seconds, told.rows) == (1, "2026-11-20", 171, 4)
    assert (told.page_s, told.symptoms) == (21.0, {"pool:waiting > 5": 9.0})
    assert (told.paged, told.in_time, told.mended) == (True, True, True)
    assert told.waited == 0.4
    (wrong,) = told.wrong
    assert wrong.result == "false pass"
    assert wrong.why.startswith("seen in ~/lab xx")
    assert len(wrong.why) == 160


def test_whether_it_was_quiet_before_is_counted_where_somebody_looked(tmp_path: Path) -> None:
    """A page before anything was broken; and how well the order could be told, also of nights that
    were sent along."""
    loud = Row("no fault", NO_PAGE, PASS, FAIL, "CustomerLatencyHigh for 8 s")
    quiet = replace(loud, was=PASS)
    nights = [
        replace(PROOF, seed=seed, rows=(*GOOD, *more))
        for seed, more in enumerate(((), (quiet,), (quiet,), (loud,)))
    ]
    contribute(nights, tmp_path)
    (one,) = stood(every(tmp_path))
    assert (one.nights, one.quiet, one.asked) == (4, 2, 3)
    page = markdown([], [], contributed=every(tmp_path))
    assert "| 2 of 3 |" in page
    assert "`pool:waiting` 1.5 s (1.2 s), `client:errors:ratio` 6.0 s (1.2 s) | 4 | 1" in page


def test_a_night_that_could_not_begin_says_why() -> None:
    """Refused, with the reason's first line, and nothing that was promised was seen."""
    told = account(replace(PROOF, rows=(REFUSED,), page_s=None, symptoms={}))
    assert told.refused == "nothing was broken"
    assert (told.paged, told.in_time, told.mended) == (False, False, False)


def test_a_contribution_is_a_small_file_that_can_be_read_back(tmp_path: Path) -> None:
    """In the scenario's folder, called by the machine; a night takes a line."""
    (path,) = contribute([replace(PROOF, seed=seed) for seed in range(1, 11)], tmp_path)
    assert path == tmp_path / "slow" / "proof" / f"{HERE.id}.json"
    assert path.stat().st_size < 4000
    (found,) = of_scenario(tmp_path / "slow")
    assert (found.scenario, found.machine, len(found.nights)) == ("slow", HERE, 10)
    assert found.nights[0] == account(PROOF)
    assert sum('"seed": ' in line for line in path.read_text().splitlines()) == 10


def test_contributions_merge(tmp_path: Path) -> None:
    """What was lived again replaces what it was, the older never the newer; another neighbour,
    another number of stacks or another machine is another night."""
    contribute([PROOF], tmp_path)
    again = replace(PROOF, at="2026-11-21T00:00:00+00:00", page_s=30.0)
    contribute([again, replace(PROOF, beside="core"), replace(PROOF, stacks=2)], tmp_path)
    contribute([PROOF, replace(PROOF, machine=THERE)], tmp_path)
    here, there = sorted(of_scenario(tmp_path / "slow"), key=lambda one: one.machine.cores)
    assert [(night.key, night.page_s) for night in here.nights] == [
        ((1, "core", 1, None), 21.0),
        ((1, "none", 1, None), 30.0),
        ((1, "none", 2, None), 21.0),
    ]
    assert len(there.nights) == 1


def test_a_proof_without_a_machine_is_left_out(tmp_path: Path) -> None:
    """Nobody can say later on what it was lived."""
    assert contribute([replace(PROOF, machine=None)], tmp_path) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"nights"', "nights", "no record of nights: Invalid JSON"),
        ('"seed": 1', '"sead": 1', "nights.0.seed: Field required"),
        ('"rows": 3', '"rows": 3, "host": "me"', "nights.0.host: Extra inputs are not permitted"),
        ('"cores": 2', '"cores": 2, "host": "me"', "machine.host: Unexpected keyword argument"),
        ('"cores": 2', '"cores": 4', "tells of the machine"),
        ('"scenario": "slow"', '"scenario": "3am"', "tells of the scenario '3am'"),
    ],
)
def test_a_damaged_file_is_refused_by_its_name(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    """What it is that cannot be read, and what is wrong with it."""
    (path,) = contribute([PROOF], tmp_path)
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(BadInput) as refused:
        every(tmp_path)
    assert refused.value.message.startswith(f"{path}: ")
    assert said in refused.value.message
    assert refused.value.remedy


def test_a_file_that_is_there_and_cannot_be_read_is_not_written_over(tmp_path: Path) -> None:
    """Its nights may still be saved by hand."""
    (path,) = contribute([PROOF], tmp_path)
    path.write_text("{")
    with pytest.raises(BadInput):
        contribute([PROOF], tmp_path)
    assert path.read_text() == "{"
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "none.json")


def test_nights_are_counted_by_neighbour(tmp_path: Path) -> None:
    """Contributed ones with the others, each once, and refused ones apart."""
    contribute([PROOF, replace(PROOF, machine=THERE, rows=(REFUSED,))], tmp_path)
    mine = [PROOF, replace(PROOF, seed=2, rows=(*GOOD, BROKEN)), replace(PROOF, stacks=2)]
    alone, both = stood(newest([*every(tmp_path), *map(lived, mine)]))
    assert (alone.nights, alone.refused, alone.paged, alone.mended) == (3, 1, 2, 2)
    assert (alone.false_passes, alone.invalid, alone.rows) == (1, 1, 8)
    assert alone.waited == pytest.approx(0.4)
    assert (both.nights, both.stacks, both.wrong) == (1, 2, False)


def test_nights_on_unnamed_machines_are_all_counted() -> None:
    """They may be anybody's: none of them replaces another."""
    old = replace(PROOF, machine=None)
    assert len(newest([lived(old), lived(old), lived(PROOF), lived(PROOF)])) == 3


def test_the_page_tells_where_a_scenario_was_lived(tmp_path: Path) -> None:
    """On how many machines and beside what; each machine by its fingerprint; and where the time of
    a night went."""
    contribute([replace(PROOF, machine=THERE, beside="core", rows=(*GOOD, BROKEN))], tmp_path)
    mine = [
        replace(PROOF, phases={"up": 6.0, "calm": 30.0}),
        replace(PROOF, seed=2, phases={"up": 8.0, "wrong fixes": 60.0}),
        replace(PROOF, seed=3, machine=None, stacks=2),
    ]
    text = markdown(mine, [], contributed=every(tmp_path))
    which = ", ".join(f"`{one}`" for one in sorted([HERE.id, THERE.id, "unnamed"]))
    assert f"| slow | 2 | {which} | core: 1, none: 2, 2 stacks: 1 | 3 of 4 |" in text
    assert f"| `{HERE.id}` | 2 | Some CPU | 8 GiB | 6.1 x86_64 | 2 | 2 |" in text
    assert f"| `{THERE.id}` | 16 | A\\|B CPU | 32 GiB | 6.8 x86_64 | - | 1 |" in text
    assert "| slow | 2 stacks | 1 | 0 | - | 1 of 1 | 1 of 1 | 1 of 1 | 0 | 0 | 0 | 3 | 40% |\n" in (
        text
    )
    assert "- `2 stacks`: so many nights lived at the same time" in text
    assert "| slow | none | 2 | 7 | 30 | 60 | 2 min 51 s |" in text
