"""Where Chromium is, and how it runs in a bare container as root: without a sandbox, a screen and calls home."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
]
MISSING = (
    "There is no Chromium. Install it (Debian: `apt-get install chromium`; elsewhere: "
    "`uv run playwright install chromium`) and run the tests again."
)


def find(playwright: Playwright) -> str | None:
    """The system's Chromium, else the one that Playwright has installed."""
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    own = playwright.chromium.executable_path
    return installed or (own if Path(own).is_file() else None)


def launch(playwright: Playwright, path: str) -> Browser:
    # Ctrl+C is for the tests alone: they close the browser themselves, which they cannot when it is gone before them.
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS, headless=True, handle_sigint=False)
