"""What runs until it is stopped: `serve` (AgentOS and the tools, behind one token), `mcp`, `lab` and `streamlit`."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from finassist.apps.terminal import FAILED, OK, complain, note, show_json

if TYPE_CHECKING:
    from fastapi import FastAPI

    from finassist.workflow import FinancialAssistantWorkflow

TOKEN: Final = "OS_SECURITY_KEY"
"""The variable in which Agno looks for the token."""

PAGE_TOKEN: Final = "ASSISTANT_PAGE_TOKEN"
"""The variable in which the Streamlit page finds the token of its owner."""

_SECONDS_TO_START: Final = 60
_SECONDS_TO_STOP: Final = 5
_SIGNALLED: Final = 128
"""Added to the number of the signal that ended a program, this is its exit code."""
EXPOSED: Final = (
    "Without a token, whoever reaches the server (each program of this computer, and by a trick a web page that you "
    "visit) can ask questions with your keys and at your cost, and read, change and delete all stored conversations."
)


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach a server that listens there.

    Example:
        >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", "example.org")]
        [True, True, True, False, False, False]
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_guarded(host: str, advice: str) -> None:
    """Refuse an address that others can reach, for a server without a token.

    Raises:
        ConfigurationError: Others can reach it.
    """
    from finassist.core.errors import ConfigurationError

    if not is_loopback(host):
        raise ConfigurationError(f"Other computers can reach {host or 'an empty host'}. {EXPOSED} {advice}")


def app(workflow: FinancialAssistantWorkflow, token: str | None, host: str = "127.0.0.1") -> FastAPI:
    """The application: AgentOS with the workflow and, where the extra `mcp` is installed, the tools at `/mcp`.

    Args:
        workflow: What is served under `/workflows/finassist`.
        token: Asked for as `Authorization: Bearer …` on every route but `/`, `/health`, `/info` and the docs.
        host: Where it listens.
    """
    from agno.os import AgentOS
    from agno.os.settings import AgnoAPISettings

    settings = AgnoAPISettings(os_security_key=token)
    tools = _tools(host) if find_spec("mcp") else None
    return AgentOS(workflows=[workflow], settings=settings, base_app=tools, telemetry=False).get_app()


def _tools(host: str) -> FastAPI:
    """Our tools at `/mcp`; AgentOS puts its authentication before them."""
    from fastapi import FastAPI

    from finassist.apps.tools import server

    served = server().streamable_http_app(host=host)
    base = FastAPI(title="finassist", lifespan=served.router.lifespan_context)
    base.router.routes.extend(served.routes)
    return base


def _about(token: str | None, given: str | None) -> str:
    if token is None:
        return EXPOSED
    shown = f"Bearer <{TOKEN}>" if token == given else f"Bearer {token}"
    once = "" if token == given else f" It is shown once; set {TOKEN} to choose your own."
    return f"Send the token with each request, as the header `Authorization: {shown}`.{once}"


# ---------------------------------------------------------------------------------- commands


def missing(package: str, name: str, extra: str) -> bool:
    """Whether an optional package is missing; then a sentence says how to install it."""
    absent = find_spec(package) is None
    if absent:
        complain(f"{name} is not installed. Install it with `pip install 'finassist[{extra}]'`.", FAILED)
    return absent


def mcp(options: argparse.Namespace) -> int:
    """Serve the tools over the Model Context Protocol."""
    if missing("mcp", "The MCP SDK", "mcp"):
        return FAILED
    from finassist.apps.tools import server

    if options.http:
        check_guarded(options.host, "Serve the tools with `finassist serve`, which asks for a token.")
        server().run("streamable-http", host=options.host, port=options.port)
    else:
        server().run("stdio")
    return OK


def serve(options: argparse.Namespace) -> int:
    """Serve the workflow over HTTP, behind a token: that of the environment, or a new one."""
    if options.no_token:
        check_guarded(options.host, "Leave out --no-token.")
    if any(missing(package, package, "agentos") for package in ("fastapi", "uvicorn")):
        return FAILED
    import uvicorn

    from finassist.workflow import FinancialAssistantWorkflow

    host, given = options.host, os.environ.get(TOKEN)
    token = None if options.no_token else given or secrets.token_urlsafe(32)
    address = f"http://{f'[{host}]' if ':' in host else host}:{options.port}"
    if options.json:
        show_json({"address": address, "runs": "/workflows/finassist/runs", "mcp": "/mcp", "token": token})
    else:
        note(f"Serving at {address}: /workflows/finassist/runs, and MCP at /mcp.")
        note(_about(token, given))
    if not is_loopback(host):
        note("Others can read what is sent, the token as well, unless a proxy in front of it adds TLS.")
    try:
        served = app(FinancialAssistantWorkflow(db=options.db), token, host)
        uvicorn.run(served, host=host, port=options.port, log_level="warning")
    except SystemExit:  # uvicorn has said why it cannot listen
        return FAILED
    return OK


def lab(_options: argparse.Namespace) -> int:
    """Open JupyterLab on the notebooks."""
    if missing("jupyterlab", "JupyterLab", "notebook"):
        return FAILED
    places = (Path.cwd() / "notebooks", Path(__file__).resolve().parents[2] / "notebooks")
    folder = next((place for place in places if any(place.glob("*.ipynb"))), None)
    if folder is None:
        note("The notebooks are part of the repository, not of the installed package; opening this folder.")
    return _run([sys.executable, "-P", "-m", "jupyterlab", str(folder or Path.cwd())], os.environ)


def streamlit(options: argparse.Namespace) -> int:
    """Serve the Streamlit page; who has the link that is printed sees all stored conversations."""
    if missing("streamlit", "Streamlit", "streamlit"):
        return FAILED
    page = Path(__file__).with_name("streamlit") / "__init__.py"
    settings = {
        "server.address": "127.0.0.1",
        "server.port": options.port,
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    given = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    token = secrets.token_urlsafe(16)
    address = f"http://127.0.0.1:{options.port}/?owner={token}"
    if options.json:
        show_json({"address": address})
    else:
        note(f"All your conversations: {address}")
        note("Without what follows the question mark, a visitor sees only their own.")
    if not options.headless:
        threading.Thread(target=_open_once_up, args=(options.port, address), daemon=True).start()
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(page), *given]
    return _run(command, {**os.environ, PAGE_TOKEN: token})


def _run(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a program to its end: what stops this process stops it too. At a terminal Ctrl+C reaches both by itself."""
    with subprocess.Popen(command, env=variables) as child:

        def stop(number: int, _frame: object) -> None:
            if number != signal.SIGINT or not sys.stdin.isatty():
                child.terminate()
                last = threading.Timer(_SECONDS_TO_STOP, child.kill)
                last.daemon = True
                last.start()

        numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        usual = {number: signal.signal(number, stop) for number in numbers}
        try:
            code = child.wait()
        finally:
            for number, handler in usual.items():
                signal.signal(number, handler)
    return code if code >= 0 else _SIGNALLED - code


def _open_once_up(port: int, address: str) -> None:
    for _ in range(_SECONDS_TO_START):
        time.sleep(1)
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            webbrowser.open(address)
            return
