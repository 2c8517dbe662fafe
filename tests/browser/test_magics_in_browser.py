"""`%%ask` and `%finassist` in a cell of JupyterLab."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Gates
from tests.browser.pages import Lab, Notebook

pytestmark = pytest.mark.usefixtures("calm")


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Notebook]:
    notebook = lab.new_notebook("magics.ipynb")
    notebook.run("%load_ext finassist\nfrom gated import gated_workflow\nworkflow = gated_workflow()")
    yield notebook
    notebook.close()


def test_a_cell_is_a_question(notebook: Notebook, gates: Gates, shoot: Callable[..., object]) -> None:
    gates.shut("quote AAPL")
    shown = notebook.start("%%ask --with workflow --to answer\nWhat is Apple's stock price?")
    expect(shown.get_by_role("option", name="AAPL quote: running")).to_be_visible()
    gates.open()
    expect(shown.locator(".fin-answer")).to_contain_text("309.35")
    notebook.wait()
    expect(shown.locator(".fin-answer")).to_have_count(1)
    shoot(shown, "magics ask")
    assert notebook.printed("print(answer.symbols)") == "['AAPL']\n"


def test_a_conversation_goes_on_in_the_next_cell(notebook: Notebook) -> None:
    notebook.run("%%ask\nWhat is Apple's stock price?")
    shown = notebook.run("%%ask\nWhat about Tesla?")
    expect(shown.locator(".fin-answer")).to_contain_text("Tesla")


def test_a_cell_that_is_a_question_is_stopped_like_any_other(notebook: Notebook, gates: Gates) -> None:
    gates.shut("quote AAPL")
    shown = notebook.start("%%ask --with workflow\nWhat is Apple's stock price?")
    expect(shown.get_by_role("option", name="AAPL quote: running")).to_be_visible()
    notebook.press("Interrupt the kernel")
    notebook.wait()
    expect(shown.get_by_role("img", name="Timeline of the run: stopped")).to_be_visible()


def test_what_goes_on_is_told(notebook: Notebook) -> None:
    expect(notebook.run("%finassist status")).to_contain_text("finassist")
    expect(notebook.run("%finassist sessions")).to_contain_text("What is Apple's stock price?")


@pytest.mark.parametrize("cell", ["%%ask\n", "%%ask --to 1x\nhelp", "%finassist dance"])
def test_a_mistake_is_told_in_a_sentence(notebook: Notebook, cell: str) -> None:
    shown = notebook.run(cell)
    expect(shown).to_contain_text("UsageError")
    expect(shown).not_to_contain_text("Traceback")
