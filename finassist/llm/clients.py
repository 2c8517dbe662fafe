"""The HTTP clients of one model: one per event loop, kept warm, closed when their loop ends."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
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
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Client, AsyncGenerator[None]]]
        self._by_loop = WeakKeyDictionary()

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
            client = make()
            self._by_loop[loop] = client, _started(_closing(client))
        return self._by_loop[loop][0]

    def __deepcopy__(self, memo: Any) -> Clients:
        return Clients()  # a copied model makes its own


def _started(guard: AsyncGenerator[None]) -> AsyncGenerator[None]:
    """Advanced to its `yield`. From then on the loop knows it, and closes it when it ends."""
    with _one_step():
        guard.asend(None).__await__().send(None)
    return guard


@contextmanager
def _one_step() -> Generator[None]:
    try:
        yield
    except StopIteration:
        return


async def _closing(client: Client) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await client.close()
