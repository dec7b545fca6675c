"""A real browser for tests of the control room, and how a person uses it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)

ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # A browser that looks for its maker finds a closed network here.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def opened(entrance: str, expected: str | None = None) -> Iterator[Page]:
    """A laptop's browser, let in by that address; whatever a page complains of fails the test, and
    so does whatever its policy forbids, but for what is `expected` to be forbidden."""
    complaints: list[str] = []
    url = entrance.partition("?")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        page = browser.new_page(viewport={"width": 1280, "height": 720}, base_url=url)
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.extend(_forbidden(said.text)))
        assert page.request.get(entrance).ok
        yield page
        browser.close()
    if expected is None:
        assert complaints == [], complaints
    else:
        assert complaints
        assert all(expected in one for one in complaints)


def _forbidden(said: str) -> list[str]:
    return [said] if "Content Security Policy" in said else []


def choose(page: Page, label: str, word: str) -> None:
    """One of a long list, by typing."""
    field = page.get_by_label(label)
    field.click()
    field.fill(word)
    page.get_by_role("option").filter(has_text=word).first.click()
    page.keyboard.press("Escape")


def cite(page: Page, chart: str) -> None:
    """Drag over the right end of a chart: that stretch is evidence."""
    box = page.get_by_label(chart).bounding_box()
    assert box is not None
    y = box["y"] + 70
    page.mouse.move(box["x"] + 0.8 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, y, steps=5)
    page.mouse.up()
