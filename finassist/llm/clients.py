"""The HTTP clients of one model: one per event loop, kept warm, closed when their loop ends."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from finassist.llm.transport import Client


class Clients:
    """The clients of one model: a sync one for all threads, an async one for each event loop that asks.

    An async client belongs to one loop, and a model is asked from several: that of the user, one for each
    `asyncio.run` of a script, and the private one on which summaries are written.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sync: Client | None = None
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept] = WeakKeyDictionary()

    def sync(self, make: Callable[[], Client]) -> Client:
        """The sync client; made on first use, closed with this object."""
        with self._lock:
            if self._sync is None:
                self._sync = client = make()
                weakref.finalize(self, client.close)
            return self._sync

    def on_loop(self, make: Callable[[], Client]) -> Client:
        """The client of the running loop; made on first use, closed when the loop ends or this object is dropped."""
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            self._by_loop[loop] = _Kept(self, make(), loop)
        return self._by_loop[loop].client

    def close(self) -> None:
        """Close every client; an async one is closed on its own loop, as soon as that gets to it."""
        with self._lock:
            sync, self._sync = self._sync, None
            kept, self._by_loop = list(self._by_loop.values()), WeakKeyDictionary()
        for each in kept:
            each.drop()
        if sync is not None:
            sync.close()

    async def aclose(self) -> None:
        """Close the client of the running loop, and wait until it is."""
        if kept := self._by_loop.pop(asyncio.get_running_loop(), None):
            await kept.aclose()

    def __deepcopy__(self, memo: Any) -> Clients:
        return Clients()  # a copied model makes its own


class _Kept:
    """One client on one loop."""

    def __init__(self, owner: Clients, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        self.client = client
        self._loop: asyncio.AbstractEventLoop | None = loop
        self._closing: asyncio.Task[None] | None = None
        # The finalizer keeps the client alive until it is closed: swept away together with its owner, it would not be.
        self._finalizer = weakref.finalize(owner, self.drop)
        self._finalizer.atexit = False
        self._guard = self._close_with_loop()
        with suppress(
            StopIteration
        ):  # advanced to its `yield`: from then on the loop knows it, and closes it at its end
            self._guard.asend(None).__await__().send(None)

    async def _close_with_loop(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._finalizer.detach()
            self._loop = None
            await self.client.close()

    async def aclose(self) -> None:
        """On the client's own loop."""
        await self._guard.aclose()

    def drop(self) -> None:
        """Called in any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._begin_closing)

    def _begin_closing(self) -> None:
        self._closing = asyncio.get_running_loop().create_task(self._guard.aclose())
