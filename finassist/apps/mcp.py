"""`finassist mcp`: the tools of `finassist.tools()` over the Model Context Protocol, by stdio or HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from importlib.metadata import version
from typing import Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from finassist.apps.tools import INSTRUCTIONS, FinanceTools, tools
from finassist.core.errors import FinassistError
from finassist.workflow import FinancialAssistantWorkflow


def server(workflow: FinancialAssistantWorkflow | None = None) -> MCPServer:
    """The server with the four tools; each result is structured data as well as JSON text.

    Args:
        workflow: Who answers; by default one with the settings of the environment.
    """
    toolkit: FinanceTools = tools(workflow)
    made = MCPServer("finassist", version=version("finassist"), instructions=INSTRUCTIONS, log_level="WARNING")
    made.add_tool(_explained(toolkit.aquery_figures), name="query_figures")
    made.add_tool(_explained(toolkit.areport), name="report")
    made.add_tool(toolkit.search_companies, name="search_companies")
    made.add_tool(toolkit.list_metrics, name="list_metrics")
    return made


def serve(transport: Literal["stdio", "http"], *, host: str, port: int) -> None:
    """Serve until the client goes away (stdio), or until interrupted (HTTP, at `/mcp`)."""
    made = server()
    if transport == "stdio":
        made.run("stdio")
    else:
        made.run("streamable-http", host=host, port=port)


def _explained[**P](tool: Callable[P, Awaitable[dict[str, Any]]]) -> Callable[P, Awaitable[dict[str, Any]]]:
    """The tool, which tells a client what it asked wrongly; of other errors the SDK hides the message."""

    @wraps(tool)
    async def call(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        try:
            return await tool(*args, **kwargs)
        except FinassistError as error:
            raise ToolError(str(error)) from error

    return call
