"""The only two places that perform what a flow asks for: `drive` for `run()`, `adrive` for `arun()`.

Both send a flow's effects out and their results back in. They differ in one thing: `drive` asks agents with
`agent.run()` on the calling thread, `adrive` with `await agent.arun()` on the running loop. Gathered work is one
`asyncio.TaskGroup` in both, because `drive` reaches it through the bridge.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from itertools import count
from typing import Any

from agno.tools.finance import FinanceProvider, FinanceProviderError

from finassist.config.settings import Settings
from finassist.core.concurrency import Ended, Errand, bridge, cancelling, settle
from finassist.core.errors import DataError, InputError, SourceTimeout
from finassist.core.events import FetchStarted, FlowEvent
from finassist.core.facts import Fact, Gap
from finassist.core.spans import Attributes, measured
from finassist.core.text import said
from finassist.providers.base import fetch_facts, fetch_for_query
from finassist.providers.http import on_retry
from finassist.runtime.context import RunContext
from finassist.runtime.effects import AgentCall, AgentReply, Ask, Compute, Fetch, Flow, Gather, fetch

type Emit = Callable[[FlowEvent], None]
type AskAgent = Callable[[Ask, Emit], Awaitable[AgentReply]]

_POLL_SECONDS = 0.05


# ---------------------------------------------------------------------------------------------- sync


def drive[Result](flow: Flow[Result], run: RunContext) -> Generator[FlowEvent, None, Result]:
    """Drive a flow to its end on the calling thread, yielding its events as they happen; its own value is returned."""
    result: Any = None
    with closing(flow):
        while True:
            run.check_stopped()
            try:
                wish = flow.send(result)
            except StopIteration as end:
                return end.value
            match wish:
                case Ask():
                    result = yield from _ask(wish, run)
                case Fetch():
                    [result] = yield from _gather([fetch(wish)], run)
                case Gather(flows=flows):
                    result = yield from _gather(flows, run)
                case Compute(work=work):
                    result = work()
                case event:
                    result = yield run.stamp(event)


def drive_to_end[Result](flow: Flow[Result], run: RunContext) -> Result:
    """Drive a flow whose events nobody sees; what it returned."""
    events = drive(flow, run)
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


def _ask(ask: Ask, run: RunContext) -> Generator[FlowEvent, None, AgentReply]:
    run.idle()
    call = _called(ask, run)
    with call.measured():
        return (yield from _replied(call, run))


def _replied(call: AgentCall, run: RunContext) -> Generator[FlowEvent, None, AgentReply]:
    agent, ask = call.agent, call.ask
    if not ask.stream:
        with run.interrupts.breakable(), call.watched():
            output = agent.run(ask.message)
        return call.reply(output, KeyboardInterrupt)
    with closing(call), closing(agent.run(ask.message, stream=True, yield_run_output=True)) as events:
        for event in _breakable(events, run, call):
            run.check_stopped()
            if (word := call.read(event)) is not None:
                yield run.stamp(word)
            if call.enough():
                break
    if (word := call.rest()) is not None:
        yield run.stamp(word)
    return call.reply(None, KeyboardInterrupt)


def _breakable[Item](items: Iterator[Item], run: RunContext, call: AgentCall) -> Generator[Item]:
    """The same items; waiting for each can be broken off by an interrupt."""
    while True:
        with run.interrupts.breakable(), call.watched():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def _gather(flows: Sequence[Flow[Any]], run: RunContext) -> Generator[FlowEvent, None, list[Any]]:
    """Run `agather` on the private loop; what its children ask of an agent comes back to this thread."""
    with bridge.start(lambda post: agather(flows, run, _ask_caller(post), post)) as inbox:
        while True:
            match inbox.receive(_POLL_SECONDS):
                case None:
                    run.check_stopped()
                    run.idle()
                case Ended() as ended:
                    return ended.result()
                case Errand(request=Ask() as ask) as errand:
                    errand.answer((yield from _ask(ask, run)))
                case event:
                    yield event


def _ask_caller(post: Callable[[Any], None]) -> AskAgent:
    async def ask_caller(ask: Ask, _emit: Emit) -> AgentReply:
        errand = Errand(ask, asyncio.get_running_loop())
        post(errand)
        return await errand.answered

    return ask_caller


# --------------------------------------------------------------------------------------------- async


async def adrive[Result](flow: Flow[Result], run: RunContext, emit: Emit, ask: AskAgent | None = None) -> Result:
    """Drive a flow to its end on the running loop, handing each event to `emit`, which must not block, as it happens.

    `ask` says how agents are asked; by default with `await agent.arun()`. A cancelled task cancels its children.
    """
    ask = ask or aask_with(run)
    result: Any = None
    with closing(flow):
        while True:
            try:
                wish = flow.send(result)
            except StopIteration as end:
                return end.value
            match wish:
                case Ask():
                    result = await ask(wish, emit)
                case Fetch():
                    result = await _afetch(wish, run, emit)
                case Gather(flows=flows):
                    result = await agather(flows, run, ask, emit)
                case Compute(work=work):
                    result = await asyncio.to_thread(work)
                case event:
                    result = emit(run.stamp(event))


async def adrive_stream[Result](
    flow: Flow[Result],
    run: RunContext,
    into: list[Result],
    started: Callable[[asyncio.Task[Any]], None] | None = None,
) -> AsyncGenerator[FlowEvent]:
    """`adrive` as an async iterator of events; the flow's result is appended to `into` at the end.

    `started` receives the flow's task, through which it can be cancelled. Its events come through a queue: an async
    generator must never `yield` inside a task group (PEP 789).
    """
    queue: asyncio.Queue[FlowEvent | None] = asyncio.Queue()
    task = asyncio.create_task(adrive(flow, run, queue.put_nowait), name="finassist-flow")
    # A callback, not a `finally` in the task: a task cancelled before its first step never runs its `finally`.
    task.add_done_callback(lambda _: queue.put_nowait(None))
    if started:
        started(task)
    try:
        while (event := await queue.get()) is not None:
            yield event
        into.append(task.result())
    finally:
        task.cancel()
        await settle(task)


async def agather(flows: Sequence[Flow[Any]], run: RunContext, ask: AskAgent, emit: Emit) -> list[Any]:
    """Drive flows at the same time in one `TaskGroup` and return their results in declared order.

    Expected failures are values (a `Gap`, a `AgentReply` with an error), so every child settles and none cancels its
    siblings. What is left is a bug: all children still settle, then the first in declared order is raised.
    """
    children = [_Child(flow) for flow in flows]
    bug: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for child in children:
                group.create_task(child.run(run, ask, emit))
                await asyncio.sleep(0)  # a child may need no waiting, and many of them would hold the loop up
        if bugs := [child.bug for child in children if child.bug]:
            raise ExceptionGroup(f"{len(bugs)} of {len(children)} gathered tasks failed", bugs)
    except* Exception as failed:  # noqa: BLE001  raised below, outside the group
        bug = failed.exceptions[0]
    if bug:
        raise bug
    return [child.result for child in children]


@dataclass(slots=True)
class _Child:
    """One gathered flow, its result, or the bug that ended it."""

    flow: Flow[Any]
    result: Any = None
    bug: Exception | None = None

    async def run(self, run: RunContext, ask: AskAgent, emit: Emit) -> None:
        try:
            self.result = await adrive(self.flow, run, emit, ask)
        except Exception as error:  # noqa: BLE001  raised once every sibling has settled
            self.bug = error


def _called(ask: Ask, run: RunContext) -> AgentCall:
    return AgentCall(ask, run.runtime.agents[ask.agent], run.runtime.limits, run.runtime.secrets)


def aask_with(run: RunContext) -> AskAgent:
    """How `adrive` asks the agents of a run."""

    async def aask(ask: Ask, emit: Emit) -> AgentReply:
        call = _called(ask, run)
        with call.measured():
            try:
                with call.watched():
                    async with asyncio.timeout(call.seconds):
                        return await _listen(call, run, emit)
            except TimeoutError:
                return call.late()

    return aask


async def _listen(call: AgentCall, run: RunContext, emit: Emit) -> AgentReply:
    agent, ask = call.agent, call.ask
    if not ask.stream:
        return call.reply(await agent.arun(ask.message), asyncio.CancelledError)
    async with aclosing(agent.arun(ask.message, stream=True, yield_run_output=True)) as events:
        async for event in events:
            if (word := call.read(event)) is not None:
                emit(run.stamp(word))
            if call.enough():
                break
    if (word := call.rest()) is not None:
        emit(run.stamp(word))
    return call.reply(None, asyncio.CancelledError)


async def _afetch(effect: Fetch, run: RunContext, emit: Emit) -> list[Fact] | Gap:
    need, provider, symbol = effect.need, (effect.source or run.runtime.provider).id, effect.symbol
    span: Attributes = {
        "openinference.span.kind": "TOOL",  # as AgentOS shows it
        "finassist.need": need,
        "finassist.provider": provider,
        "finassist.symbol": symbol,
    }
    with measured(f"fetch {need}", span, step="gather"):
        found = await _found(effect, run, emit)
        span |= _outcome(found)
    return found


def _outcome(found: list[Fact] | Gap) -> Attributes:
    if isinstance(found, Gap):
        return {"error.type": found.error, "exception.message": found.reason}
    return {"finassist.facts": len(found)}


async def _found(effect: Fetch, run: RunContext, emit: Emit) -> list[Fact] | Gap:
    """The facts, or the gap by name. A bug in a provider is not a gap: it passes through."""
    provider, settings = effect.source or run.runtime.provider, run.runtime.settings
    attempts = count(2)

    def again(reason: str) -> None:
        tried = FetchStarted(symbol=effect.symbol, need=effect.need, provider=provider.id)
        tried.attempt, tried.reason = next(attempts), reason
        emit(run.stamp(tried))

    try:
        # All fetches of a question begin at the same time, so the question's own limit is one of each of them.
        async with asyncio.timeout(min(settings.fetch_timeout, settings.question_timeout)):
            with on_retry(again):
                return await _fetched(effect, provider)
    except TimeoutError:
        return _gap(effect, _late(provider.name, settings))
    except asyncio.CancelledError:
        if cancelling():
            raise
        return _gap(effect, DataError(f"{provider.name} cancelled the request by itself. Ask again."))
    except (DataError, InputError, FinanceProviderError) as error:
        return _gap(effect, error)


async def _fetched(effect: Fetch, provider: FinanceProvider) -> list[Fact]:
    need, symbol, periods = effect.need, effect.symbol, effect.periods
    if need in ("figures", "closes", "universe", "peers"):
        return await fetch_for_query(provider, need, symbol, effect.scope, periods.as_of)
    return await fetch_facts(provider, need, symbol, periods)


def _late(provider: str, settings: Settings) -> SourceTimeout:
    if settings.question_timeout <= settings.fetch_timeout:
        within, variable = f"the {settings.question_timeout:g} seconds of a question", "FINASSIST_QUESTION_TIMEOUT"
    else:
        within, variable = f"{settings.fetch_timeout:g} seconds", "FINASSIST_FETCH_TIMEOUT"
    return SourceTimeout(f"{provider} did not answer within {within}. Ask again, or raise {variable}.")


def _gap(effect: Fetch, error: Exception) -> Gap:
    reason = said(error) or f"The source failed with {type(error).__name__}. Ask again."
    return Gap(symbol=effect.symbol, need=effect.need, reason=reason, error=type(error).__name__)
