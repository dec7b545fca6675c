"""The audit against a real stack: it passes what is well and finds what is broken by hand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.audit import AuditResult, audit
from lab.load import Acknowledged, Load
from lab.stack import Stack


def visit(load: Load, *, rate: float, seconds: float, seed: int) -> list[Acknowledged]:
    """Let customers come for a while, and return what they were promised."""
    load.start(rate, seconds, seed)
    deadline = time.monotonic() + seconds + 20
    while (state := load.state()).running or state.in_flight:
        assert time.monotonic() < deadline, f"customers do not leave: {state}"
        time.sleep(0.2)
    ledger = load.ledger(state.run_id)
    assert any(entry.kind == "upload" for entry in ledger), f"nothing was uploaded: {state}"
    return ledger


def settled(stack: Stack, ledger: list[Acknowledged], within: float = 90) -> AuditResult:
    """Audit until no upload is on its way any more."""
    deadline = time.monotonic() + within
    while not (result := audit(stack, ledger)).settled:
        assert time.monotonic() < deadline, f"uploads stay unfinished: {result}"
        time.sleep(1)
    return result


KEEP = """
CREATE SCHEMA kept;
CREATE TABLE kept.photos AS SELECT * FROM photos WHERE id IN ({photo}, {liked});
CREATE TABLE kept.jobs AS SELECT * FROM jobs WHERE photo_id = {photo};
CREATE TABLE kept.notifications AS SELECT * FROM notifications WHERE photo_id = {photo};
CREATE TABLE kept.idempotency_keys AS SELECT * FROM idempotency_keys WHERE photo_id = {photo};
CREATE TABLE kept.likes AS SELECT * FROM likes WHERE photo_id = {liked};
"""
REPAIR = """
DELETE FROM photos WHERE id NOT IN ({photo}, {liked})
    AND (user_id, checksum) IN (SELECT user_id, checksum FROM kept.photos);
DELETE FROM jobs WHERE photo_id = {photo};
DELETE FROM notifications WHERE photo_id = {photo};
DELETE FROM idempotency_keys WHERE photo_id = {photo};
DELETE FROM likes WHERE photo_id = {liked};
INSERT INTO jobs SELECT * FROM kept.jobs;
INSERT INTO notifications SELECT * FROM kept.notifications;
INSERT INTO idempotency_keys SELECT * FROM kept.idempotency_keys;
INSERT INTO likes SELECT * FROM kept.likes;
UPDATE photos SET status = kept.status, likes = kept.likes
    FROM kept.photos AS kept WHERE photos.id = kept.id;
DROP SCHEMA kept CASCADE;
"""


@contextmanager
def damaged(stack: Stack, damage: str, upload: Acknowledged, like: Acknowledged) -> Iterator[None]:
    """Do the damage to what was uploaded and liked, and undo it afterwards."""
    names = {"photo": upload.photo_id, "liked": like.photo_id, "user": like.user_id}
    stack.psql(KEEP.format(**names))
    try:
        stack.psql(damage.format(**names))
        yield
    finally:
        stack.psql(REPAIR.format(**names))


@pytest.fixture(scope="module")
def load(stack: Stack) -> Iterator[Load]:
    with Load(stack.url("load")) as door:
        door.stop()
        yield door
        door.stop()


@pytest.fixture(scope="module")
def ledger(stack: Stack, load: Load) -> list[Acknowledged]:
    """Promises that have all been kept."""
    promises = visit(load, rate=60, seconds=8, seed=31)
    result = settled(stack, promises)
    assert result.ok, result
    assert result.published == result.uploads > 0
    assert result.likes > 0
    return promises


@pytest.fixture
def upload(ledger: list[Acknowledged]) -> Acknowledged:
    return next(entry for entry in ledger if entry.kind == "upload")


@pytest.fixture
def like(ledger: list[Acknowledged]) -> Acknowledged:
    return next(entry for entry in ledger if entry.kind == "like")


def test_nothing_acknowledged_is_lost_with_a_killed_worker(stack: Stack, load: Load) -> None:
    """While no worker is there uploads are unfinished, not lost; afterwards all is published."""
    worker = stack.container("worker")
    worker.kill()
    try:
        promises = visit(load, rate=60, seconds=4, seed=32)
        meanwhile = audit(stack, promises)
    finally:
        worker.start()
    assert meanwhile.ok, meanwhile
    assert meanwhile.unfinished
    assert meanwhile.waiting
    result = settled(stack, promises)
    assert result.ok, result
    assert result.published == result.uploads


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        ("DELETE FROM jobs WHERE photo_id = {photo}", "job"),
        ("UPDATE photos SET status = 'processing' WHERE id = {photo}", "state"),
        ("UPDATE jobs SET status = 'failed', error = 'disk' WHERE photo_id = {photo}", "failed"),
        ("DELETE FROM notifications WHERE photo_id = {photo}", "notification"),
        ("DELETE FROM idempotency_keys WHERE photo_id = {photo}", "key"),
        ("DELETE FROM likes WHERE photo_id = {liked} AND user_id = {user}", "like"),
        ("UPDATE photos SET likes = likes - 1 WHERE id = {liked}", "counter"),
    ],
)
def test_a_loss_is_found(
    stack: Stack,
    ledger: list[Acknowledged],
    upload: Acknowledged,
    like: Acknowledged,
    damage: str,
    kind: str,
) -> None:
    """Data removed behind the application's back is reported, with the photo it belongs to."""
    with damaged(stack, damage, upload, like):
        result = audit(stack, ledger)
    assert kind in {finding.kind for finding in result.lost}
    assert {finding.photo_id for finding in result.lost} <= {upload.photo_id, like.photo_id}
    assert audit(stack, ledger).ok


TWICE = """
INSERT INTO photos (user_id, title, status, width, height, bytes, checksum)
SELECT user_id, title, status, width, height, bytes, checksum FROM photos WHERE id = {photo}
"""


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (TWICE, "photo"),
        (
            "INSERT INTO notifications (user_id, photo_id, kind) VALUES ({user}, {photo}, 'again')",
            "notification",
        ),
        ("UPDATE photos SET likes = likes + 1 WHERE id = {liked}", "counter"),
    ],
)
def test_work_done_twice_is_found(
    stack: Stack,
    ledger: list[Acknowledged],
    upload: Acknowledged,
    like: Acknowledged,
    damage: str,
    kind: str,
) -> None:
    """A second photo with the same bytes, a second notification, a like counted twice."""
    with damaged(stack, damage, upload, like):
        result = audit(stack, ledger)
    assert [finding.kind for finding in result.doubled] == [kind]
    assert audit(stack, ledger).ok


def test_a_missing_file_is_found(
    stack: Stack, ledger: list[Acknowledged], upload: Acknowledged
) -> None:
    """A published photo without its thumbnail breaks its promise; an empty file is no file."""
    path = f"/media/public/{upload.photo_id}/thumb.jpg"
    shell = f"cp -p {path} /tmp/kept && : > {path}"
    assert stack.exec("worker", ["sh", "-c", shell]).code == 0
    try:
        result = audit(stack, ledger)
    finally:
        assert stack.exec("worker", ["cp", "-p", "/tmp/kept", path]).code == 0
    assert [(finding.kind, finding.photo_id) for finding in result.lost] == [
        ("files", upload.photo_id)
    ]
    assert "thumb" in result.lost[0].what
    assert audit(stack, ledger).ok
