"""The Streamlit page in the browser: ask, watch, read, in both themes, and nobody else is asked for anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.lab import streamlit
from tests.browser.pages import Watched, barriers

AT_THE_TOP = """() => {
    const top = document.querySelector(".st-key-newest").getBoundingClientRect().top;
    return top > 0 && top < 120;
}"""

pytest.importorskip("streamlit", reason="the streamlit extra is not installed")


def test_a_question_is_answered_in_both_themes(browser: Browser, tmp_path: Path, shoot: Callable[..., object]) -> None:
    with streamlit(tmp_path) as server:
        for theme in ("light", "dark"):
            watched = Watched(browser, server, color_scheme=theme)
            try:
                page = watched.page
                page.goto(server.url)
                page.get_by_role("button", name="What is Apple's stock price?").click()
                expect(page.locator(".fin-answer")).to_contain_text("309.35")
                page.get_by_test_id("stExpander").get_by_text(" tasks in ").click()
                expect(page.get_by_test_id("stImage").locator("img")).to_be_visible()
                expect(page.get_by_text("Tell me about Apple")).to_have_count(1)
                shoot(page, f"streamlit-{theme}")
                page.get_by_test_id("stChatInputTextArea").fill("Tell me about Nvidia")
                page.keyboard.press("Enter")
                newest = page.locator(".fin-answer").nth(1)
                expect(newest).to_contain_text("215,938")
                page.wait_for_function(AT_THE_TOP)
                expect(newest.locator(".fin-headline")).to_be_in_viewport()
                expect(page.locator(".fin-answer").first).to_contain_text("You could ask next")
                shoot(page, f"streamlit-followed-{theme}")
                expect(page.get_by_role("button", name="Tell me about Apple")).to_have_count(0)
                assert barriers(page.locator("html")) == []
                assert watched.foreign == []
            finally:
                watched.close()
