"""Work that is under way is shared by all who ask for the same, on one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class _Shared[Result]:
    task: asyncio.Task[Result]
    waiters: int = 0


class InFlight[Result]:
    """Runs each piece of work once for all who ask while it runs.

    A caller that is cancelled leaves the others waiting; when the last one leaves, the work is cancelled too, and has
    ended before `join` does. Belongs to one loop.
    """

    def __init__(self) -> None:
        self._shared: dict[str, _Shared[Result]] = {}

    async def join(self, key: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What `work()` returns, begun now or earlier under the same key."""
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared(asyncio.create_task(work(), name="finassist-request"))
            shared.task.add_done_callback(lambda task, shared=shared: self._end(key, shared, task))
        shared.waiters += 1
        try:
            await asyncio.wait([shared.task])
        finally:
            shared.waiters -= 1
            if not shared.waiters and not shared.task.done():
                self._forget(key, shared)
                shared.task.cancel()
                await _ended(shared.task)
        return shared.task.result()

    def _end(self, key: str, shared: _Shared[Result], task: asyncio.Task[Result]) -> None:
        self._forget(key, shared)
        if not task.cancelled():
            task.exception()  # else asyncio complains about an exception that no waiter was left to see

    def _forget(self, key: str, shared: _Shared[Result]) -> None:
        if self._shared.get(key) is shared:
            del self._shared[key]


async def _ended(task: asyncio.Task[Any]) -> None:
    """Wait until a cancelled task has ended, even if the waiting is cancelled once more."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue
