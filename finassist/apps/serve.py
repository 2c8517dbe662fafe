"""`finassist serve`: the workflow over HTTP by Agno's AgentOS, and the tools over MCP, behind one token."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from finassist.core.errors import ConfigurationError
from finassist.workflow import FinancialAssistantWorkflow

if TYPE_CHECKING:
    from fastapi import FastAPI

TOKEN: Final = "OS_SECURITY_KEY"
"""The variable in which Agno looks for the token."""

PAGE_TOKEN: Final = "ASSISTANT_PAGE_TOKEN"
"""The variable in which the Streamlit page finds the token of its owner."""

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


def run(host: str, port: int, db: str, *, guarded: bool, tell: Callable[[str], object]) -> None:
    """Serve until interrupted.

    Args:
        host: Where to listen.
        port: Where to listen.
        db: Where conversations are stored, as for a workflow.
        guarded: Whether to ask for a token: that of the environment, or a new one.
        tell: Takes the sentences for the person who starts it, the token among them.
    """
    import uvicorn

    given = os.environ.get(TOKEN)
    token = (given or secrets.token_urlsafe(32)) if guarded else None
    tell(
        f"Serving at http://{f'[{host}]' if ':' in host else host}:{port}: /workflows/finassist/runs, and MCP at /mcp."
    )
    tell(_about(token, given))
    if not is_loopback(host):
        tell("Others can read what is sent, the token as well, unless a proxy in front of it adds TLS.")
    served = app(FinancialAssistantWorkflow(db=db), token, host)
    uvicorn.run(served, host=host, port=port, log_level="warning")


def _about(token: str | None, given: str | None) -> str:
    if token is None:
        return EXPOSED
    shown = f"Bearer <{TOKEN}>" if token == given else f"Bearer {token}"
    once = "" if token == given else f" It is shown once; set {TOKEN} to choose your own."
    return f"Send the token with each request, as the header `Authorization: {shown}`.{once}"
