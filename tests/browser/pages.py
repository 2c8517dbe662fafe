"""What a person does on a page of JupyterLab: open a notebook, run cells, press stop, change the theme, look.

Waiting is always for something on the page, never for a while.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.lab import DEADLINE, Server

MILLISECONDS = DEADLINE * 1000
expect.set_options(timeout=MILLISECONDS)
SCRIPT = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"


class Watched:
    """A page, with everything it asked for and complained about."""

    def __init__(self, browser: Browser, server: Server, **options: Any) -> None:
        self.server = server
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.context.set_default_timeout(MILLISECONDS)
        self.context.add_init_script(SCRIPT)
        self.page: Page = self.context.new_page()
        self.context.on("request", lambda request: self._asked(request.url))
        self.page.on("websocket", lambda socket: self._asked(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.errors.append(said.text))

    def close(self) -> None:
        self.context.close()

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self.server.url).netloc:
            self.foreign.append(url)


class Lab(Watched):
    """JupyterLab in a page."""

    def open(self) -> Lab:
        self.page.goto(self.server.page("lab?reset"))  # without what another page left open
        self.page.wait_for_function("() => window.jupyterapp?.restored")
        self.page.evaluate("() => window.jupyterapp.restored.then(() => true)")
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")  # the notebook gets the room
        return self

    def command(self, name: str, **arguments: Any) -> None:
        """Start a command of JupyterLab without waiting for its end."""
        call = "([name, given]) => { window.jupyterapp.commands.execute(name, given); }"
        self.page.evaluate(call, [name, arguments])

    def theme(self, name: str) -> None:
        self.command("apputils:change-theme", theme=name)
        light = json.dumps(name == LIGHT)
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{light}'")
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)

    def notebook(self, path: str) -> Notebook:
        """Open a notebook that is there, and wait for its kernel."""
        self.command("docmanager:open", path=path, factory="Notebook")
        self.page.wait_for_function("path => finassistTests.ready(path)", arg=path)
        return Notebook(self, path)

    def new_notebook(self, name: str, *cells: str) -> Notebook:
        """Write a notebook of these cells and open it."""
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells or ("",)])
        made.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        nbformat.write(made, self.server.folder / name)
        return self.notebook(name)


class Notebook:
    """One open notebook and its kernel."""

    def __init__(self, lab: Lab, path: str) -> None:
        self.lab, self.page, self.path = lab, lab.page, path

    def run_all(self) -> None:
        """Run every cell and wait for the last one."""
        self.lab.command("notebook:run-all-cells")
        self.page.wait_for_function("path => finassistTests.allRan(path)", arg=self.path)

    def start(self, code: str) -> Locator:
        """Write a cell at the end and run it; returns its output area at once."""
        number = self.page.evaluate("([path, code]) => finassistTests.start(path, code)", [self.path, code])
        return self.panel.locator(f'[data-tests-cell="{number}"] .jp-Cell-outputWrapper')

    def run(self, code: str) -> Locator:
        """Write a cell at the end, run it and wait for its end; returns its output area."""
        shown = self.start(code)
        self.wait()
        return shown

    def wait(self) -> None:
        """Wait until no cell runs or waits any more."""
        self.page.wait_for_function("path => finassistTests.idle(path)", arg=self.path)

    def printed(self, code: str) -> str:
        """What a cell prints."""
        self.run(code)
        return "".join(output.get("text", "") for output in self.outputs()[-1])

    def outputs(self) -> list[list[dict[str, Any]]]:
        """The outputs of every code cell, as they would be saved."""
        return self.page.evaluate("path => finassistTests.outputs(path)", self.path)

    def save(self) -> nbformat.NotebookNode:
        """Save, and read the file."""
        self.page.evaluate("path => finassistTests.save(path)", self.path)
        return nbformat.read(self.lab.server.folder / self.path, as_version=4)

    def restart(self) -> None:
        """Restart the kernel, as one does from the menu, and wait until it is there again."""
        self.page.evaluate("path => finassistTests.restart(path)", self.path)
        self.wait()

    def press(self, title: str) -> None:
        """Click a button of the notebook's toolbar, by the beginning of its tooltip."""
        toolbar = self.panel.locator(".jp-NotebookPanel-toolbar")
        toolbar.locator(f'jp-button[title^="{title}"], button[title^="{title}"]').first.click()

    def close(self) -> None:
        """Shut the kernel down and close the tab."""
        self.page.evaluate("path => finassistTests.close(path)", self.path)

    @property
    def panel(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    @property
    def cells(self) -> Locator:
        return self.panel.locator(".jp-CodeCell")


def poor_contrast(area: Locator, least: float = 4.5) -> list[str]:
    """Texts of an area whose contrast with what is behind them is below WCAG's AA, each with its ratio."""
    expect(area).to_be_visible()
    found = area.evaluate("(root, least) => finassistTests.poorContrast(root, least)", least)
    return [f"{ratio:.2f} {text!r} {colours}" for text, ratio, colours in found]


def barriers(area: Locator) -> list[str]:
    """What axe-core finds in an area that people who use assistive technology would stumble over."""
    area.evaluate_all("areas => areas.forEach(area => area.setAttribute('data-tests-axe', ''))")
    found = Axe().run(area.page, context="[data-tests-axe]").response["violations"]
    area.evaluate_all("areas => areas.forEach(area => area.removeAttribute('data-tests-axe'))")
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def sideways(area: Locator) -> list[str]:
    """What sticks out of an area to the right, where nothing lets a reader scroll to it."""
    return area.evaluate("root => finassistTests.sideways(root)")


def below(part: Locator, area: Locator) -> float:
    """How far a part begins below the top of an area, in pixels."""
    found, whole = part.bounding_box(), area.bounding_box()
    assert found is not None
    assert whole is not None
    return found["y"] - whole["y"]
