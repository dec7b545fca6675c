"""A real night, solved in the control room alone: in a browser, without a terminal."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lab.room.beside import where
from lab.stack import Stack
from tests.browser import CHROMIUM, choose, cite, opened
from tests.live.operator import Operator
from tests.services.customer import until

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium here: install the package chromium, or name one in CHROMIUM",
    ),
]

PAGED_MS = 300_000
"""From the click to the pager: customers, warm caches, calm, and what then goes wrong."""

MEASURED_MS = 180_000
"""Until an index is there again on a database that is drowning, a recovery has been measured, or a
verdict has been reached."""


@pytest.fixture
def room(operator: Operator) -> Iterator[str]:
    """The address by which one comes in."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = dict(operator.env)
    # NiceGUI takes a process that pytest started for one of its own tests.
    environment.pop("PYTEST_CURRENT_TEST", None)
    process = operator.begin("room", "--port", str(port), env=environment)
    try:
        found = until(lambda: where(operator.home, within_s=0), bool, "the room answers")
        assert found is not None
        yield found
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def picture(page: Page, name: str) -> None:
    """Keeps what the page looks like, where LAB_PICTURES names a folder: `make pictures`."""
    folder = os.environ.get("LAB_PICTURES")
    if folder:
        # Words that only say for a moment what has been done would hide what they lie on.
        expect(page.locator(".q-notification")).to_have_count(0, timeout=15_000)
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


def dark(page: Page) -> None:
    """Whatever somebody chose who was here before."""
    if not page.locator("body.body--dark").count():
        page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("body.body--dark")).to_have_count(1)


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


@pytest.mark.timeout(900)
def test_a_night_is_solved_in_the_room_alone(room: str, operator: Operator, stack: Stack) -> None:
    """From the catalogue to the verdict: what is slow is found by looking, said with evidence,
    mended with a command, measured, and the stack is at home afterwards."""
    with opened(room) as page:
        page.goto("/")
        dark(page)
        page.get_by_label("Seed").fill("2")
        card = page.get_by_label("3am", exact=True)
        expect(card).to_be_visible()
        picture(page, "room-catalogue")
        card.get_by_role("button", name="Be on call").click()
        expect(page.get_by_role("alert").get_by_text("PAGE")).to_be_visible(timeout=PAGED_MS)
        expect(page.get_by_text("BROKEN").first).to_be_visible(timeout=60_000)
        picture(page, "room-paged")
        page.get_by_role("button", name="Acknowledge").click()

        # One click further stands the statement, with what it takes when all is well.
        page.get_by_role("button", name="Database").click()
        page.wait_for_function(
            """() => [...document.querySelectorAll('.nicegui-echart')].some((one) => {
                const drawn = getElement(+one.id.slice(1))?.chart?.getOption();
                return drawn?.title[0].text.startsWith('Time of one call')
                    && drawn.legend[0].data?.length > 0; })"""
        )
        picture(page, "room-database")
        page.get_by_role("button", name="At a glance").click()
        page.wait_for_function("room.times() >= 3")

        # An upload's way through the queue says who is slow, the statements say why.
        tab(page, "Look")
        page.get_by_role("button", name="Trace an upload").click()
        waterfall = page.get_by_label("Waterfall")
        expect(waterfall.get_by_text("POST /api/photos").first).to_be_visible(timeout=60_000)
        page.get_by_role("button", name="Where does the databases' time go?").click()
        slow = page.get_by_text("reads all of photos").first
        expect(slow).to_be_visible(timeout=90_000)
        slow.click()
        expect(page.get_by_text("Seq Scan on photos").first).to_be_visible()
        picture(page, "room-look")

        tab(page, "Diagnose")
        cite(page, "DB: rows scanned")
        expect(page.get_by_text("postgres:seq_rows:rate", exact=True)).to_be_visible()
        choose(page, "What is at fault?", "postgres-primary")
        choose(page, "What is wrong with it?", "missing-index")
        picture(page, "room-diagnose")
        page.get_by_text("This is my last word").click()
        page.get_by_role("button", name="Commit").click()
        expect(page.get_by_text("the diagnosis is recorded")).to_be_visible()

        tab(page, "Operate")
        page.get_by_label("docker compose ...").fill(
            "exec postgres-primary psql -U postgres darkroom -c 'CREATE INDEX CONCURRENTLY "
            "photos_user_recent_idx ON photos (user_id, created_at DESC, id DESC)'"
        )
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.get_by_role("log")).to_contain_text("CREATE INDEX", timeout=MEASURED_MS)
        picture(page, "room-operate")

        tab(page, "Incident")
        page.get_by_role("button", name="Resolve").click()
        expect(page.get_by_text("It holds: mitigated.")).to_be_visible(timeout=MEASURED_MS)
        picture(page, "room-resolved")
        page.get_by_role("button", name="End").click()
        page.get_by_role("button", name="Yes").click()
        tab(page, "Verdict")
        expect(page.get_by_text("mitigated: pass")).to_be_visible(timeout=MEASURED_MS)
        expect(page.get_by_text("diagnosed: pass")).to_be_visible()
        expect(page.get_by_text("The answer: postgres-primary, missing-index")).to_be_visible()
        picture(page, "room-verdict")
        with page.expect_popup() as popup:
            page.get_by_role("link", name="The whole story").click()
        story = popup.value
        story.set_viewport_size({"width": 1180, "height": 1190})
        expect(story.get_by_role("heading", name="The night on one clock")).to_be_visible()
        picture(story, "report")
        story.close()

        page.get_by_role("link", name="Past").click()
        past = page.get_by_role("row").filter(has_text="3am").first
        expect(past).to_be_visible()
        picture(page, "room-past")
        page.get_by_role("button", name="Light or dark").click()
        page.get_by_role("link", name="Night").click()
        page.wait_for_function("room.times() >= 3")
        picture(page, "room-light")
    assert operator.type("ack").code == 2, "an incident is still on"
    assert [one.name for one in stack.services() if not one.ok] == []
