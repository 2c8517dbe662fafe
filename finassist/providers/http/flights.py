"""Identical work that is under way is shared, on one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class _Flight[Result]:
    task: asyncio.Task[Result]
    waiters: int = 0


class Flights[Result]:
    """Runs each piece of work once for everybody who asks while it runs.

    Whoever is cancelled leaves the others waiting; when the last one leaves, the work is cancelled too, and has
    ended before `join` does. Belongs to one loop.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Result]] = {}

    async def join(self, key: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What `work()` returns, begun now or earlier by somebody else under the same key."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(work(), name="finassist-request"))
            flight.task.add_done_callback(lambda task, flight=flight: self._end(key, flight, task))
        flight.waiters += 1
        try:
            await asyncio.wait([flight.task])
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._forget(key, flight)
                flight.task.cancel()
                await _settle(flight.task)
        return flight.task.result()

    def _end(self, key: str, flight: _Flight[Result], task: asyncio.Task[Result]) -> None:
        self._forget(key, flight)
        if not task.cancelled():
            task.exception()  # seen, even if nobody waits any more

    def _forget(self, key: str, flight: _Flight[Result]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


async def _settle(task: asyncio.Task[Any]) -> None:
    """Wait until a cancelled task has ended, even if the waiting is cancelled once more."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue
