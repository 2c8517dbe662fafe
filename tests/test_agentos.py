"""Agno's AgentOS serves the workflow unchanged: plain, streamed and in the background, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from finassist import FinancialAssistantWorkflow

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


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_blank_message_is_refused_in_words(stored_workflow: FinancialAssistantWorkflow, stream: str) -> None:
    async def scene() -> None:
        async with served(stored_workflow) as client:
            status, text = await ask(client, "   ", stream=stream, session_id="s4")
            assert status != 500 or "empty" in text
            assert "The question is empty" in text, text
            assert "Traceback" not in text

    asyncio.run(scene())
