"""Requests over HTTP: what each event loop keeps open for them, and who is told that one is sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import RLock
from typing import Any

_callback: ContextVar[Callable[[str], None] | None] = ContextVar("finassist_retries", default=None)


def report_retry(reason: str) -> None:
    """A request is sent again. Called before each further attempt."""
    if (callback := _callback.get()) is not None:
        callback(reason)


@contextmanager
def on_retry(callback: Callable[[str], None]) -> Generator[None]:
    """Inside, `callback` gets each reason; not afterwards, even if a shared request continues for other callers.

    Example:
        >>> with on_retry(print):
        ...     report_retry("The source did not answer.")
        The source did not answer.
    """
    active = True
    token = _callback.set(lambda reason: callback(reason) if active else None)
    try:
        yield
    finally:
        active = False
        _callback.reset(token)


class PerLoop[T]:
    """What belongs to one event loop, such as connections: opened when a loop first asks, closed when the loop ends.

    There are several loops: that of the user, one for each `asyncio.run` of a script, and the private one behind
    `run()`. Threads may share this object.

    Args:
        open_one: An async generator that opens it without waiting, yields it, and closes it. A loop ends, at its own
            end, every async generator that is still open.
    """

    def __init__(self, open_one: Callable[[], AsyncGenerator[T]]) -> None:
        self._open_one = open_one
        self._lock = RLock()  # a finalizer may run in the middle of anything
        self._opened: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[T]]] = {}
        self._closing: set[asyncio.Task[Any]] = set()  # asyncio holds tasks weakly

    async def here(self) -> T:
        """That of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._opened.get(loop)
        if found is None:
            guard = self._open_one()
            found = await anext(guard), guard  # does not wait, so no other task of this loop runs in between
            with self._lock:
                for ended in [each for each in self._opened if each.is_closed()]:
                    del self._opened[ended]  # connections hold their loop, so none would go by itself
                self._opened[loop] = found
        return found[0]

    async def close_here(self) -> None:
        """Close that of the running loop; it opens again when needed."""
        with self._lock:
            found = self._opened.pop(asyncio.get_running_loop(), None)
        if found:
            await _close(found[1])

    def close_all(self) -> None:
        """Have every loop that still runs close its own, as soon as it gets to it."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for loop, (_, guard) in opened.items():
            with suppress(RuntimeError):  # the loop has ended, and has closed it
                loop.call_soon_threadsafe(self._begin_closing, guard)

    def _begin_closing(self, guard: AsyncGenerator[T]) -> None:
        task = asyncio.get_running_loop().create_task(_close(guard), name="finassist-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(guard: AsyncGenerator[Any]) -> None:
    with suppress(RuntimeError):  # the loop is closing it at this moment
        await guard.aclose()
