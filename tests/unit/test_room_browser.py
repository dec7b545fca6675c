"""The control room in a real browser, on a made-up stack: a night from its start to its verdict."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from lab.bench import room as bench
from tests.browser import CHROMIUM, cite, opened
from tests.unit.rooms import Served, served_room

pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium here: install the package chromium, or name one in CHROMIUM",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_room(tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture
def page(served: Served) -> Iterator[Page]:
    with opened(served.entrance) as page:
        yield page


def test_the_catalogue_is_searched(page: Page) -> None:
    """What is looked for stands in the address, which shows the same again."""
    page.goto("/")
    card = page.get_by_text("Something is slow")
    expect(card).to_be_visible()
    page.get_by_label("Search").fill("nothing of the kind")
    expect(page.get_by_text("No night is like that.")).to_be_visible()
    expect(page).to_have_url(re.compile("text=nothing"))
    page.reload()
    expect(page.get_by_text("No night is like that.")).to_be_visible()


def test_a_night_from_start_to_verdict(page: Page) -> None:
    """Be on call, be paged, look, mend, diagnose, end: with nothing but the room."""
    page.goto("/")
    page.get_by_role("button", name="Be on call").click()
    expect(page.get_by_role("alert").get_by_text("PAGE")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("BROKEN").first).to_be_visible()
    expect(page).to_have_title(re.compile("PAGE"))

    # It is heard on every page, and only what applies can be done.
    page.get_by_role("link", name="Catalogue").click()
    ringing = page.get_by_role("status").filter(has_text="PAGE")
    expect(ringing).to_be_visible()
    expect(page).to_have_title(re.compile("PAGE"))
    expect(page.get_by_role("button", name="Be on call")).to_be_disabled()
    ringing.click()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("alert").get_by_text(re.compile("acknowledged \\d"))).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_hidden()
    expect(page).to_have_title("Night - 3AM Lab")
    for number, left in ((1, "1 left"), (2, None)):
        page.get_by_role("button", name="Hint").click()
        page.get_by_role("button", name="Yes").click()
        expect(page.get_by_text(f"Hint {number}: look")).to_be_visible()
        button = page.get_by_role("button", name="Hint")
        expect(button).to_contain_text(left) if left else expect(button).to_be_hidden()

    # A stretch of a chart is evidence.
    page.get_by_role("tab", name="Diagnose").click()
    cite(page, "DB: rows scanned")
    expect(page.get_by_text("postgres:seq_rows:rate", exact=True)).to_be_visible()
    # Enter takes what fits first, and nothing is cited by half of a name.
    for label, typed, taken in (
        ("What is at fault?", "postgres-prim", "postgres-primary"),
        ("What is wrong with it?", "missing-in", "missing-index"),
    ):
        page.get_by_label(label).fill(typed)
        page.get_by_label(label).press("Enter")
        expect(page.get_by_label(label)).to_have_value(re.compile(f"^{taken}: "))
    order = page.get_by_label("In which order did it break? Earliest first.")
    for typed in ("postgres:seq_r", "client:latency_seconds:p9"):
        order.fill(typed)
        order.press("Enter")
        expect(order).to_have_value("")
    for name in ("postgres:seq_rows:rate", "client:latency_seconds:p95"):
        expect(page.locator(".q-chip").filter(has_text=name)).to_be_visible()
    order.press("Escape")
    text = page.get_by_label("signal, PromQL, or a panel's address")
    text.fill("queue:old")
    text.press("Enter")
    expect(text).to_have_value("queue:oldest_age_seconds")
    text.press("Enter")
    expect(text).to_have_value("")
    expect(page.get_by_text("queue:oldest_age_seconds", exact=True)).to_be_visible()
    page.get_by_text("This is my last word").click()
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("the diagnosis is recorded")).to_be_visible()
    expect(page.get_by_text("The diagnosis is final.")).to_be_visible()
    expect(page.get_by_role("button", name="Commit")).to_be_disabled()

    page.get_by_role("tab", name="Operate").click()
    command = page.get_by_label("docker compose ...")
    command.fill("docker compose down")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("is not for this room")).to_be_visible()
    command.fill(
        "exec postgres-primary psql -U postgres darkroom -c "
        "'CREATE INDEX photos_user_recent_idx ON photos (user_id)'"
    )
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("log")).to_have_text("CREATE INDEX")

    # What was typed is part of the night's story.
    page.get_by_role("tab", name="Incident").click()
    expect(
        page.get_by_text(re.compile("Did: docker compose exec postgres-primary"))
    ).to_be_visible()
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("It holds: mitigated.")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Give up")).to_be_hidden()
    page.get_by_role("tab", name="Verdict").click()
    expect(page.get_by_text("The verdict comes with its end")).to_be_visible()
    page.get_by_role("tab", name="Incident").click()
    page.get_by_role("button", name="End").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("button", name="Resolve")).to_be_hidden(timeout=30_000)
    expect(page.get_by_text("It holds: mitigated.")).to_be_hidden()
    page.get_by_role("tab", name="Verdict").click()
    expect(page.get_by_text("mitigated: pass")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("The answer: postgres-primary, missing-index")).to_be_visible()

    page.get_by_role("link", name="Past").click()
    expect(page.get_by_role("row").filter(has_text="slow")).to_be_visible()
    with page.expect_popup() as popup:
        page.get_by_role("link", name="slow").click()
    expect(popup.value.get_by_text("Something is slow").first).to_be_visible()


def test_every_board_is_a_click_away(page: Page) -> None:
    """By Grafana's names, numbers with their promise, what is up in strips; it stands in the
    address, and what one was typing is still there."""
    page.goto("/night")
    page.get_by_role("tab", name="Look").click()
    page.get_by_label("request id").fill("abc")
    page.get_by_role("button", name="Overview").click()
    number = page.get_by_label("Failing ≤ 5 %")
    expect(number).to_contain_text(re.compile(r"\d+ %"))
    page.get_by_role("button", name="Front door").click()
    expect(page.get_by_label("In the balancer", exact=True)).to_be_visible()
    page.wait_for_function(
        """() => [...document.querySelectorAll('.nicegui-echart')].some((one) => {
            const drawn = getElement(+one.id.slice(1))?.chart?.getOption();
            return drawn?.series.some((each) => each.type === 'custom' && each.data.length); })"""
    )
    expect(page.get_by_label("request id")).to_have_value("abc")
    expect(page).to_have_url(re.compile("board=front-door"))
    page.reload()
    expect(page.get_by_label("In the balancer", exact=True)).to_be_visible()


def test_an_answer_that_comes_late_is_drawn_once(page: Page) -> None:
    """On a busy machine it takes longer than until the next question; time goes one way all the
    same."""
    waited: list[float] = []

    def answer_late(route: Route) -> None:
        if len(waited) < 2:
            waited.append(time.monotonic())
            page.wait_for_timeout(2_500)
        route.continue_()

    page.route("**/feed*", answer_late)
    page.goto("/night")
    page.wait_for_function("window.room && room.times() > 3", timeout=30_000)
    times = page.evaluate(
        """() => [...document.querySelectorAll('.nicegui-echart')].flatMap(
            (one) => getElement(+one.id.slice(1)).chart.getOption().series.map(
                (line) => line.data.map(([at]) => at)))"""
    )
    assert waited
    assert any(times)
    for line in times:
        assert line == sorted(set(line))


def test_open_pages_are_measured_as_a_browser_opens_them(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bench's pages are taken for pages, ask once a second, and cost the room something."""
    monkeypatch.setattr(bench, "SETTLE_S", 1.0)
    monkeypatch.setattr(bench, "WATCH_S", 3.0)
    share = asyncio.run(bench.cost_of(served.entrance, served.pid, 2))
    assert 0 < share < 2


def test_pages_that_do_not_open_are_no_measurement(served: Served) -> None:
    """A room that is not there costs nothing, and that is not its figure."""
    with pytest.raises(httpx.HTTPError):
        asyncio.run(bench.cost_of("http://127.0.0.1:1/?token=x", served.pid, 1))
