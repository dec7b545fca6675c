"""The worst that may be uploaded, and worse: the worker lives on, and says what it cannot do."""

from __future__ import annotations

import itertools

import httpx
import pytest
from docker.models.containers import Container

from lab.stack import Stack
from tests.services.customer import Darkroom, until
from tests.unit import pictures

pytestmark = pytest.mark.docker

TIMES = 20
#: Half a core renders the largest picture in two to five seconds.
WITHIN_S = 40 * TIMES

_users = itertools.count(2500)


def lives(worker: Container) -> tuple[bool, int, bool, str]:
    """Running, restarts, ended by the kernel for its memory, since when."""
    worker.reload()
    state = worker.attrs["State"]
    restarts: int = worker.attrs["RestartCount"]
    return state["Running"], restarts, state["OOMKilled"], state["StartedAt"]


@pytest.fixture
def worker(stack: Stack) -> Container:
    """The worker's container, well."""
    container = stack.container("worker")
    before = lives(container)
    assert before[:3] == (True, 0, False), before
    return container


def test_the_worker_outlives_the_worst_that_is_taken(darkroom: Darkroom, worker: Container) -> None:
    """Twenty in a row of the picture that needs the most memory, of each kind: every one of them is
    published, by the same process."""
    before = lives(worker)
    # Those of one kind are there together, so that both of its threads have one in hand.
    worst = {image[:4]: image for _name, image in pictures.worst()}
    assert len(worst) == 3
    for image in worst.values():
        accepted = [darkroom.upload(next(_users), image) for _ in range(TIMES)]
        for one in accepted:
            job = darkroom.finished(one, WITHIN_S)
            assert (job["status"], job["photo_status"]) == ("done", "ready"), job["error"]
            assert job["attempts"] == 1
    assert lives(worker) == before


@pytest.mark.parametrize(
    ("image", "status", "why"),
    [
        (pictures.webp_claim(16_384, 16_384), 415, "image"),
        (pictures.png_claim(5000, 5001), 422, "25,000,000 pixels"),
        (pictures.png_claim(2**31 - 1, 2**31 - 1), 422, "25,000,000 pixels"),
    ],
)
def test_forty_bytes_end_nobody(
    darkroom: Darkroom, worker: Container, stack: Stack, image: bytes, status: int, why: str
) -> None:
    """A small file that claims a huge picture is refused with the reason, without its memory."""
    replicas = [stack.container(name) for name in ("api-1", "api-2", "api-3")]
    before = [lives(one) for one in (worker, *replicas)]
    for _ in range(6):
        answer = darkroom.upload(2480, image)
        assert answer.status_code == status, answer.text
        assert why in answer.json()["detail"]
    assert [lives(one) for one in (worker, *replicas)] == before


def test_one_that_came_another_way_ends_nobody(darkroom: Darkroom, worker: Container) -> None:
    """The worker judges again, so an original that no API would take fails, and says why."""
    before = lives(worker)
    worker.pause()
    try:
        accepted = darkroom.upload(2481, pictures.file(pictures.scene(), "WEBP"))
        photo = accepted.json()["photo_id"]
        _write(darkroom.stack, f"/media/originals/{photo}", pictures.webp_claim(16_384, 16_384))
    finally:
        worker.unpause()
    job = darkroom.finished(accepted, 60)
    assert job["photo_status"] == "failed"
    assert "cannot be decoded" in job["error"]
    assert lives(worker) == before


def test_a_photo_that_always_ends_its_worker_is_given_up(darkroom: Darkroom, stack: Stack) -> None:
    """After three runs that were killed while they rendered it a photo has failed, with a reason;
    the worker goes on with the others, and the original is there still."""
    worker = stack.container("worker")
    worker.stop()
    accepted: httpx.Response
    try:
        image = pictures.file(pictures.scene(), "PNG")
        accepted, other = darkroom.upload(2490, image), darkroom.upload(2491, image)
        photo = accepted.json()["photo_id"]
        marks = " ".join(f"/media/tmp/render-{photo}-{number}" for number in range(3))
        assert stack.exec("api-1", ["sh", "-c", f"mkdir {marks}"]).code == 0
    finally:
        worker.start()
        darkroom.recovered()
    job = darkroom.finished(accepted, 60)
    assert (job["status"], job["photo_status"]) == ("failed", "failed")
    assert "given up after 3 attempts" in job["error"]
    assert "the original is kept" in job["error"]
    assert darkroom.finished(other)["photo_status"] == "ready"
    gone = f"! ls -d /media/tmp/render-{photo}-* 2>/dev/null && test -s /media/originals/{photo}"
    until(lambda: stack.exec("api-1", ["sh", "-c", gone]).code, lambda code: code == 0, "marks go")


def test_what_is_no_task_is_set_aside(darkroom: Darkroom, worker: Container, stack: Stack) -> None:
    """Entries of the queue that are no JSON, or no task, stop neither the worker nor its sweep nor
    the exporter: they are kept apart and counted, and uploads are published; also one whose message
    was lost."""
    worker.stop()
    try:
        image = pictures.file(pictures.scene(), "PNG")
        lost = darkroom.upload(2495, image)
        _redis(stack, "del", "photos")
        for entry in ("no json", "{}", '["x"]'):
            _redis(stack, "lpush", "photos", entry)
        accepted = darkroom.upload(2496, image)
        assert darkroom.metric("queue-exporter", "queue_depth") == 4
    finally:
        worker.start()
        darkroom.recovered()
    before = lives(worker)
    assert darkroom.finished(accepted, 60)["photo_status"] == "ready"
    assert _redis(stack, "lrange", "photos.unreadable", "0", "2").split("\n") == [
        '["x"]', "{}", "no json",
    ]  # fmt: skip
    assert darkroom.metric("worker", "worker_messages_set_aside_total") == 3
    assert darkroom.finished(lost, 90)["photo_status"] == "ready"
    assert lives(worker) == before


def _redis(stack: Stack, *command: str) -> str:
    done = stack.exec("redis-broker", ["redis-cli", "--raw", *command])
    assert done.code == 0, done.stderr
    return done.stdout.strip()


def _write(stack: Stack, path: str, content: bytes) -> None:
    octal = "".join(f"\\{byte:03o}" for byte in content)
    done = stack.exec("api-1", ["sh", "-c", f"printf '{octal}' > {path}"])
    assert done.code == 0, done.stderr
