"""The tools of finassist as other agents use them: in an Agno agent, and over the Model Context Protocol."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from agno.agent import Agent
from agno.models.response import ModelResponse

import finassist
from finassist import FinancialAssistantWorkflow, FrameProvider, InputError
from tests.worlds import ScriptedModel, World

MARGIN = {"metrics": ["net_margin"], "companies": ["AAPL"], "periods": ["FY2023"]}
NAMES = ["query_figures", "report", "search_companies", "list_metrics"]


class Calling(ScriptedModel):
    """A model that calls one tool, and then repeats what it was told."""

    def __init__(self, name: str, arguments: dict[str, Any]) -> None:
        super().__init__(World())
        self.call = {"id": "1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        self.told: list[dict[str, Any]] = []

    def _reply(self, messages: list[Any]) -> ModelResponse:
        if messages[-1].role != "tool":
            return ModelResponse(role="assistant", tool_calls=[self.call])
        self.told.append(json.loads(messages[-1].content))
        return ModelResponse(role="assistant", content="Done.")

    def invoke(self, messages: list[Any], *_: Any, **__: Any) -> ModelResponse:
        return self._reply(messages)

    async def ainvoke(self, messages: list[Any], *_: Any, **__: Any) -> ModelResponse:
        return self._reply(messages)


# ----------------------------------------------------------------------------------------- in an agent


@pytest.mark.parametrize("form", ["run", "arun"])
def test_an_agent_gets_a_figure_with_unit_period_and_source(form: str, run_async: Any) -> None:
    model = Calling("query_figures", MARGIN)
    agent = Agent(model=model, tools=[finassist.tools()], telemetry=False)
    agent.run("?") if form == "run" else run_async(agent.arun("?"))
    [told] = model.told
    [figure] = told["figures"]
    assert told["outcome"] == "answered"
    assert told["answer"].startswith("Apple's net margin was 25.3% in FY2023")
    assert (figure["symbol"], figure["metric"], figure["unit"]) == ("AAPL", "net_margin", "ratio")
    assert (figure["value"], figure["shown"]) == (pytest.approx(0.25306234), "25.3%")
    assert (figure["period"], figure["period_end"]) == ("FY2023", "2023-09-30")
    assert figure["source"].startswith("SEC 10-K")
    assert figure["formula"] == "net_income / revenue"


@pytest.mark.parametrize("form", ["run", "arun"])
def test_what_cannot_be_asked_is_told_to_the_model(form: str, run_async: Any) -> None:
    model = Calling("query_figures", {"metrics": ["net_margn"], "companies": ["AAPL"]})
    agent = Agent(model=model, tools=[finassist.tools()], telemetry=False)
    agent.run("?") if form == "run" else run_async(agent.arun("?"))
    assert "net_margn" in model.told[0]["error"]


# --------------------------------------------------------------------------------------- called directly


def test_both_forms_give_the_same_data(run_async: Any) -> None:
    toolkit = finassist.tools()
    assert toolkit.query_figures(**MARGIN) == run_async(toolkit.aquery_figures(**MARGIN))
    assert toolkit.report(["AAPL", "MSFT"]) == run_async(toolkit.areport(["AAPL", "MSFT"]))
    assert list(toolkit.functions) == NAMES


def test_results_have_a_bounded_size_and_say_what_is_left_out() -> None:
    toolkit = finassist.tools(most_figures=5)
    ranked = toolkit.query_figures(["revenue"], limit=400)
    assert (len(ranked["figures"]), ranked["figures_left_out"]) == (5, 395)
    assert ranked["figures"][0]["symbol"] == "AMZN"
    report = toolkit.report(["AAPL"])
    assert len(json.dumps(report)) < 9_000
    assert len(report["figures"]) == 5
    periods = {figure["period"].split()[0] for figure in report["figures"]}
    assert periods <= {"FY2025", "TTM", "latest"}
    assert len(json.dumps(toolkit.list_metrics())) < 4_000
    absent = toolkit.query_figures(["revenue"], ["AAPL"], ["FY1990:FY2030"])
    assert (len(absent["missing"]), absent["missing_left_out"] > 0) == (10, True)
    assert len(json.dumps(absent)) < 9_000


def test_a_reported_figure_has_every_digit() -> None:
    table = pd.DataFrame({"symbol": ["LEMON"], "period": ["FY2025"], "revenue": [1234567.89]})
    workflow = FinancialAssistantWorkflow(db=None, provider=FrameProvider(table))
    assert finassist.tools(workflow).query_figures(["revenue"], ["LEMON"])["figures"][0]["value"] == 1234567.89


def test_what_is_missing_is_named() -> None:
    found = finassist.tools().query_figures(["revenue"], ["RIVN"])
    assert (found["outcome"], found["figures"]) == ("refused", [])
    assert "not in the embedded set" in found["missing"][0]
    with pytest.raises(InputError, match="no metric"):
        finassist.tools().query_figures(["nonsense"], ["AAPL"])


def test_companies_and_metrics_are_found_by_words() -> None:
    toolkit = finassist.tools()
    first, *_ = toolkit.search_companies("micros")["companies"]
    assert first == {"symbol": "MSFT", "name": "Microsoft Corp.", "exchange": "Nasdaq", "has_figures": True}
    found = toolkit.list_metrics("net margin")["metrics"]
    assert (found[0]["id"], found[0]["formula"]) == ("net_margin", "net_income / revenue")
    assert "net_margin" in toolkit.list_metrics()["metrics"]


def test_only_a_workflow_that_is_handed_over_keeps_what_was_asked() -> None:
    own, workflow = finassist.tools(), FinancialAssistantWorkflow(db=None)
    own.query_figures(**MARGIN)
    finassist.tools(workflow).query_figures(**MARGIN)
    assert len(own.workflow.sessions()) == 0
    assert len(workflow.sessions()) == 1


# -------------------------------------------------------------------------------------------- over MCP

mcp = pytest.importorskip("mcp", reason="the mcp extra is not installed")
SERVE = [sys.executable, "-m", "finassist", "mcp"]


async def session(client: Any) -> None:
    """What any client may do: list the tools, get a figure as data and as text, and ask for what is not there."""
    listed = await client.list_tools()
    assert [tool.name for tool in listed.tools] == NAMES
    assert listed.tools[0].input_schema["required"] == ["metrics"]
    result = await client.call_tool("query_figures", MARGIN)
    [figure] = result.structured_content["figures"]
    assert (figure["shown"], figure["period"]) == ("25.3%", "FY2023")
    assert json.loads(result.content[0].text) == result.structured_content
    report = await client.call_tool("report", {"companies": ["AAPL"]})
    assert "Apple Inc." in report.structured_content["text"]
    wrong = await client.call_tool("query_figures", {"metrics": ["nonsense"], "companies": ["AAPL"]})
    assert wrong.is_error
    assert "nonsense" in wrong.content[0].text
    misspelt = await client.call_tool("query_figures", {**MARGIN, "period": ["FY2020"]})
    assert misspelt.is_error
    assert "period" in misspelt.content[0].text


@pytest.mark.slow
def test_a_client_talks_to_it_over_stdio(run_async: Any, tmp_path: Path) -> None:
    from mcp.client.client import Client
    from mcp.client.stdio import StdioServerParameters

    variables = {**os.environ, "FINASSIST_HOME": str(tmp_path)}

    async def story() -> None:
        async with Client(StdioServerParameters(command=SERVE[0], args=SERVE[1:], env=variables)) as client:
            await session(client)

    run_async(story())


@pytest.mark.slow
def test_a_client_talks_to_it_over_http(run_async: Any, tmp_path: Path) -> None:
    from mcp.client.client import Client

    async def story() -> None:
        async with served(tmp_path) as address, Client(address) as client:
            await session(client)

    run_async(story())


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[str]:
    """The server in a process of its own, once it accepts connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {**os.environ, "FINASSIST_HOME": str(home)}
    command = [*SERVE, "--http", "--port", str(port)]
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, env=variables, stdout=nothing, stderr=nothing)
    try:
        async with asyncio.timeout(60):
            while not await listening(port):
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        await process.wait()


async def listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def test_without_the_sdk_the_command_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from finassist.__main__ import main

    monkeypatch.setattr("finassist.apps.serve.find_spec", lambda _: None)
    assert main(["mcp"]) == 1
    assert "pip install 'finassist[mcp]'" in capsys.readouterr().err
