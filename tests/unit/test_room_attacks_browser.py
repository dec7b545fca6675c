"""What is tried against an open room in a real browser: by other pages, and by words that would be
more than words."""

from __future__ import annotations

import functools
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import CHROMIUM, opened
from tests.unit.rooms import Served, served_room

pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium here: install the package chromium, or name one in CHROMIUM",
)

STING = "window.stung = (window.stung || 0) + 1"
WORDS = [
    f'x" onclick="{STING}" onfocus="{STING}" autofocus x="',
    f'x" :onclick="{STING}" style="position:fixed;inset:0" @click="{STING}"',
    f"<img src=x onerror='{STING}'>",
    f"javascript://%0a{STING}",
    r'rate(http_requests{path=~"/api/\d+"}[5s])',
    "{{ constructor.constructor('window.stung=1')() }}",
    "`${window.stung = 1}`",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_room(tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture
def page(served: Served) -> Iterator[Page]:
    with opened(served.entrance) as page:
        yield page


def test_what_is_cited_is_words(page: Page) -> None:
    """Whatever is typed as evidence is shown as it was typed, and is named so to whoever hears the
    page; nothing of it becomes an attribute, a style or a script."""
    page.goto("/night")
    page.get_by_role("tab", name="Diagnose").click()
    field = page.get_by_label("signal, PromQL, or a panel's address")
    for words in WORDS:
        field.fill(words)
        page.get_by_role("button", name="Cite").click()
        expect(page.get_by_text(words, exact=True)).to_be_visible()
        button = page.get_by_role("button", name=f"Leave out {words}", exact=True)
        expect(button).to_be_visible()
        names = set(button.evaluate("(one) => one.getAttributeNames()"))
        assert names <= {"id", "class", "tabindex", "type", "aria-label", "style"}
        assert button.evaluate("(one) => getComputedStyle(one).position") != "fixed"
        button.focus()
        button.click()
        expect(page.get_by_text(words, exact=True)).to_have_count(0)
    assert page.evaluate("window.stung") is None


def test_what_was_measured_is_words(page: Page) -> None:
    """A statement begins with whatever comment its client gave it, and a path is what somebody
    asked for: over a strip or a curve they are told as they are."""
    words = f"<img src=x onerror='{STING}'>"
    now = time.time()
    points = [[now - 60 + at, 1.0] for at in range(60)]

    def tell(route: Route) -> None:
        signals = {
            name: {words: points} for name in ("nginx:upstream_up", "nginx:upstream_requests:rate")
        }
        told = {"until": now, "blind": None, "signals": signals, "looks": {}, "calm": {}}
        route.fulfill(body=json.dumps(told), content_type="application/json")

    page.route("**/feed*", tell)
    page.goto("/night?board=front-door")
    page.wait_for_function("window.room && room.times() > 1")
    shown = page.evaluate(
        """() => [...document.querySelectorAll('.nicegui-echart')].flatMap((one) => {
            const drawn = getElement(+one.id.slice(1)).chart;
            if (!drawn.getOption().series.some((each) => each.data.length)) return [];
            drawn.dispatchAction({ type: 'showTip', seriesIndex: 0, dataIndex: 1 });
            drawn.dispatchAction({ type: 'showTip', seriesIndex: 0, dataIndex: 0 });
            return [drawn.getDom().innerText]; })"""
    )
    assert len(shown) == 2
    for each in shown:
        assert words in each
    page.wait_for_function("[...document.images].every((one) => one.complete)")
    assert page.evaluate("window.stung") is None


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """Somebody else's pages: the folder that they are in, and the port of this machine where they
    are served."""
    quiet = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path, server.server_port
        server.shutdown()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_link_that_somebody_sent_lets_one_in(
    served: Served, elsewhere: tuple[Path, int], host: str
) -> None:
    """From another site (a chat, for one) as from another port of this machine."""
    folder, port = elsewhere
    (folder / "index.html").write_text(f'<a href="{served.entrance}">come</a>')
    with opened(served.entrance) as page:
        page.context.clear_cookies()
        page.goto(f"http://{host}:{port}/")
        page.get_by_role("link").click()
        expect(page.get_by_label("Search")).to_be_visible()
        expect(page).to_have_url(f"{served.url}/")
        assert page.evaluate("document.cookie") == ""


def test_who_comes_from_elsewhere_without_the_token_goes_in_by_hand(
    served: Served, elsewhere: tuple[Path, int]
) -> None:
    """A browser that has the cookie keeps it back for another site's link, and not for our own."""
    folder, port = elsewhere
    (folder / "index.html").write_text(f'<a href="{served.url}/night">look</a>')
    with opened(served.entrance) as page:
        page.goto(f"http://localhost:{port}/")
        page.get_by_role("link").click()
        expect(page.get_by_text("asks for its token")).to_be_visible()
        page.get_by_role("link", name="goes in").click()
        expect(page.get_by_label("Search")).to_be_visible()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_another_page_gets_nothing(served: Served, elsewhere: tuple[Path, int], host: str) -> None:
    """With the cookie in the same browser: no socket, nothing to read, no frame. To a browser
    another port of 127.0.0.1 is the same site, and is sent the cookie."""
    folder, port = elsewhere
    (folder / "index.html").write_text(f'<iframe src="{served.url}/night"></iframe>')
    with opened(served.entrance, expected="frame-ancestors") as page:
        page.goto(f"http://{host}:{port}/")
        tried = page.evaluate(
            """async (room) => {
                const asked = (path, how) => fetch(room + path, { credentials: "include", ...how })
                    .then((answer) => `${answer.status} ${answer.type}`, () => "refused");
                const socket = (path) => new Promise((done) => {
                    const one = new WebSocket(room.replace("http", "ws") + path);
                    one.onopen = () => done("open");
                    one.onerror = () => done("refused");
                });
                const io = "/_nicegui_ws/socket.io/?EIO=4&transport=";
                return {
                    read: await asked("/feed"),
                    poll: await asked(io + "polling"),
                    change: await asked(io + "polling", { method: "POST", body: "40" }),
                    socket: await socket(io + "websocket"),
                };
            }""",
            served.url,
        )
        assert tried == dict.fromkeys(("read", "poll", "change", "socket"), "refused")
        (frame,) = [one for one in page.frames if one is not page.main_frame]
        assert frame.get_by_role("tab").count() == 0
        assert "night" not in frame.url
