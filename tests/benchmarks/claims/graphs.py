"""Item 5.7: a report against the same calls made in other ways, over one local server in the same rounds.

Every contender asks two agents and makes the six requests of a report. Only ours makes a report of it: what it takes
on top of the bare client is composing, events and storing in memory as well as the framework.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import aiohttp
from agno.workflow import Parallel, Step, StepInput, StepOutput, Workflow

from finassist.llm.agents import build_agent
from tests.benchmarks.cases import on_loop
from tests.benchmarks.claims.claim import Claim
from tests.benchmarks.claims.contenders import atimed, interleaved
from tests.benchmarks.live import Desk, desk, wanted
from tests.benchmarks.server import LocalServer

MODEL, DATA = 0.2, 0.05
_QUESTION: Final = "Tell me about $AAPL"
_CLAIM: Final = "A report is faster than in the ancestor's style, and takes little more than its calls"


def measure(rounds: int) -> list[Claim]:
    """Ours against each of the others."""
    with LocalServer(DATA) as server, desk(server, model_delay=MODEL, routing="model") as at:
        contenders = {name: _timed(make, at) for name, make in _CONTENDERS.items()}
        if find_spec("langgraph"):
            contenders[_LANGGRAPH] = _timed(_langgraph, at)
        for contender in contenders.values():
            contender()
        taken = dict(zip(contenders, interleaved(list(contenders.values()), rounds), strict=True))
    ours = taken.pop("ours")
    regime = f"one report, model {MODEL * 1000:g} ms, data {DATA * 1000:g} ms"
    return [
        Claim.of("5.7", _CLAIM, regime, name, ours, theirs, claimed=name in _SLOWER)
        for name, theirs in taken.items()
    ]  # fmt: skip


def _timed(make: Callable[[Desk], Awaitable[None]], at: Desk) -> Callable[[], float]:
    return lambda: on_loop(atimed(make(at)))


async def _ours(at: Desk) -> None:
    await at.report(_QUESTION)


async def _floor(at: Desk) -> None:
    """A bare client: the wait of a model, then six requests at once."""
    await at.floor(["AAPL"], MODEL)


async def _plain_agents(at: Desk) -> None:
    """The two agents at once in a TaskGroup, then the bare client: the floor with Agno's agents."""
    async with asyncio.TaskGroup() as group:
        for agent in _agents(at):
            group.create_task(agent.arun(_QUESTION))
    await at.floor(["AAPL"])


async def _ancestor(at: Desk) -> None:
    """One agent after the other, then one request after the other, each with a client of its own."""
    for agent in _agents(at):
        await agent.arun(_QUESTION)
    for request in wanted("AAPL"):
        async with (
            aiohttp.ClientSession() as client,
            client.get(at.url + request.path, params=request.params) as answer,
        ):
            await answer.json()


async def _native_parallel(at: Desk) -> None:
    """Agno's own Parallel, twice."""
    agents: list[Any] = [Step(name=f"agent {n}", agent=agent) for n, agent in enumerate(_agents(at))]
    fetches: list[Any] = [Step(name=request.path, executor=_fetching(at, request)) for request in wanted("AAPL")]
    steps: Any = [Parallel(*agents, name="understand"), Parallel(*fetches, name="gather")]
    await Workflow(name="parallel", steps=steps, telemetry=False).arun(input=_QUESTION)


async def _langgraph(at: Desk) -> None:
    """A graph with two agents side by side, then the six requests side by side."""
    library: Any = import_module("langgraph.graph")
    graph: Any = library.StateGraph(dict)
    names = [f"agent{n}" for n in range(2)]
    for name, agent in zip(names, _agents(at), strict=True):
        graph.add_node(name, _node(partial(agent.arun, _QUESTION)))
        graph.add_edge(library.START, name)
    graph.add_node("understood", _node(partial(asyncio.sleep, 0)))
    graph.add_edge(names, "understood")
    for n, request in enumerate(wanted("AAPL")):
        graph.add_node(f"fetch{n}", _node(partial(_get, at, request)))
        graph.add_edge("understood", f"fetch{n}")
        graph.add_edge(f"fetch{n}", library.END)
    await graph.compile().ainvoke({})


def _node(work: Callable[[], Awaitable[Any]]) -> Any:
    async def node(_: Any) -> None:
        await work()

    return node


def _fetching(at: Desk, request: Any) -> Any:
    async def fetch(_: StepInput) -> StepOutput:
        await _get(at, request)
        return StepOutput(content="fetched")

    return fetch


async def _get(at: Desk, request: Any) -> None:
    async with at.plain.get(at.url + request.path, params=request.params) as response:
        await response.json()


def _agents(at: Desk) -> list[Any]:
    return [build_agent("router", at.model), build_agent("symbol_extraction", at.model)]


_CONTENDERS: Final[dict[str, Callable[[Desk], Awaitable[None]]]] = {
    "ours": _ours,
    "a bare aiohttp client (the floor)": _floor,
    "Agno agents and a bare client, no report": _plain_agents,
    "the ancestor's style": _ancestor,
    "Agno's own Parallel, no report": _native_parallel,
}
_LANGGRAPH: Final = "LangGraph, no report"
_SLOWER: Final = {"the ancestor's style"}
