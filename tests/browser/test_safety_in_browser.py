"""Every payload on every surface in a real browser: no probe fires, and nobody is asked for anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from finassist.reporting.html import CSS, conversation_html
from tests.payloads import PAYLOADS, SURFACES, reply

TEXTS = [text for group in PAYLOADS.values() for text in group]

PROBE = """
window.fired = [];
window.probe = where => window.fired.push(String(where ?? "probe"));
window.alert = window.probe;
"""

TOUCH = """() => {
    const kinds = ["mouseover", "pointerover", "focus", "focusin", "toggle", "animationend", "load", "error"];
    for (const element of document.querySelectorAll("*")) {
        for (const kind of kinds) element.dispatchEvent(new Event(kind, {bubbles: true}));
        if (!element.closest("a")) element.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
    }
    for (const folded of document.querySelectorAll("details")) folded.open = true;
    return new Promise(done => requestAnimationFrame(() => setTimeout(() => done(window.fired), 50)));
}"""


class Watched:
    """A page that counts who is asked, and asks nobody."""

    def __init__(self, browser: Browser) -> None:
        self.asked: list[str] = []
        self._context = browser.new_context()
        self._context.add_init_script(PROBE)
        self._context.route("**/*", self._refuse)
        self.page: Page = self._context.new_page()

    def close(self) -> None:
        self._context.close()

    def show(self, html: str) -> list[str]:
        """Show a page, touch everything on it, and tell which probes fired."""
        self.page.goto("about:blank")
        self.page.set_content(html, wait_until="load")
        return self.page.evaluate(TOUCH)

    def _refuse(self, route: Route) -> None:
        self.asked.append(route.request.url)
        route.abort()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    watched = Watched(browser)
    yield watched
    watched.close()


def page_of(*parts: str) -> str:
    body = "".join(f"<section>{part}</section>" for part in parts)
    return f"<!DOCTYPE html><meta charset=utf-8><style>{CSS}</style><body>{body}</body>"


def test_the_probes_work(watched: Watched) -> None:
    assert watched.show(page_of(*PAYLOADS["handlers"], *PAYLOADS["svg"]))
    assert any("evil.example" in url for url in watched.asked)


@pytest.mark.parametrize("surface", SURFACES)
def test_no_probe_fires_and_nobody_is_asked(watched: Watched, surface: str) -> None:
    fired = watched.show(page_of(*map(SURFACES[surface], TEXTS)))
    assert (fired, watched.asked) == ([], [])
    handlers = (
        "() => [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => /^on/i.test(n))"
    )
    assert watched.page.evaluate(handlers) == []
    pictures = 'img:not([src^="data:image/svg+xml;base64,"])'  # which load nothing and run nothing
    elements = (
        f"() => document.querySelectorAll('script, {pictures}, iframe, object, embed, link, base, form, meta').length"
    )
    assert watched.page.evaluate(elements) == 1, "only the page's own meta"


def test_an_exported_page_of_all_payloads(watched: Watched) -> None:
    html = conversation_html([reply(text, "chat") for text in TEXTS] + [reply(text, "report") for text in TEXTS[::10]])
    assert (watched.show(html), watched.asked) == ([], [])
    assert watched.page.locator(".fin-answer").count() == len(TEXTS) + len(TEXTS[::10])
