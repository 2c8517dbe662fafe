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


def unfold(notebook: Notebook) -> None:
    """Open what is folded in the outputs: timelines, and parts of cards."""
    notebook.panel.evaluate("panel => panel.querySelectorAll('details').forEach(folded => folded.open = true)")


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
    expect(answer).to_contain_text("Apple")
    unfold(ran)
    answer.evaluate("answer => answer.scrollIntoView()")
    shoot(lab.page, f"{Path(ran.path).stem} {theme}")
    for shown in ran.panel.locator(".fin-answer, .finassist-tl, .finassist-chat").all():
        assert poor_contrast(shown) == []


BOX = 'class=\\"finassist-tl-box\\"'
PICTURES = {path: path.read_text(encoding="utf-8").count(BOX) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
PICTURED = sorted(PICTURES, key=lambda path: -PICTURES[path])[:3]
"""The notebooks with the most; all are made by the same code."""


@pytest.mark.parametrize("path", PICTURED, ids=lambda path: path.stem)
def test_a_notebook_that_is_not_trusted_shows_pictures_and_no_loose_words(lab: Lab, path: Path) -> None:
    """Which is every notebook that somebody else has run, before one runs it oneself."""
    name = f"not trusted {path.name}"  # the same notebook may be open, and run, under its own name
    shutil.copy(path, lab.server.folder / name)
    shutil.copytree(NOTEBOOKS / "images", lab.server.folder / "images", dirs_exist_ok=True)
    lab.page.set_viewport_size({"width": 1100, "height": 40_000})  # of what is far below nothing is drawn
    notebook = lab.notebook(name)
    try:
        expect(notebook.panel.locator(".jp-MarkdownOutput").last).to_be_visible()
        unfold(notebook)
        shown = notebook.panel.locator(".finassist-tl-box > img")
        expect(shown).to_have_count(PICTURES[path])
        for picture in shown.all():
            unfold(notebook)  # again: an output far below is drawn later
            expect(picture).to_be_visible()
            assert picture.evaluate("image => image.complete && image.naturalHeight > 0")
        words = notebook.panel.inner_text()
        assert "Critical path:" not in words
        assert "critical path" not in words.replace("the critical path", "")
    finally:
        notebook.close()
        lab.page.set_viewport_size({"width": 1280, "height": 900})
