"""The audit's judgement: each promise that can be broken, broken once."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lab.audit import FILES, AuditImpossible, AuditResult, Inventory, UploadSeen, audit, compare
from lab.errors import Failed
from lab.inventory import CHUNK
from lab.load import Acknowledged

AT = "2026-11-01T03:00:00+00:00"
UPLOAD = Acknowledged(AT, "upload", 7, 1_000_001, "r1", "run", "job-1", "key-1")
LIKE = Acknowledged(AT, "like", 7, 42, "r2", "run")
PUBLISHED = UploadSeen(7, "ready", "job-1", "done", "", 1)
QUEUED = replace(PUBLISHED, photo_status="processing", job_status="queued", notifications=0)
WELL = Inventory(
    uploads={1_000_001: PUBLISHED},
    keys={(7, "key-1"): 1_000_001},
    files={1_000_001: FILES},
    likes={(42, 7)},
    waiting=0,
)


def with_upload(seen: UploadSeen, **changes: object) -> Inventory:
    return replace(WELL, uploads={1_000_001: seen}, **changes)


def kinds(result: AuditResult) -> tuple[list[str], list[str]]:
    return [f.kind for f in result.lost], [f.kind for f in result.doubled]


def test_kept_promises_are_all_well() -> None:
    """A published upload and a like that exists: nothing lost, doubled or unfinished."""
    result = compare([UPLOAD, LIKE], WELL)
    assert result == AuditResult(uploads=1, likes=1, published=1, waiting=0)
    assert result.ok
    assert result.settled
    assert result.checked == 2
    assert result.to_dict()["ok"] is True


def test_no_promise_is_well() -> None:
    """An empty ledger has nothing to lose."""
    assert compare([], Inventory()).ok


def test_a_promise_made_twice_is_one_promise() -> None:
    """A retry and a repeated like are acknowledged again, and count once."""
    result = compare([UPLOAD, UPLOAD, LIKE, LIKE], WELL)
    assert (result.uploads, result.likes, result.checked) == (1, 1, 2)
    assert result.ok


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (replace(WELL, uploads={}), "photo"),
        (with_upload(replace(PUBLISHED, user_id=8)), "photo"),
        (with_upload(replace(PUBLISHED, job_id="", job_status="")), "job"),
        (with_upload(replace(PUBLISHED, job_id="job-2")), "job"),
        (with_upload(replace(PUBLISHED, job_status="failed", photo_status="failed")), "failed"),
        (with_upload(replace(PUBLISHED, photo_status="rejected")), "state"),
        (with_upload(replace(PUBLISHED, photo_status="processing")), "state"),
        (with_upload(PUBLISHED, files={}), "files"),
        (with_upload(PUBLISHED, files={1_000_001: FILES - {"thumb"}}), "files"),
        (with_upload(replace(PUBLISHED, notifications=0)), "notification"),
        (with_upload(replace(QUEUED, idle_s=181)), "abandoned"),
        (replace(WELL, keys={}), "key"),
        (replace(WELL, keys={(7, "key-1"): None}), "key"),
        (replace(WELL, likes=set()), "like"),
        (replace(WELL, counters={42: (0, 1)}), "counter"),
    ],
)
def test_a_broken_promise_is_lost(found: Inventory, kind: str) -> None:
    """Each part of a promise that is missing is found, alone, and the result is not ok."""
    result = compare([UPLOAD, LIKE], found)
    assert kinds(result) == ([kind], [])
    assert not result.ok
    assert result.lost[0].what


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (with_upload(replace(PUBLISHED, notifications=2)), "notification"),
        (replace(WELL, twins=[(1_000_001, 1_000_002), (1_000_002, 1_000_001)]), "photo"),
        (replace(WELL, keys={(7, "key-1"): 1_000_002}), "key"),
        (replace(WELL, counters={42: (2, 1)}), "counter"),
    ],
)
def test_a_promise_kept_twice_is_doubled(found: Inventory, kind: str) -> None:
    """What was done twice is found once, and the result is not ok."""
    result = compare([UPLOAD, LIKE], found)
    assert kinds(result) == ([], [kind])
    assert not result.ok


def test_two_photos_for_one_key_are_doubled() -> None:
    """A retry that was answered with another photo was carried out twice."""
    second = replace(UPLOAD, photo_id=1_000_002, job_id="job-2")
    found = replace(
        WELL,
        uploads={1_000_001: PUBLISHED, 1_000_002: replace(PUBLISHED, job_id="job-2")},
        files={1_000_001: FILES, 1_000_002: FILES},
    )
    result = compare([UPLOAD, second], found)
    assert kinds(result) == ([], ["key"])
    assert "1000001 and 1000002" in result.doubled[0].what
    assert result.uploads == 1


def test_a_rejection_with_a_reason_keeps_the_promise() -> None:
    """Moderation may say no, if it says why; no files are due then."""
    rejected = replace(PUBLISHED, photo_status="rejected", error="seen before", notifications=1)
    result = compare([UPLOAD], with_upload(rejected, files={}))
    assert result.ok
    assert (result.published, result.rejected) == (0, 1)


@pytest.mark.parametrize("status", ["queued", "running"])
@pytest.mark.parametrize(("waiting", "idle_s"), [(1, 999), (500, 999), (None, 999), (0, 60)])
def test_an_upload_on_its_way_is_unfinished_not_lost(
    status: str, waiting: int | None, idle_s: int
) -> None:
    """While the queue has work, cannot be read, or the sweep may still come, nothing is lost."""
    found = with_upload(
        replace(QUEUED, job_status=status, idle_s=idle_s), files={}, waiting=waiting
    )
    result = compare([UPLOAD], found)
    assert result.ok
    assert not result.settled
    assert result.unfinished == (1_000_001,)


class Door:
    """A stack whose queries have scripted answers, by what they are about; it notes what it is
    asked, in order."""

    def __init__(self, rows: dict[str, list[list[str]]], queue: list[str]) -> None:
        self.rows = rows
        self.queue = queue
        self.statements: list[str] = []

    def psql(self, sql: str, **_: object) -> list[list[str]]:
        if not self.rows:
            raise Failed("the primary is down")
        asked = re.findall(r"SELECT '(\w+)'", sql)
        self.statements += asked
        return [[about, *row] for about in asked for row in self.rows[about]]

    def exec(self, service: str, argv: list[str], *, timeout: float = 30) -> object:
        from lab.command import Exec

        if service == "redis-broker":
            self.statements.append("queue")
            return Exec(0, self.queue.pop(0) if len(self.queue) > 1 else self.queue[0], "")
        if service == "worker":
            return Exec(1, "", "no such container")
        return Exec(0, "".join(f"1000001/{name}.jpg\n" for name in FILES) + "junk\n", "")


def rows(job_status: str = "done") -> dict[str, list[list[str]]]:
    status = "ready" if job_status == "done" else "processing"
    told = "1" if job_status == "done" else "0"
    return {
        "twin": [],
        "key": [["7", "key-1", "1000001"]],
        "counter": [],
        "like": [["42", "7"]],
        "upload": [["1000001", "7", status, "job-1", job_status, "", told, "999"]],
    }


def test_the_stack_is_looked_at_in_the_order_that_cannot_mislead() -> None:
    """The queue is read before the jobs, and any service that sees the files will do."""
    door = Door(rows(), ["0\n"])
    result = audit(door, [UPLOAD, LIKE])  # type: ignore[arg-type]
    assert result.ok
    assert result.published == 1
    assert door.statements == ["queue", "upload", "key", "twin", "like", "counter"]


def test_a_long_ledger_is_looked_up_in_small_steps() -> None:
    """Who is measured must not feel the measuring: each statement is about some hundred writes, and
    somebody else gets a turn between two."""
    ledger = [replace(LIKE, user_id=user) for user in range(1, 2001)]
    asked: list[str] = []

    class Slow(Door):
        def psql(self, sql: str, **_: object) -> list[list[str]]:
            asked.append(sql)
            return super().psql(sql)

    audit(Slow(rows(), ["0\n"]), ledger)  # type: ignore[arg-type]
    (script,) = asked
    statements = re.split(r"pg_sleep\(", script)
    assert len(statements) > 4
    assert max(statement.count("(42,") for statement in statements) <= CHUNK


@pytest.mark.parametrize("hostile", ["1}'; DROP TABLE photos; --", "1); DROP TABLE photos; --"])
@pytest.mark.parametrize("field", ["photo_id", "user_id", "idempotency_key"])
@pytest.mark.parametrize("entry", [UPLOAD, LIKE], ids=["upload", "like"])
def test_nothing_in_a_ledger_is_a_statement(entry: Acknowledged, field: str, hostile: str) -> None:
    """Whatever stands in a ledger is asked for, inside a literal, and never carried out."""
    asked: list[str] = []

    class Asked(Door):
        def psql(self, sql: str, **_: object) -> list[list[str]]:
            asked.append(sql)
            return super().psql(sql)

    audit(Asked(rows(), ["0\n"]), [replace(entry, **{field: hostile})])  # type: ignore[arg-type]
    (script,) = asked
    assert "DROP" in script
    assert "DROP" not in re.sub(r"'(?:[^']|'')*'", "", script)


def test_a_job_that_seems_abandoned_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task between two lists of the broker is not lost; one that stays away is."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    back = audit(Door(rows("running"), ["0", "1"]), [UPLOAD])  # type: ignore[arg-type]
    assert back.ok
    assert not back.settled
    gone = audit(Door(rows("running"), ["0"]), [UPLOAD])  # type: ignore[arg-type]
    assert kinds(gone) == (["abandoned"], [])


def test_a_stack_that_cannot_be_asked_is_unknown() -> None:
    """A database that is down is no verdict about its data."""
    with pytest.raises(AuditImpossible, match="the primary is down") as impossible:
        audit(Door({}, ["0"]), [UPLOAD])  # type: ignore[arg-type]
    assert impossible.value.exit_code == 3


def test_an_unreadable_broker_leaves_the_queue_unknown() -> None:
    """Then open jobs stay unfinished."""
    result = audit(Door(rows("queued"), ["NOAUTH"]), [UPLOAD])  # type: ignore[arg-type]
    assert result.waiting is None
    assert result.unfinished == (1_000_001,)
