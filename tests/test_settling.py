"""Whoever leaves early leaves nothing behind: flows and runs are stopped and waited for, turns are given back."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from finassist import EmbeddedProvider, FinancialAssistantWorkflow
from finassist.core.concurrency import in_thread
from finassist.providers.base import Periods
from finassist.runtime.context import RunContext, Runtime
from finassist.runtime.drivers import adrive_stream
from finassist.runtime.effects import Fetch, fetch
from finassist.sessions.store import SessionLocks


class Reluctant(EmbeddedProvider):
    """Never delivers a quote; cancelled, it needs a moment to come to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.ended = asyncio.Event(), 0

    async def aget_quote(self, symbol: str) -> Any:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.02)
            self.ended += 1


def test_leaving_a_flow_waits_until_it_has_come_to_its_end(run_async: Any) -> None:
    async def scene() -> None:
        provider = Reluctant()
        run = RunContext(runtime=Runtime.open(provider=provider, model="offline", db=None), question="?")
        begun: list[asyncio.Task[Any]] = []
        events = adrive_stream(fetch(Fetch("AAPL", "quote", Periods(1))), run, [], begun.append)
        waiting = asyncio.create_task(anext(events))
        await provider.begun.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert begun[0].done()
        assert provider.ended == 1

    run_async(scene())


def test_leaving_a_stream_stops_the_run_and_waits_for_it(run_async: Any) -> None:
    async def scene() -> None:
        provider = Reluctant()
        workflow = FinancialAssistantWorkflow(provider=provider, db=None)
        events = workflow.arun("Tell me about Apple", stream=True)
        async for event in events:
            if event.event == "FetchStarted":
                break
        await provider.begun.wait()
        async with asyncio.timeout(10):
            await events.aclose()  # pyright: ignore[reportAttributeAccessIssue]
        assert provider.ended == 1
        assert [answer.status.value for answer in workflow.answers()] == ["CANCELLED"]

    run_async(scene())


def test_a_run_leaves_no_task_behind_not_even_one_that_is_ending(run_async: Any) -> None:
    async def scene() -> None:
        workflow = FinancialAssistantWorkflow(db=None)
        before = asyncio.all_tasks()
        await workflow.arun("What is Apple's stock price?")
        assert asyncio.all_tasks() == before

    run_async(scene())


# ------------------------------------------------------------------------------------------------- turns


@pytest.fixture
def hectic() -> Generator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.slow
@pytest.mark.usefixtures("hectic")
def test_threads_that_come_at_once_share_one_lock() -> None:
    locks, many = SessionLocks(), 8
    for number in range(300):
        start, found = threading.Barrier(many), list[Any]()

        def come(number: int = number, start: threading.Barrier = start, found: list[Any] = found) -> None:
            start.wait()
            found.append(locks._here(str(number)))

        threads = [threading.Thread(target=come) for _ in range(many)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(lock) for lock in found}) == 1, f"two turns at once in session {number}"


class Away:
    """Other processes that cannot be asked."""

    @contextmanager
    def turn(self, session_id: str) -> Generator[None]:
        raise ConnectionError("the database is away")
        yield

    @asynccontextmanager
    async def aturn(self, session_id: str) -> AsyncGenerator[None]:
        raise ConnectionError("the database is away")
        yield


def test_a_turn_that_cannot_be_taken_elsewhere_is_free_again_here(run_async: Any) -> None:
    locks = SessionLocks(Away())

    async def try_twice() -> None:
        for _ in range(2):  # held, the second would wait for ever
            with pytest.raises(ConnectionError):
                async with asyncio.timeout(5), locks.aturn("s"):
                    pass

    with pytest.raises(ConnectionError), locks.turn("s"):
        pass
    run_async(try_twice())


def test_an_async_run_holds_its_loop_until_the_last_of_the_session_has_ended(run_async: Any) -> None:
    locks = SessionLocks()

    async def scene() -> None:
        locks.check_loop_is_free("s")
        with locks.on_loop("s"):
            with locks.on_loop("s"):
                pass
            with pytest.raises(Exception, match="another session_id"):
                locks.check_loop_is_free("s")
        locks.check_loop_is_free("s")

    run_async(scene())


# ------------------------------------------------------------------------------------------- work in a thread


def test_the_result_and_the_error_of_a_thread_come_back(run_async: Any) -> None:
    async def check() -> None:
        assert await in_thread(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await in_thread(divmod, 7, 0)

    run_async(check())


def test_cancelled_work_in_a_thread_ends_when_the_thread_does(run_async: Any) -> None:
    begun, allowed, written = threading.Event(), threading.Event(), list[str]()

    def write() -> None:
        begun.set()
        allowed.wait()
        written.append("first")

    async def check() -> None:
        writing = asyncio.create_task(in_thread(write))
        await asyncio.to_thread(begun.wait)
        for _ in range(2):
            writing.cancel()
            await asyncio.sleep(0)
            assert not writing.done(), "what comes next must not overtake it"
        allowed.set()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert written == ["first"]

    run_async(check())
