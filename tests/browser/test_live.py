"""A run as it is watched: in a cell, while it goes on, when it is stopped, and afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Gates
from tests.browser.pages import Lab, Notebook

PRICES = "Compare the stock prices of Apple and Microsoft"


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Notebook]:
    notebook = lab.new_notebook("live.ipynb")
    notebook.run("from gated import gated_workflow\nworkflow = gated_workflow(db=None)")
    yield notebook
    notebook.close()


def test_the_stop_button_stops_a_run(notebook: Notebook, gates: Gates, shoot: Callable[..., object]) -> None:
    gates.shut("quote MSFT")
    shown = notebook.start(f'print("asked")\nawait workflow.arun("{PRICES}")')
    expect(shown).to_contain_text("asked")
    notebook.press("Interrupt the kernel")
    notebook.wait()
    shoot(notebook.page, "stopped")
    assert notebook.printed("print(workflow.answers()[-1].status.value)") == "CANCELLED\n"
