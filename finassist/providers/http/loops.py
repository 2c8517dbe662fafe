"""What belongs to one event loop: its connections, its limits, and the requests under way.

A client belongs to one loop, and the same transport is used from several: the user's, that of every
`asyncio.run`, and the private one behind `run()`. Each gets its own, closed when the loop ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
from aiolimiter import AsyncLimiter

from finassist.providers.http.flights import Flights
from finassist.providers.http.payload import Outcome


@dataclass(slots=True)
class LoopState:
    """One loop's share of a transport: its connections, and who may use them when."""

    session: aiohttp.ClientSession
    slots: asyncio.Semaphore
    pace: AsyncLimiter | None
    flights: Flights[Outcome] = field(default_factory=Flights[Outcome])
    guard: AsyncGenerator[None] | None = None


class Loops:
    """The state of each loop, made when a loop first asks and closed when the loop ends."""

    def __init__(self, make: Callable[[], LoopState]) -> None:
        self._make = make
        self._lock = threading.RLock()  # a finalizer may run in the middle of anything
        self._states: dict[asyncio.AbstractEventLoop, LoopState] = {}
        self._closing: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected before it is done

    async def here(self) -> LoopState:
        """The state of the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            state = self._states.get(loop)
            if state is None or state.session.closed:
                self._forget_ended()
                state = self._states[loop] = self._make()
        if state.guard is None:
            state.guard = _close_with_loop(state.session)
            await anext(state.guard)
        return state

    async def close_here(self) -> None:
        """Close the connections of the running loop."""
        with self._lock:
            state = self._states.pop(asyncio.get_running_loop(), None)
        if state:
            await _close(state)

    def abandon(self) -> None:
        """Have every loop that still lives close its connections; the transport is no longer used."""
        with self._lock:
            states = list(self._states.items())
        for loop, state in states:
            with suppress(RuntimeError):  # it has been closed, and its connections with it
                loop.call_soon_threadsafe(self._begin_closing, loop, state)

    def _forget_ended(self) -> None:
        for loop in [loop for loop in self._states if loop.is_closed()]:
            del self._states[loop]  # a session holds its loop, so none would go by itself

    def _begin_closing(self, loop: asyncio.AbstractEventLoop, state: LoopState) -> None:
        task = loop.create_task(_close(state), name="finassist-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(state: LoopState) -> None:
    await state.session.close()
    if state.guard is not None:
        with suppress(RuntimeError):  # the loop is closing it at this moment
            await state.guard.aclose()


async def _close_with_loop(session: aiohttp.ClientSession) -> AsyncGenerator[None]:
    """Waits for the end of its loop, which closes every async generator that is still open."""
    try:
        yield
    finally:
        await session.close()
