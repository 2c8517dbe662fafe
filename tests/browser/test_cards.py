"""Answer cards of every kind in JupyterLab: readable in both themes, and on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, expect

from finassist import FinancialAssistantWorkflow
from tests.browser.pages import DARK, LIGHT, SCRIPT, Lab, barriers, poor_contrast, sideways

QUESTIONS = {
    "a report": "Tell me about Apple",
    "several companies": "Compare Apple, Microsoft and Tesla",
    "one statement": "What is Intel's income statement?",
    "all statements": "Show me the financials of Walmart",
    "a price": "What is Nvidia's stock price?",
    "a chat": "What is free cash flow?",
    "what is missing": "Compare Apple with Airbnb",
    "a question back": "Tell me about Appel",
    "help": "help",
}


@pytest.fixture(scope="module")
def cards(lab: Lab) -> Iterator[dict[str, Locator]]:
    """The card of each kind, in one notebook."""
    notebook = lab.new_notebook("cards.ipynb", *map(_cell, QUESTIONS.values()))
    notebook.run_all()
    yield {kind: notebook.cells.nth(i).locator(".fin-answer") for i, kind in enumerate(QUESTIONS)}
    notebook.close()


def _cell(question: str) -> str:
    return (
        "from finassist import FinancialAssistantWorkflow\nfrom IPython.display import HTML\n"
        f"HTML(FinancialAssistantWorkflow(db=None).run({question!r}, live=False).to_html())"
    )


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("kind", QUESTIONS)
def test_every_text_of_a_card_can_be_read(
    lab: Lab, cards: dict[str, Locator], kind: str, theme: str, shoot: Callable[..., object]
) -> None:
    lab.theme(theme)
    card = cards[kind]
    expect(card).to_have_count(1)
    shoot(card, f"card {kind} {theme}")
    card.evaluate("card => card.querySelectorAll('details').forEach(folded => folded.open = true)")
    try:
        assert poor_contrast(card) == []
    finally:
        card.evaluate("card => card.querySelectorAll('details').forEach(folded => folded.open = false)")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_no_card_has_a_barrier(lab: Lab, cards: dict[str, Locator], theme: str) -> None:
    lab.theme(theme)
    shown = lab.page.locator(".fin-answer")
    expect(shown).to_have_count(len(cards))
    shown.evaluate_all("cards => cards.forEach(c => c.querySelectorAll('details').forEach(each => each.open = true))")
    try:
        assert barriers(shown) == []
    finally:
        shown.evaluate_all(
            "cards => cards.forEach(c => c.querySelectorAll('details').forEach(each => each.open = false))"
        )


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_card_fits_a_narrow_screen(
    lab: Lab, cards: dict[str, Locator], kind: str, shoot: Callable[..., object]
) -> None:
    lab.page.set_viewport_size({"width": 480, "height": 900})
    try:
        shoot(cards[kind], f"card {kind} narrow")
        assert sideways(cards[kind]) == []
    finally:
        lab.page.set_viewport_size({"width": 1280, "height": 900})


def test_cards_ask_nobody_for_anything(lab: Lab, cards: dict[str, Locator]) -> None:
    assert (lab.errors, lab.foreign) == ([], [])


def test_a_plotted_answer_is_alive_in_the_browser(lab: Lab) -> None:
    """Its image is only for pages that cannot run Plotly."""
    notebook = lab.new_notebook("plot.ipynb")
    notebook.run(
        "from finassist import FinancialAssistantWorkflow\n"
        "answer = FinancialAssistantWorkflow(db=None).run('Compare Apple and Microsoft', live=False)"
    )
    for cell in ("answer.plot()", "answer.plot().show()"):
        shown = notebook.run(cell)
        expect(shown.locator(".js-plotly-plot")).to_be_visible()
        expect(shown.locator("svg[aria-label]")).to_have_count(0)
    notebook.close()


@pytest.mark.parametrize(
    ("question", "most", "first"),
    [
        ("Tell me about Nvidia", 1600, "Concerns"),
        ("Tell me about JPMorgan", 1600, "Strengths"),
        ("Tell me about Berkshire Hathaway", 1600, "Strengths"),
        ("Compare Apple, Microsoft and Nvidia", 1800, "Return on equity (year-end)"),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_is_short_and_opens_with_what_matters(
    browser: Browser, question: str, most: int, first: str, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page.add_init_script(SCRIPT)
    page.goto("about:blank")
    try:
        page.set_content(f"<!DOCTYPE html>{FinancialAssistantWorkflow(db=None).run(question, live=False).to_html()}")
        card = page.locator(".fin-answer")
        top, height = (_box(card)[side] for side in ("y", "height"))
        headline = _box(card.locator(".fin-headline"))
        assert height <= most
        assert headline["y"] + headline["height"] - top <= 120
        shown = _box(card.get_by_text(first, exact=True).first)
        assert shown["y"] + shown["height"] <= 900
        assert card.locator("details[open]").count() == 0
        assert not card.get_by_text("Total liabilities", exact=True).first.is_visible()
        assert poor_contrast(card) == []
        assert sideways(card) == []
    finally:
        page.close()


def test_the_sources_of_a_card_are_reached_with_the_keyboard(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    try:
        page.set_content(FinancialAssistantWorkflow(db=None).run("Tell me about Nvidia", live=False).to_html())
        sources = page.locator("details", has=page.get_by_text("Sources", exact=False)).last
        sources.locator("summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.href").startswith("https://www.sec.gov/Archives/")
    finally:
        page.close()


def _box(area: Locator) -> dict[str, float]:
    found = area.bounding_box()
    assert found
    return dict(found)
