"""The charts of the room in a real browser, with whatever may come from the feed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import CHROMIUM, opened
from tests.unit.rooms import Served
from tests.unit.test_room_browser import served  # noqa: F401 - a fixture

pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium here: install the package chromium, or name one in CHROMIUM",
)

ERRORS = "client:errors:ratio"
CPU = "container:cpu:ratio"

Answer = Callable[[dict[str, str]], dict[str, Any]]

SHOWN = """(name) => {
    const element = [...document.querySelectorAll('.nicegui-echart')]
        .find((one) => one.getAttribute('aria-label') === name);
    const drawn = element && getElement(+element.id.slice(1))?.chart;
    const option = drawn && drawn.getOption();
    return option && {
        axis: option.xAxis[0].show ? [option.xAxis[0].min, option.xAxis[0].max] : null,
        named: option.legend[0].data,
        lines: option.series.map((one) => ({name: one.name, color: one.color, data: one.data})),
    };
}"""
"""What a chart shows: its axis once there is one, the names above it, its lines."""


@pytest.fixture
def page(served: Served) -> Iterator[Page]:  # noqa: F811 - the fixture
    with opened(served.entrance) as page:
        yield page


def told(signals: dict[str, Any], until: float, **more: Any) -> dict[str, Any]:
    """What the feed says."""
    empty: dict[str, Any] = {"blind": None, "night": None, "looks": {}, "calm": {}}
    return {**empty, "until": until, "signals": signals, **more}


def feeds(page: Page, answer: Answer) -> None:
    """Let the feed of the page's charts say this, by what is asked."""

    def fulfil(route: Route) -> None:
        asked = dict(part.split("=") for part in route.request.url.partition("?")[2].split("&"))
        route.fulfill(body=json.dumps(answer(asked)), content_type="application/json")

    page.route("**/feed*", fulfil)


def test_a_chart_can_be_pointed_at_whatever_was_measured(page: Page) -> None:
    """A gap, no value, nothing, very much: the tooltip says so, and goes away with the mouse."""
    now = float(int(time.time()))
    odd = [0, None, 1e300, -1e300, 5e-324, 1e21, 0.5, None]
    points = [[now - 60 + n, value] for n, value in enumerate(odd)]
    points += [[now - 20 + n, 0.1] for n in range(20)]
    feeds(page, lambda _: told({ERRORS: {"": points}}, now))
    page.goto("/night")
    page.wait_for_function("window.room && room.times() > 1", timeout=30_000)
    chart = page.get_by_label("Customers fail")
    box = chart.bounding_box()
    assert box is not None
    for share in (0.3, 0.7, 0.75, 0.77, 0.79, 0.81, 0.9, 0.97):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 70, steps=4)
    expect(chart.get_by_text("10 %")).to_be_visible()
    page.mouse.move(5, 5)
    expect(chart.get_by_text("10 %")).to_be_hidden()


def test_what_is_told_twice_is_drawn_once(page: Page) -> None:
    """After a return, or when the room begins anew, some of it comes again: time goes one way."""
    now = float(int(time.time()))

    def answer(_: dict[str, str]) -> dict[str, Any]:
        return told({ERRORS: {"": [[now - 30 + n, 0.1] for n in range(30)]}}, now)

    feeds(page, answer)
    page.goto("/night")
    page.wait_for_function("window.room && room.times() > 2", timeout=30_000)
    (line,) = page.evaluate(SHOWN, "Customers fail")["lines"]
    times = [at for at, _ in line["data"]]
    assert times == sorted(set(times))
    assert len(times) == 30


