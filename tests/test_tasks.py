"""Work in a thread, seen from the loop: cancelled, it ends when the thread does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from finassist.core.concurrency import in_thread

type RunAsync = Callable[[Coroutine[Any, Any, None]], None]


def test_its_result_and_its_error_come_back(run_async: RunAsync) -> None:
    async def check() -> None:
        assert await in_thread(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await in_thread(divmod, 7, 0)

    run_async(check())


def test_cancelled_it_waits_for_the_thread_however_often(run_async: RunAsync) -> None:
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
