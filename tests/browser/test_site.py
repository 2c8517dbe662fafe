"""The documentation site: built without a warning, asks nobody else, fits a phone, and axe finds nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from finassist.core import metrics
from tests.browser.conftest import REQUIRED
from tests.test_docs import DOCS

KINDS = ("index", "howto/ask", "howto/notebook", "reference/sources", "explanation/facts", "search")
"""A page of each kind; all have the same frame around them."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("sphinx") is None:
        (pytest.fail if REQUIRED else pytest.skip)("Sphinx is not installed: uv run --group docs pytest …")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(DOCS), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_built_and_links_lead_somewhere(site: Path) -> None:
    pages = {str(page.relative_to(DOCS).with_suffix(".html")) for page in DOCS.rglob("*.md")}
    assert pages <= {str(page.relative_to(site)) for page in site.rglob("*.html")}
    catalogue = re.sub("<[^>]+>", "", (site / "reference" / "metrics.html").read_text(encoding="utf-8"))
    assert all(metric.title in unescape(catalogue) for metric in metrics.catalogue().values())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it_and_it_asks_nobody_else(site: Path, browser: Browser, scheme) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    foreign: list[str] = []
    context.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or foreign.append(asked.url))
    page = context.new_page()
    try:
        for kind in KINDS:
            page.set_viewport_size({"width": 1440, "height": 900})
            page.goto((site / f"{kind}.html").as_uri())
            found = Axe().run(page)
            assert found.violations_count == 0, f"{kind}: {found.generate_report()}"
            page.set_viewport_size({"width": 390, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, f"{kind} is too wide for a phone"
        assert foreign == []
    finally:
        context.close()
