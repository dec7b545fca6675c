"""The journal: durable before anything is broken, and one incident at a time."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import store
from lab.errors import BadInput, Failed, LabError, MachineLacks
from lab.journal import Journal, OneAtATime
from lab.records import STEPS, Stamp


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "lab.db") as opened:
        yield opened


def test_a_token_is_on_the_disk_when_plan_returns(tmp_path: Path) -> None:
    """SIGKILL right after writing the token loses nothing: another process reads it."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from lab.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "number = journal.begin('3am', 7, '{}', 1.0)\n"
        "journal.plan(number, 'drop_index', '{\"index\": 1}', 2.0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "lab.db"
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Journal(path) as journal:
        (fault,) = journal.unhealed()
        assert (fault.name, fault.token) == ("drop_index", '{"index": 1}')
        assert fault.injected_at is None
        row = journal.open_one()
        assert row is not None
        assert (row.slug, row.seed, row.phase) == ("3am", 7, "preparing")


def test_every_commit_is_flushed(journal: Journal) -> None:
    """In WAL mode only synchronous=FULL survives a power cut at any commit."""
    db = journal._db
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_only_one_incident_may_be_open(journal: Journal) -> None:
    """The database itself refuses a second one, whoever asks; a closed one is out of the way."""
    first = journal.begin("3am", 1, "{}", 1.0)
    with pytest.raises(OneAtATime):
        journal.begin("3am", 2, "{}", 2.0)
    journal.stamp(first, "closed_at", 3.0)
    assert journal.begin("3am", 2, "{}", 4.0) == first + 1


def test_two_processes_may_use_it_at_once(tmp_path: Path) -> None:
    """One writes a hint while the other holds it open; both see it."""
    with Journal(tmp_path / "lab.db") as one, Journal(tmp_path / "lab.db") as other:
        number = one.begin("3am", 1, "{}", 1.0)
        assert [other.hint(number, [5, 10], 2.0), one.hint(number, [5, 10], 3.0)] == [1, 2]
        assert [hint.content for hint in other.hints(number)] == ["5", "10"]


def test_the_first_time_of_anything_stays(journal: Journal) -> None:
    """An incident that ended once does not end again when its end is carried on."""
    number = journal.begin("3am", 1, "{}", 1.0)
    journal.stamp(number, "ended_at", 5.0)
    journal.stamp(number, "ended_at", 9.0)
    assert journal.incident(number).ended_at == 5.0


def test_the_phase_follows_what_has_happened(journal: Journal) -> None:
    """Preparing, live, ended, closed."""
    number = journal.begin("3am", 1, "{}", 1.0)
    phases = [journal.incident(number).phase]
    for stamp in ("announced_at", "ended_at", "closed_at"):
        journal.stamp(number, stamp, 2.0)
        phases.append(journal.incident(number).phase)
    assert phases == ["preparing", "live", "ended", "closed"]


def test_healed_faults_are_no_longer_to_be_healed(journal: Journal) -> None:
    """The last injected is healed first, and what is healed is done with."""
    number = journal.begin("3am", 1, "{}", 1.0)
    for name in ("fault0", "fault1"):
        journal.plan(number, name, "{}", 2.0)
    last, first = journal.unhealed()
    assert (last.name, first.name) == ("fault1", "fault0")
    journal.healed(last, 3.0)
    assert [fault.name for fault in journal.unhealed()] == ["fault0"]


def test_a_journal_from_before_is_read_and_heals_in_the_order_of_planning(tmp_path: Path) -> None:
    """What an earlier version has broken is still to be healed, also where the stage, which was
    planned first, had the last position."""
    path = tmp_path / "lab.db"
    with sqlite3.connect(path) as old:
        old.executescript(STEPS[0])
        old.execute("PRAGMA user_version = 1")
        old.execute(
            "INSERT INTO incidents (slug, seed, scenario, opened_at) VALUES ('3am', 1, '{}', 1)"
        )
        for position, name in ((1, "stage"), (0, "fault")):
            old.execute(
                "INSERT INTO faults (incident, position, name, token, planned_at)"
                " VALUES (1, ?, ?, '{}', 2)",
                (position, name),
            )
    old.close()
    for _ in range(2):
        with Journal(path) as journal:
            assert [fault.name for fault in journal.unhealed()] == ["fault", "stage"]
            assert {fault.role for fault in journal.faults(1)} == {"fault"}


