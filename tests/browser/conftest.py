"""Chromium and JupyterLab, started once for all tests of this folder.

Where there is no Chromium these tests are skipped and say why; with TESTS_REQUIRE_BROWSER=1 they fail instead.
Screenshots are left in test-artefacts/, which is not committed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright

from tests.browser import chromium
from tests.browser.lab import Server, jupyterlab
from tests.browser.pages import Lab

HERE = Path(__file__).parent
ARTEFACTS = Path(__file__).parents[2] / "test-artefacts"

# Not named FINASSIST_…: settings complain about a name of theirs that they do not know.
REQUIRED = os.environ.get("TESTS_REQUIRE_BROWSER", "") not in ("", "0")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Playwright keeps a loop running in this thread until it stops, which tests outside this folder would meet.
    with sync_playwright() as playwright:
        path = chromium.find(playwright)
        if path is None:
            (pytest.fail if REQUIRED else pytest.skip)(chromium.MISSING)
        browser = chromium.launch(playwright, path)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with jupyterlab(tmp_path_factory.mktemp("lab")) as server:
        shutil.copy(HERE / "gated.py", server.folder)
        (server.folder / "gates").mkdir()
        yield server


@pytest.fixture(scope="module")
def lab(browser: Browser, server: Server) -> Iterator[Lab]:
    """JupyterLab in a page of its own for each file of tests."""
    lab = Lab(browser, server).open()
    yield lab
    lab.close()


class Gates:
    """Where the sources and the model of `tests/browser/gated.py` wait."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def shut(self, *names: str) -> None:
        for name in names:
            (self._folder / f"{name}.shut").touch()

    def open(self, *names: str) -> None:
        """Open these gates, or all."""
        for gate in self._folder.iterdir():
            if gate.stem in names or not names:
                gate.unlink()


@pytest.fixture
def gates(server: Server) -> Iterator[Gates]:
    gates = Gates(server.folder / "gates")
    yield gates
    gates.open()


@pytest.fixture
def calm(lab: Lab) -> Iterator[None]:
    """Afterwards: the page complained about nothing, and asked nobody but its own server."""
    lab.errors.clear()
    yield
    assert (lab.errors, lab.foreign) == ([], [])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Of a test that fails there is a picture, too."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and isinstance(lab, Lab):
        ARTEFACTS.mkdir(exist_ok=True)
        with suppress(Error):  # where the browser is gone already, the failure itself is what matters
            lab.page.screenshot(path=ARTEFACTS / f"failed {item.name}.png")
    return report


@pytest.fixture
def shoot() -> Callable[[Page | Locator, str], Path]:
    def take(what: Page | Locator, name: str) -> Path:
        path = ARTEFACTS / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        with tall_enough(what) if isinstance(what, Locator) else nullcontext():
            what.screenshot(path=path)
        return path

    return take


@contextmanager
def tall_enough(what: Locator) -> Iterator[None]:
    """A notebook scrolls by itself, and of what it has scrolled away no picture can be taken."""
    size, box = what.page.viewport_size, what.bounding_box()
    assert size is not None
    assert box is not None
    what.page.set_viewport_size({"width": size["width"], "height": max(size["height"], int(box["height"]) + 300)})
    try:
        yield
    finally:
        what.page.set_viewport_size(size)