def test_nothing_is_no_time(page: Page) -> None:
    """Until the first points are there a chart has no clock, and then it is that of the stack."""
    until = [0.0]
    now = float(int(time.time())) - 7200  # whoever looks may have another clock

    def answer(_: dict[str, str]) -> dict[str, Any]:
        known = {ERRORS: {"": [[now - n, 0.1] for n in range(60, 0, -1)]}} if until[0] else {}
        return told(known, until[0])

    feeds(page, answer)
    page.goto("/night")
    page.wait_for_function("window.room")
    with page.expect_response("**/feed*"):
        pass
    assert page.evaluate(SHOWN, "Customers fail")["axis"] is None
    until[0] = now
    page.wait_for_function("room.times() > 0")
    assert page.evaluate(SHOWN, "Customers fail")["axis"] == [(now - 300) * 1000, now * 1000]


def test_an_hour_and_the_whole_night_are_shown(page: Page) -> None:
    """Whoever looks further back has what was then; the night is as long as it is."""
    now = float(int(time.time()))
    asked_back: list[float] = []

    def answer(asked: dict[str, str]) -> dict[str, Any]:
        back = float(asked["back"])
        asked_back.append(back)
        begin = max(now - back, float(asked["since"]) + 1)
        points = [[begin + 4 * n, 0.1] for n in range(int((now - begin) / 4) + 1)]
        return told({ERRORS: {"": points}} if points else {}, now, night=now - 2400)

    feeds(page, answer)
    page.goto("/night")
    page.wait_for_function("window.room && room.times() > 0", timeout=30_000)
    assert {*asked_back} == {900}
    for button, seconds in (("1 h", 3600), ("night", 2460), ("30 min", 1800), ("5 min", 300)):
        page.get_by_role("button", name=button, exact=True).click()
        page.wait_for_function(
            f"""(name) => {{
                const {{axis, lines}} = ({SHOWN})(name);
                return axis && axis[1] - axis[0] === {seconds * 1000} && lines.length
                    && lines[0].data[0][0] <= axis[0] + 5000; }}""",
            arg="Customers fail",
        )
    assert max(asked_back) == 3600


def test_lines_are_named_and_keep_their_colours(page: Page) -> None:
    """As many names as have room, those that went furthest from the calm first, and how many more
    there are; a colour is the same on every visit, whatever is on top."""
    now = float(int(time.time()))
    services = ["nginx", "api-1", "api-2", "api-3", "worker", "postgres-primary", "redis-cache"]
    worst = ["postgres-primary"]

    def answer(_: dict[str, str]) -> dict[str, Any]:
        lines = {
            name: [[now - n, 0.9 if name in worst and n < 30 else 0.3] for n in range(60, 0, -1)]
            for name in services
        }
        looked = {name: [f"#0000{n:02d}", False] for n, name in enumerate(services)}
        calm = {CPU: dict.fromkeys(services, 0.3)}
        return told({CPU: lines}, now, looks={CPU: looked}, calm=calm)

    feeds(page, answer)
    seen: list[dict[str, str]] = []
    for name in ("postgres-primary", "worker"):
        worst[:] = [name]
        page.goto("/night")
        page.wait_for_function("window.room && room.times() > 0", timeout=30_000)
        shown = page.evaluate(SHOWN, "CPU of the limit")
        assert shown["named"][0] == name
        assert {line["name"] for line in shown["lines"]} == {*services}
        seen.append({line["name"]: line["color"] for line in shown["lines"]})
        words = page.evaluate(
            """(name) => { const element = document.querySelector(`[aria-label="${name}"]`);
                const {legend} = getElement(+element.id.slice(1)).chart.getOption();
                return legend[0].data.map(legend[0].formatter); }""",
            "CPU of the limit",
        )
        assert words[0].startswith(f"{name} 90 %")
        assert words[-1].endswith(f"+ {len(services) - len(words)}")
    assert seen[0] == seen[1]


@pytest.mark.parametrize("size", [(1280, 800), (1600, 1000)])
def test_a_page_has_one_scroll_bar_at_most(page: Page, size: tuple[int, int]) -> None:
    """Charts and tools scroll by themselves; then the page does not."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto("/night")
    page.wait_for_function("window.room && room.times() > 0", timeout=30_000)
    tall, high = page.evaluate("[document.scrollingElement.scrollHeight, innerHeight]")
    assert tall == high
