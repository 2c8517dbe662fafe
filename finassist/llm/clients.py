"""HTTP clients that stay warm: one for all threads, or one for each event loop, closed when the loop ends."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary


class ThreadClient:
    """A sync client, shared by all threads; made on first use, closed with this object."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._lock, self._client = make, threading.Lock(), None

    def here(self) -> Any:
        """The client."""
        with self._lock:
            if self._client is None:
                self._client = client = self._make()
                weakref.finalize(self, client.close)
            return self._client

    def close(self) -> None:
        """Close it; used again, it is made anew."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


class LoopClients:
    """Async clients, each of which belongs to one event loop.

    A model is asked from several: that of the user, one for each `asyncio.run` of a script, and the private one on
    which summaries are written.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept] = WeakKeyDictionary()

    def here(self) -> Any:
        """The client of the running loop; closed when the loop ends or this object is dropped."""
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            self._by_loop[loop] = _Kept(self, self._make(), loop)
        return self._by_loop[loop].client

    def close(self) -> None:
        """Close every client on its own loop, as soon as that gets to it."""
        kept, self._by_loop = list(self._by_loop.values()), WeakKeyDictionary()
        for each in kept:
            each.drop()

    async def aclose(self) -> None:
        """Close the client of the running loop, and wait until it is."""
        if kept := self._by_loop.pop(asyncio.get_running_loop(), None):
            await kept.guard.aclose()


class _Kept:
    """One client on one loop."""

    def __init__(self, owner: LoopClients, client: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.client = client
        self._loop: asyncio.AbstractEventLoop | None = loop
        self._closing: asyncio.Task[None] | None = None
        # The finalizer keeps the client alive until it is closed: swept away together with its owner, it would not be.
        self._finalizer = weakref.finalize(owner, self.drop)
        self._finalizer.atexit = False
        self.guard = self._close_with_loop()
        with suppress(StopIteration):  # advanced to its `yield`: from then on the loop closes it at its own end
            self.guard.asend(None).__await__().send(None)

    async def _close_with_loop(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._finalizer.detach()
            self._loop = None
            await self.client.aclose()

    def drop(self) -> None:
        """Called in any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._begin_closing)

    def _begin_closing(self) -> None:
        self._closing = asyncio.get_running_loop().create_task(self.guard.aclose())