def test_two_that_ask_at_the_same_moment_get_two_hints(journal: Journal) -> None:
    """Nobody pays twice for one text: each takes the next one, at its own price, or none."""
    number = journal.begin("3am", 1, "{}", 1.0)

    def take(_: int) -> int | None:
        with Journal(journal.path) as other:
            return other.hint(number, [5, 10, 15], 2.0)

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(take, range(4)))
    assert {1, 2, 3, None} == set(taken)
    assert [hint.content for hint in journal.hints(number)] == ["5", "10", "15"]


@pytest.mark.parametrize("late", ["final_at", "ended_at", "invalid"])
def test_a_word_that_comes_too_late_is_not_recorded(journal: Journal, late: Stamp) -> None:
    """Whatever another process has decided by then: a final diagnosis is not revised, and of what
    is over nobody buys a hint."""
    number = journal.begin("3am", 1, "{}", 1.0)
    journal.stamp(number, late, 2.0)
    with pytest.raises(BadInput, match=r"final|over"):
        journal.answer(number, "{}", "[]", 3.0)
    assert journal.answers(number) == []
    if late != "final_at":
        with pytest.raises(BadInput, match="over"):
            journal.hint(number, [5], 3.0)
    assert journal.hints(number) == []


def test_a_full_disk_is_told_and_nothing_is_half_written(journal: Journal) -> None:
    """A write that does not fit fails as a whole, with a remedy, and exit code 4."""
    number = journal.begin("3am", 1, "{}", 1.0)
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(MachineLacks, match="full") as raised:
        journal.plan(number, "drop_index", "x" * 100_000, 2.0)
    assert raised.value.exit_code == 4
    assert "LAB_HOME" in (raised.value.remedy or "")
    assert journal.unhealed() == []


def test_a_read_only_home_is_refused(tmp_path: Path) -> None:
    """It cannot be written to, so nothing may be broken: exit code 4, and a way out."""
    home = tmp_path / "home"
    home.mkdir()
    Journal(home / "lab.db").close()
    script = (
        "import sys\nfrom pathlib import Path\nfrom lab.errors import MachineLacks\n"
        "from lab.journal import Journal\n"
        "try:\n    Journal(Path(sys.argv[1])).begin('3am', 1, '{}', 1.0)\n"
        "except MachineLacks:\n    sys.exit(4)\n"
    )
    argv = [sys.executable, "-c", script, str(home / "lab.db")]
    if os.geteuid() == 0:
        # Permissions do not bind the super-user; a read-only mount of its own does.
        read_only = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" || exit 77; exec "$@"'
        argv = ["unshare", "--mount", "sh", "-c", read_only, str(home), *argv]
    else:
        home.chmod(0o555)
    tried = subprocess.run(argv, check=False, capture_output=True)
    home.chmod(0o755)
    if tried.returncode in (77, 1) and b"mount" in tried.stderr:
        pytest.skip("this machine does not let us mount anything")
    assert tried.returncode == 4


def test_what_is_no_journal_is_not_touched(tmp_path: Path) -> None:
    """Another file of that name is refused and left as it is."""
    path = tmp_path / "lab.db"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(LabError, match="not a journal"):
        Journal(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    """An older lab does not write into what it does not know."""
    path = tmp_path / "lab.db"
    Journal(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(LabError, match="newer version"):
        Journal(path)


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30])
def test_a_number_that_no_row_can_have_is_no_incident(journal: Journal, number: int) -> None:
    """More than SQLite counts to is not there, like any other number that is not."""
    with pytest.raises(BadInput, match=f"there is no incident {number}"):
        journal.incident(number)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE incidents SET opened_at = 'yesterday'",
        "UPDATE incidents SET injected_at = -1e300",
        "UPDATE incidents SET slug = x'ff00'",
    ],
)
def test_a_row_of_no_journal_of_ours_is_told(tmp_path: Path, damage: str) -> None:
    """SQLite takes any value in any column; whoever prints it would be surprised."""
    path = tmp_path / "lab.db"
    with Journal(path) as journal:
        journal.begin("3am", 1, "{}", 1.0)
    with sqlite3.connect(path) as db:
        db.execute(damage)
    db.close()
    with Journal(path) as journal, pytest.raises(LabError, match="not a journal, or a damaged one"):
        journal.open_one()


