"""The headless browser that prints pages: a Chromium or Chrome on this computer, offline, gone when it is done."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from finassist.core.errors import ConfigurationError, MissingExtra

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "msedge")
_APPS: Final = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
                "/Applications/Chromium.app/Contents/MacOS/Chromium")  # fmt: skip
_OPTIONS: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # a page that is printed loads nothing
)
_LONGEST = 60.0
"""Seconds that a page may take; a report of ten companies takes two."""


def printed(html: str, path: str | Path) -> Path:
    """Print a page as PDF, and say where it is.

    Raises:
        MissingExtra: There is no Chromium or Chrome.
        ConfigurationError: The browser made no PDF.
    """
    with _desk(html) as desk:
        process = subprocess.Popen(desk.command, stdin=_NONE, stdout=_NONE, stderr=_PIPE, start_new_session=True)
        try:
            _, said = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            raise ConfigurationError(f"{desk.name} printed no PDF in {_LONGEST:g} seconds. Try again.") from None
        finally:
            _end(process.pid)
            process.wait()
        return desk.handed_over(Path(path), said)


async def aprinted(html: str, path: str | Path) -> Path:
    """`printed` on the running loop; a cancelled one leaves no process and no file."""
    with _desk(html) as desk:
        process = await asyncio.create_subprocess_exec(
            *desk.command, stdin=_NONE, stdout=_NONE, stderr=_PIPE, start_new_session=True
        )
        try:
            async with asyncio.timeout(_LONGEST):
                _, said = await process.communicate()
        except TimeoutError:
            raise ConfigurationError(f"{desk.name} printed no PDF in {_LONGEST:g} seconds. Try again.") from None
        finally:
            _end(process.pid)
            await process.wait()
        return desk.handed_over(Path(path), said)


def browser() -> str:
    """The path of a Chromium or Chrome.

    Raises:
        MissingExtra: There is none; the message says what to install.
    """
    apps = (app for app in _APPS if Path(app).is_file())
    found = next(filter(None, (*map(shutil.which, _NAMES), *apps)), None)
    if found is None:
        raise MissingExtra(
            "A PDF is printed by Chromium or Chrome, and none is on the PATH. Install one (Debian: `apt-get install "
            "chromium`; macOS: `brew install --cask chromium`), or print answer.to_html() from a browser of yours."
        )
    return found


_NONE, _PIPE = subprocess.DEVNULL, subprocess.PIPE


@dataclass(frozen=True, slots=True)
class _Desk:
    """What one print needs: the command, and where its PDF appears."""

    command: list[str]
    made: Path

    @property
    def name(self) -> str:
        return Path(self.command[0]).name

    def handed_over(self, path: Path, said: bytes) -> Path:
        """Move the PDF to its place."""
        if not self.made.is_file():
            last = next(iter(said.decode(errors="replace").strip().splitlines()[-1:]), "it does not say why")
            raise ConfigurationError(f"{self.name} printed no PDF: {last[:300]}. Check that it starts: {self.name} -h")
        shutil.move(self.made, path)
        return path


@contextmanager
def _desk(html: str) -> Generator[_Desk]:
    """A directory for the page, the PDF and the browser's profile, which goes with them."""
    found = browser()
    with TemporaryDirectory(prefix="finassist-pdf-", ignore_cleanup_errors=True) as folder:
        page, made = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(html, encoding="utf-8", errors="replace")
        # Root has no sandbox for the browser, and the page has no script that could need one.
        own = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        places = [f"--user-data-dir={Path(folder, 'profile')}", f"--print-to-pdf={made}", page.as_uri()]
        yield _Desk([found, *_OPTIONS, *own, *places], made)


def _end(group: int) -> None:
    """End what is left of the browser, its helpers too."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
