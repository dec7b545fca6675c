"""The third party: what it does in a second follows from its places and its time, and from nothing
else; and it does not notice who has gone."""

from __future__ import annotations

import asyncio

import pytest
from partner.app import create_app
from partner.desk import Busy, Desk
from starlette.testclient import TestClient

QUICK = {"SIGN_SECONDS": "0", "RANK_SECONDS": "0"}


def test_no_more_at_a_time_than_the_plan_has() -> None:
    """Six calls at once, two at a time, each for a tick: the last two are done on the third."""

    async def done_after_ticks() -> list[float]:
        clock = asyncio.get_running_loop().time
        desk = Desk(seconds=0.05, at_once=2, patience=5)
        begun = clock()

        async def call() -> float:
            await desk.serve()
            return clock() - begun

        return sorted(await asyncio.gather(*(call() for _ in range(6))))

    took = asyncio.run(done_after_ticks())
    # Never earlier, on any machine; how much later is the machine's affair.
    assert [at >= 0.05 * turn for at, turn in zip(took, (1, 1, 2, 2, 3, 3), strict=True)] == [
        True
    ] * 6


def test_who_has_waited_for_too_long_is_sent_away() -> None:
    """One is served and takes its time; the next one is told so; then there is room again."""

    async def night() -> None:
        desk = Desk(seconds=0.3, at_once=1, patience=0.05)
        first = asyncio.create_task(desk.serve())
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await desk.serve()
        await first
        await desk.serve()

    asyncio.run(night())


def test_it_does_not_notice_who_has_gone() -> None:
    """A call whose turn has come is carried out to its end, whoever waits for it or not."""

    async def night() -> float:
        clock = asyncio.get_running_loop().time
        desk = Desk(seconds=0.2, at_once=1, patience=5)
        gone = asyncio.create_task(desk.serve())
        await asyncio.sleep(0)
        begun = clock()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(gone), 0.01)
        await desk.serve()
        return clock() - begun

    assert asyncio.run(night()) >= 0.35


def test_a_link_is_signed_for_one_viewer() -> None:
    """The signature tells viewers and paths apart."""
    with TestClient(create_app(QUICK)) as client:
        asked = [{"path": path, "viewer": who} for path in ("/a", "/b") for who in (1, None)]
        said = [client.post("/sign", json=one).json() for one in asked]
    assert len({one["signature"] for one in said}) == len(asked)


def test_what_is_liked_best_comes_first() -> None:
    """By likes; the newer id where they are equal."""
    with TestClient(create_app(QUICK)) as client:
        said = client.post("/rank", json={"items": [[1, 5], [2, 9], [3, 5]]}).json()
    assert said["order"] == [2, 3, 1]


@pytest.mark.parametrize(
    ("path", "body"),
    [("/sign", b"no json"), ("/sign", b"{}"), ("/rank", b'{"items": [[1]]}'), ("/rank", b"[]")],
)
def test_nonsense_is_refused_without_a_turn(path: str, body: bytes) -> None:
    """400, with the shape that was expected."""
    with TestClient(create_app(QUICK)) as client:
        answer = client.post(path, content=body)
    assert answer.status_code == 400
    assert "send {" in answer.json()["detail"]