def test_an_unknown_incident_is_named(journal: Journal) -> None:
    """There is no incident 12."""
    with pytest.raises(BadInput, match="no incident 12"):
        journal.incident(12)


def test_a_history_is_found_where_the_home_is_now(tmp_path: Path) -> None:
    """A checkout that is moved keeps its past, also what an earlier version has written down with
    its whole path; and a copy of one reads its own."""
    for name in ("before", "copy"):
        kept = tmp_path / name / "incidents" / "3am-1"
        kept.mkdir(parents=True)
        (kept / "history.json.gz").touch()
    whole = str(tmp_path / "before" / "incidents" / "3am-1" / "history.json.gz")
    with Journal(tmp_path / "before" / "lab.db") as journal:
        for kept_as in ("incidents/3am-1/history.json.gz", whole):
            number = journal.begin("3am", 1, "{}", 1.0)
            journal.stamp(number, "history", kept_as)
            journal.stamp(number, "closed_at", 2.0)
            assert journal.incident(number).history == whole
    shutil.copy(tmp_path / "before" / "lab.db", tmp_path / "copy" / "lab.db")
    with Journal(tmp_path / "copy" / "lab.db") as journal:
        assert {row.history for row in journal.incidents()} == {whole.replace("before", "copy")}
    (tmp_path / "before").rename(tmp_path / "after")
    with Journal(tmp_path / "after" / "lab.db") as journal:
        assert {row.history for row in journal.incidents()} == {whole.replace("before", "after")}


def made_by(script: str) -> Callable[[Path], None]:
    """A file of SQLite's that somebody has made so."""

    def make(path: Path) -> None:
        with sqlite3.connect(path) as db:
            db.executescript(script)
        db.close()

    return make


def a_whole_one(path: Path) -> None:
    with Journal(path) as journal:
        for turn in range(40):
            journal.stamp(journal.begin("3am", turn, "x" * 5000, 1.0), "closed_at", 2.0)


def cut(path: Path) -> None:
    """As after a disk that was full in the middle of a copy."""
    a_whole_one(path)
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    a_whole_one(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 20)


@pytest.mark.parametrize(
    "make",
    [
        cut,
        overwritten,
        made_by("CREATE TABLE books (title TEXT)"),
        made_by("PRAGMA user_version = 2"),
        made_by("PRAGMA user_version = 2; CREATE TABLE incidents (id, slug)"),
        made_by("PRAGMA user_version = 1; CREATE TABLE faults (id)"),
        lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\x00" * 200),
        lambda path: path.write_bytes(os.urandom(5000)),
    ],
    ids=["cut", "overwritten", "other", "empty", "columns", "older", "header", "noise"],
)
def test_a_damaged_journal_is_refused_in_words(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    """Whatever is wrong with it: which file, what is wrong, what to do; never a traceback, and
    nothing is written into what is not ours."""
    path = tmp_path / "lab.db"
    make(path)

    def use() -> None:
        with Journal(path) as journal:
            journal.open_one()
            journal.incidents(100)
            journal.begin("3am", 1, "{}", 1.0)

    with pytest.raises(LabError, match=r"lab\.db is not a journal, or a damaged one") as refused:
        use()
    assert "move it away" in (refused.value.remedy or "")


def test_what_another_process_holds_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever, and it is neither the disk's fault nor the file's."""
    monkeypatch.setattr(store, "PATIENCE_S", 0.2)
    path = tmp_path / "lab.db"
    Journal(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Journal(path) as journal:
        with pytest.raises(Failed, match="has not let go") as refused:
            journal.begin("3am", 1, "{}", 1.0)
        assert "fuser" in (refused.value.remedy or "")
        holder.execute("ROLLBACK")
        assert journal.begin("3am", 1, "{}", 1.0) == 1
    holder.close()
