"""The notebooks as a newcomer meets them: a clean JupyterLab, Run All, light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.pages import DARK, LIGHT, Lab, Notebook, poor_contrast
from tests.execute_notebooks import NOTEBOOKS

PATHS = [NOTEBOOKS / "01_quickstart.ipynb", NOTEBOOKS / "02_watch_it_work.ipynb"]


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def ran(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    """A notebook of the project, opened and run from top to bottom."""
    path: Path = request.param
    shutil.copy(path, lab.server.folder)
    shutil.copytree(NOTEBOOKS / "images", lab.server.folder / "images", dirs_exist_ok=True)
    lab.errors.clear()
    notebook = lab.notebook(path.name)
    notebook.run_all()
    yield notebook
    notebook.close()


def test_every_cell_runs_without_an_error(ran: Notebook) -> None:
    for outputs in ran.outputs():
        for output in outputs:
            assert output["output_type"] != "error", output
            assert output.get("name") != "stderr", output


def test_the_page_complains_about_nothing_and_asks_nobody_else(lab: Lab, ran: Notebook) -> None:
    assert (lab.errors, lab.foreign) == ([], [])


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_its_answers_are_readable_in_both_themes(
    lab: Lab, ran: Notebook, theme: str, shoot: Callable[..., object]
) -> None:
    lab.theme(theme)
    answer = ran.panel.locator(".finassist-run, .fin-answer").first
    expect(answer).to_contain_text("Apple Inc.")
    answer.evaluate("answer => answer.scrollIntoView()")
    shoot(lab.page, f"{Path(ran.path).stem} {theme}")
    for shown in ran.panel.locator(".fin-answer, .finassist-tl, .finassist-chat").all():
        assert poor_contrast(shown) == []
