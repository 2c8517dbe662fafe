"""Take the pictures that the README, the site and the notebooks show, and write them to notebooks/images/.

python -m tests.browser.pictures
"""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.browser import chromium
from tests.browser.conftest import HERE, Gates
from tests.browser.lab import jupyterlab
from tests.browser.pages import DARK, LIGHT, Lab, Notebook
from tests.browser.panels import Panel
from tests.execute_notebooks import NOTEBOOKS

IMAGES = NOTEBOOKS / "images"
MODERATE, WIDE = {"width": 1000, "height": 860}, {"width": 1280, "height": 860}
NEEDS = ("profile", "quote", "history", "income", "balance_sheet", "cash_flow")
FILM = 800
"""Pixels from side to side of the moving picture."""


class Film:
    """Screenshots of a panel, one after the other, as an animated picture that also GitHub shows."""

    def __init__(self, shown: Panel) -> None:
        self._area, self._frames, self._times = shown.area, list[Image.Image](), list[int]()

    def take(self, milliseconds: int) -> None:
        """What the panel shows now, for this long."""
        picture = Image.open(BytesIO(self._area.screenshot()))
        self._frames.append(picture.convert("RGB").resize((FILM, picture.height * FILM // picture.width)))
        self._times.append(milliseconds)

    def save(self, path: Path) -> None:
        together = Image.new("RGB", (FILM, sum(frame.height for frame in self._frames)))
        for number, frame in enumerate(self._frames):
            together.paste(frame, (0, number * self._frames[0].height))
        colours = together.quantize(255)  # the same for all, so that what does not move is stored once
        frames = [frame.quantize(palette=colours, dither=0) for frame in self._frames]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=self._times, loop=0, optimize=True)


def asking(notebook: Notebook, gates: Gates) -> None:
    """A question is typed, its figures arrive, and the answer stands there."""
    shown = Panel.opened(notebook, "film")
    film = Film(shown)
    film.take(900)
    question = "Compare Apple and Microsoft"
    for end in range(4, len(question), 4):
        shown.question.fill(question[:end])
        film.take(120)
    shown.question.fill(question)
    film.take(700)
    for company in ("AAPL", "MSFT"):
        gates.shut(*(f"{need} {company}" for need in NEEDS))
    turn = shown.ask(question)
    expect(turn).to_contain_text("MSFT cash flow")
    for number, need in enumerate(NEEDS):
        for company in ("AAPL", "MSFT")[:: 1 if number % 2 else -1]:
            shown.page.wait_for_timeout(200)
            film.take(250)
            gates.open(f"{need} {company}")
    expect(turn.locator(".fin-answer")).to_be_visible()
    expect(shown.stop).to_be_hidden()
    film.take(4000)
    film.save(IMAGES / "asking.gif")


def panel(notebook: Notebook, gates: Gates) -> None:
    """The chat panel: an answer that is being made, and the conversation before it."""
    shown = Panel.opened(notebook, "picture")
    gates.shut(*NEEDS)
    shown.ask("Compare Apple and Microsoft")
    for names in (("profile", "quote MSFT"), ("quote", "history AAPL"), ("income", "cash_flow MSFT")):
        shown.page.wait_for_timeout(450)
        gates.open(*names)
    shown.page.wait_for_timeout(300)
    shown.area.screenshot(path=IMAGES / "panel.png")
    gates.open()
    expect(shown.stop).to_be_hidden()


def report(notebook: Notebook) -> None:
    """The card of an answer, as wide as it likes to be."""
    notebook.page.set_viewport_size(WIDE)
    notebook.run("from finassist import FinancialAssistantWorkflow\nworkflow = FinancialAssistantWorkflow(db=None)")
    notebook.run("answer = await workflow.arun('Tell me about Nvidia', live=False)")
    card = notebook.run("answer").locator(".fin-answer")
    expect(card).to_be_visible()
    card.evaluate("card => card.scrollIntoView()")
    box = card.bounding_box()
    assert box is not None
    clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": 566}
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
            notebook.run("await workflow.arun('Compare Coke and Pepsi', session_id='before')")  # the next one is quick
            asking(notebook, gates := Gates(server.folder / "gates"))
            panel(notebook, gates)
            lab.theme(DARK)
            report(notebook)
        browser.close()
    for image in sorted(IMAGES.iterdir()):
        print(f"{image.name}: {image.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
