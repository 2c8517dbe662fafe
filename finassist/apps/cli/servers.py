"""`finassist serve`, `mcp`, `lab` and `streamlit`: what runs until it is stopped."""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from finassist.apps.terminal import FAILED, OK, complain, note

_SECONDS_TO_START: Final = 60


def _missing(package: str, name: str, extra: str) -> bool:
    """Whether an optional package is missing; then a sentence says how to install it."""
    missing = find_spec(package) is None
    if missing:
        complain(f"{name} is not installed. Install it with `pip install 'finassist[{extra}]'`.", FAILED)
    return missing


def mcp(options: argparse.Namespace) -> int:
    """Serve the tools over the Model Context Protocol."""
    if _missing("mcp", "The MCP SDK", "mcp"):
        return FAILED
    from finassist.apps.serve import check_guarded
    from finassist.apps.tools import server

    if options.http:
        check_guarded(options.host, "Serve the tools with `finassist serve`, which asks for a token.")
        server().run("streamable-http", host=options.host, port=options.port)
    else:
        server().run("stdio")
    return OK


def serve(options: argparse.Namespace) -> int:
    """Serve the workflow over HTTP, behind a token."""
    from finassist.apps.serve import check_guarded, run

    if options.no_token:
        check_guarded(options.host, "Leave out --no-token.")
    if any(_missing(package, package, "agentos") for package in ("fastapi", "uvicorn")):
        return FAILED
    try:
        run(options.host, options.port, options.db, guarded=not options.no_token, tell=note)
    except SystemExit:  # uvicorn has said why it cannot listen
        return FAILED
    return OK


def lab(_options: argparse.Namespace) -> int:
    """Open JupyterLab on the notebooks."""
    if _missing("jupyterlab", "JupyterLab", "notebook"):
        return FAILED
    places = (Path.cwd() / "notebooks", Path(__file__).resolve().parents[3] / "notebooks")
    folder = next((place for place in places if any(place.glob("*.ipynb"))), None)
    if folder is None:
        complain("The notebooks are part of the repository, not of the installed package; opening this folder.", 0)
    return subprocess.call([sys.executable, "-P", "-m", "jupyterlab", str(folder or Path.cwd())])


def streamlit(options: argparse.Namespace) -> int:
    """Serve the Streamlit page; who has the link that is printed sees all stored conversations."""
    if _missing("streamlit", "Streamlit", "streamlit"):
        return FAILED
    from finassist.apps.serve import PAGE_TOKEN

    page = Path(__file__).parents[1] / "streamlit" / "__init__.py"
    settings = {
        "server.address": "127.0.0.1",
        "server.port": options.port,
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
    }
    given = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    token = secrets.token_urlsafe(16)
    address = f"http://127.0.0.1:{options.port}/?owner={token}"
    note(f"All your conversations: {address}. Without what follows the question mark, a visitor sees their own alone.")
    if not options.headless:
        threading.Thread(target=_open_once_up, args=(options.port, address), daemon=True).start()
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(page), *given]
    return subprocess.call(command, env={**os.environ, PAGE_TOKEN: token})


def _open_once_up(port: int, address: str) -> None:
    for _ in range(_SECONDS_TO_START):
        time.sleep(1)
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            webbrowser.open(address)
            return
