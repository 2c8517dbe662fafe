"""Answer cards of every kind in JupyterLab: readable in both themes, and on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.pages import DARK, LIGHT, Lab, poor_contrast, sideways

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
