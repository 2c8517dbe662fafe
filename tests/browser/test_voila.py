"""The chat panel as a page of its own: Voilà shows the notebook without its code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
from playwright.sync_api import Browser

from tests.browser.lab import voila
from tests.browser.pages import Watched
from tests.browser.panels import Panel

# Voilà's own template asks for its icons there; nothing of ours does.
ICONS = "https://cdn.jsdelivr.net/npm/@fortawesome/"


def test_voila_shows_the_panel(browser: Browser, tmp_path: Path, shoot: Callable[..., object]) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    path = folder / "panel.ipynb"
    code = "from finassist import FinancialAssistantWorkflow\nFinancialAssistantWorkflow().chat()"
    cells = [nbformat.v4.new_code_cell(code)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    with voila(tmp_path, path) as server:
        watched = Watched(browser, server)
        try:
            watched.page.goto(server.page(""))
            panel = Panel(watched.page.locator(".finassist-chat"))
            panel.answered("What is Apple's stock price?", "309.35")
            panel.answered("What about Tesla?", "Tesla, Inc. (TSLA)")
            shoot(watched.page, "voila")
            shown = panel.area.bounding_box()
            assert shown is not None
            assert shown["height"] > 840, "of a window of 900: the panel is the page"
            foreign = [url for url in watched.foreign if not url.startswith(ICONS)]
            assert foreign == []
        finally:
            watched.close()
