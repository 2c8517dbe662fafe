"""The quickstart notebook as a newcomer meets it: a clean JupyterLab, Run All, light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.pages import DARK, LIGHT, Lab, Notebook, poor_contrast
from tests.execute_notebooks import NOTEBOOKS


@pytest.fixture(scope="module")
def quickstart(lab: Lab) -> Iterator[Notebook]:
    shutil.copy(NOTEBOOKS / "01_quickstart.ipynb", lab.server.folder)
    notebook = lab.notebook("01_quickstart.ipynb")
    notebook.run_all()
    yield notebook
    notebook.close()


def test_every_cell_runs_without_an_error(quickstart: Notebook) -> None:
    for outputs in quickstart.outputs():
        for output in outputs:
            assert output["output_type"] != "error", output
            assert output.get("name") != "stderr", output


def test_the_page_complains_about_nothing_and_asks_nobody_else(lab: Lab, quickstart: Notebook) -> None:
    assert (lab.errors, lab.foreign) == ([], [])


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_an_answer_is_readable_in_both_themes(
    lab: Lab, quickstart: Notebook, theme: str, shoot: Callable[..., object]
) -> None:
    lab.theme(theme)
    card = quickstart.panel.locator(".fin-answer").first
    expect(card).to_contain_text("Apple Inc.")
    card.evaluate("card => card.scrollIntoView()")
    shoot(lab.page, f"quickstart {theme}")
    assert poor_contrast(card) == []
