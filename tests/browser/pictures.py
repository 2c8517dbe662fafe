"""Take the pictures that the README and the notebooks show, and write them to notebooks/images/.

python -m tests.browser.pictures
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import expect, sync_playwright

from tests.browser import chromium
from tests.browser.conftest import HERE, Gates
from tests.browser.lab import jupyterlab
from tests.browser.pages import DARK, LIGHT, Lab, Notebook
from tests.browser.panels import Panel
from tests.execute_notebooks import NOTEBOOKS

IMAGES = NOTEBOOKS / "images"
MODERATE = {"width": 1000, "height": 860}


def panel(notebook: Notebook, gates: Gates) -> None:
    """The chat panel: an answer that is being made, and the conversation before it."""
    shown = Panel.opened(notebook, "picture")
    gates.shut("profile", "quote", "history", "income", "balance_sheet", "cash_flow")
    shown.ask("Compare Apple and Microsoft")
    for names in (("profile", "quote MSFT"), ("quote", "history AAPL"), ("income", "cash_flow MSFT")):
        shown.page.wait_for_timeout(450)
        gates.open(*names)
    shown.page.wait_for_timeout(300)
    shown.area.screenshot(path=IMAGES / "panel.png")
    gates.open()
    expect(shown.stop).to_be_hidden()


def report(notebook: Notebook) -> None:
    """The card of an answer."""
    notebook.run("answer = await workflow.arun('Tell me about Nvidia', live=False)")
    card = notebook.run("answer").locator(".fin-answer")
    expect(card).to_be_visible()
    card.evaluate("card => card.scrollIntoView()")
    box = card.bounding_box()
    assert box is not None
    clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": 536}
    notebook.page.screenshot(path=IMAGES / "card.png", clip=clip)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory(ignore_cleanup_errors=True) as root, sync_playwright() as playwright:
        path = chromium.find(playwright)
        assert path is not None, chromium.MISSING
        browser = chromium.launch(playwright, path)
        with jupyterlab(Path(root)) as server:
            shutil.copy(HERE / "gated.py", server.folder)
            (server.folder / "gates").mkdir()
            lab = Lab(browser, server, viewport=MODERATE).open()
            notebook = lab.new_notebook("pictures.ipynb")
            notebook.run("from gated import gated_workflow\nworkflow = gated_workflow(db=None)")
            lab.theme(LIGHT)
            panel(notebook, Gates(server.folder / "gates"))
            lab.theme(DARK)
            report(notebook)
        browser.close()
    for image in sorted(IMAGES.iterdir()):
        print(f"{image.name}: {image.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
