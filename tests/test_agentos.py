"""Agno's AgentOS serves the workflow unchanged: plain, streamed and in the background, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from finassist import FinancialAssistantWorkflow, Settings, trace
from finassist.__main__ import main
from finassist.apps import serve

uvicorn = pytest.importorskip("uvicorn", reason="finassist[agentos] is not installed")
pytestmark = [
    # AgentOS and its dependencies warn about themselves; nothing of ours does.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@asynccontextmanager
async def served(workflow: FinancialAssistantWorkflow) -> AsyncIterator[aiohttp.ClientSession]:
    from agno.os import AgentOS

    app = AgentOS(workflows=[workflow], telemetry=False).get_app()
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
            yield client
    finally:
        server.should_exit = True
        await task
        listening.close()


async def ask(client: aiohttp.ClientSession, message: str, **form: str) -> tuple[int, str]:
    async with client.post("/workflows/finassist/runs", data={"message": message, **form}) as response:
        return response.status, await response.text()


def sse(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def test_a_plain_run(stored_workflow: FinancialAssistantWorkflow) -> None:
    async def scene() -> None:
        async with served(stored_workflow) as client:
            status, text = await ask(client, "What is Apple's stock price?", stream="false", session_id="s1")
            assert status == 200, text
            run = json.loads(text)
            assert run["status"] == "COMPLETED"
            assert run["session_id"] == "s1"
            assert run["symbols"] == ["AAPL"]
            assert "309.35" in run["content"]

    asyncio.run(scene())
    [answer] = stored_workflow.answers("s1")
    assert answer.symbols == ["AAPL"]


def test_a_streamed_run_continues_the_conversation(stored_workflow: FinancialAssistantWorkflow) -> None:
    async def scene() -> None:
        async with served(stored_workflow) as client:
            await ask(client, "What is Apple's stock price?", stream="false", session_id="s2")
            status, text = await ask(client, "What about Tesla?", stream="true", session_id="s2")
            assert status == 200, text
            events = sse(text)
            kinds = [event["event"] for event in events]
            assert kinds[0] == "WorkflowStarted"
            assert kinds[-1] == "WorkflowCompleted", events[-1].get("error")
            assert {"Routed", "SymbolResolved", "FetchStarted", "FetchCompleted", "RunContent"} <= set(kinds)
            assert len({event["run_id"] for event in events}) == 1
            assert "Tesla's share price was USD" in events[-1]["content"]

    asyncio.run(scene())
    assert [answer.symbols for answer in stored_workflow.answers("s2")] == [["AAPL"], ["TSLA"]]


def test_a_background_run_can_be_fetched_later(stored_workflow: FinancialAssistantWorkflow) -> None:
    async def scene() -> None:
        async with served(stored_workflow) as client:
            form = {"stream": "false", "background": "true", "session_id": "s3"}
            status, text = await ask(client, "Tell me about Nvidia", **form)
            assert status in (200, 202), text
            run_id = json.loads(text)["run_id"]
            for _ in range(500):
                async with client.get(f"/workflows/finassist/runs/{run_id}", params={"session_id": "s3"}) as response:
                    run = await response.json()
                if run["status"] == "COMPLETED":
                    break
                await asyncio.sleep(0.01)
            assert run["status"] == "COMPLETED"
            assert "NVDA" in run["content"]

    asyncio.run(scene())
    assert "compose" in set(stored_workflow.answers("s3")[0].spans()["name"])


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_blank_message_is_refused_in_words(stored_workflow: FinancialAssistantWorkflow, stream: str) -> None:
    async def scene() -> None:
        async with served(stored_workflow) as client:
            status, text = await ask(client, "   ", stream=stream, session_id="s4")
            assert status != 500 or "empty" in text
            assert "The question is empty" in text, text
            assert "Traceback" not in text

    asyncio.run(scene())


# ------------------------------------------------------------------------------------- behind a token


OPEN = {"/", "/health", "/info", "/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"}


def test_it_shows_what_runs_did(tmp_path: Path) -> None:
    async def scene() -> None:
        workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db", settings=Settings(trace="local"))
        async with served(workflow) as client:
            _, text = await ask(client, "Compare Apple and Microsoft", stream="false", session_id="s1")
            with trace(InMemorySpanExporter()):  # ends the other, which sends what it has
                pass
            listed = await (await client.get("/traces", params={"session_id": "s1"})).json()
            [found] = listed["data"]
            tree = await (await client.get(f"/traces/{found['trace_id']}")).json()
        assert (found["run_id"], found["status"]) == (json.loads(text)["run_id"], "OK")
        [run] = tree["tree"]
        assert [span["name"] for span in run["spans"]] == ["understand", "gather", "compose", "store"]
        assert {span["type"] for span in run["spans"][1]["spans"]} == {"TOOL"}

    asyncio.run(scene())


def test_every_route_asks_for_the_token(stored_workflow: FinancialAssistantWorkflow) -> None:
    from starlette.testclient import TestClient

    app = serve.app(stored_workflow, "right", "127.0.0.1")
    routes = [(verb, path) for path, verbs in app.openapi()["paths"].items() for verb in verbs if path not in OPEN]
    assert len(routes) > 40
    bad: list[dict[str, str]] = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic right"}]
    with TestClient(app, base_url="http://127.0.0.1:7777") as client:
        for verb, path in [*routes, ("post", "/mcp"), ("get", "/mcp"), ("delete", "/mcp")]:
            for headers in bad:
                reply = client.request(verb, re.sub(r"{\w+}", "x", path), headers=headers)
                assert reply.status_code == 401, (verb, path, reply.text)
        good = {"Authorization": "Bearer right"}
        assert client.get("/sessions?type=workflow", headers=good).status_code == 200
        asked = {"message": "What is Apple's stock price?", "stream": "false"}
        assert client.post("/workflows/finassist/runs", data=asked, headers=good).json()["symbols"] == ["AAPL"]
        for method, params in (
            ("tools/list", {}),
            ("tools/call", {"name": "query_figures", "arguments": {"metrics": ["revenue"], "companies": ["AAPL"]}}),
        ):
            call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            accept = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
            start = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            opened = client.post("/mcp", headers=good | accept, json={**call, "method": "initialize", "params": start})
            session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
            assert '"result"' in client.post("/mcp", headers=good | accept | session, json=call).text


def test_a_server_without_a_token_is_for_this_computer_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["serve", "--no-token"], ["mcp", "--http"]):
        for host in ("0.0.0.0", "::", "", "192.0.2.1", "example.org"):
            assert main([*command, "--host", host]) == 2
            said = capsys.readouterr().err
            assert "Other computers can reach" in said
            assert "read, change and delete all stored conversations" in said
    assert all(serve.is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"))


def test_the_command_prints_a_token_once_and_takes_one_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path))
    served: list[Any] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: served.append((app, options)))
    monkeypatch.setattr(serve, "app", lambda workflow, token, host: token)
    assert main(["serve"]) == 0
    assert capsys.readouterr().err.count(served[0][0]) == 1
    assert served[0][1] == {"host": "127.0.0.1", "port": 7777, "log_level": "warning"}
    monkeypatch.setenv(serve.TOKEN, "mine-0123456789")
    assert main(["serve", "--host", "0.0.0.0"]) == 0
    said = capsys.readouterr().err
    assert "adds TLS" in said
    assert "mine-0123456789" not in said
    assert main(["serve", "--no-token"]) == 0
    assert serve.EXPOSED in capsys.readouterr().err
    assert [len(token or "") for token, _ in served] == [43, 15, 0]
