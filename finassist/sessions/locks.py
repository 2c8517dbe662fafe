"""Turns of one conversation never overlap: not between threads and loops, nor between machines that share it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol
from weakref import WeakValueDictionary

import aiologic

from finassist.core.errors import SessionError


class Turn(Protocol):
    """What is held during a turn; `with` and `async with` wait for it."""

    def __enter__(self) -> Any: ...
    def __exit__(self, kind: Any, error: Any, traceback: Any, /) -> None: ...
    async def __aenter__(self) -> Any: ...
    async def __aexit__(self, kind: Any, error: Any, traceback: Any, /) -> None: ...


class Elsewhere(Protocol):
    """Takes turns with other processes. Within this one they are taken already."""

    def take(self, session_id: str) -> None:
        """Wait until no other process answers in this session."""
        ...

    def give(self, session_id: str) -> None:
        """Let others answer. Fails in silence: where the database is away, nobody holds anything."""
        ...

    async def atake(self, session_id: str) -> None:
        """`take` for a running event loop. Cancelled, it takes nothing."""
        ...

    async def agive(self, session_id: str) -> None:
        """`give` for a running event loop. Cancelled, it gives all the same."""
        ...


@dataclass(frozen=True)
class _SharedTurn:
    here: aiologic.BinarySemaphore
    elsewhere: Elsewhere
    session_id: str

    def __enter__(self) -> None:
        self.here.__enter__()
        try:
            self.elsewhere.take(self.session_id)
        except BaseException:
            self.here.__exit__(None, None, None)
            raise

    def __exit__(self, *error: Any) -> None:
        try:
            self.elsewhere.give(self.session_id)
        finally:
            self.here.__exit__(None, None, None)

    async def __aenter__(self) -> None:
        await self.here.__aenter__()
        try:
            await self.elsewhere.atake(self.session_id)
        except BaseException:
            await self.here.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self.elsewhere.agive(self.session_id)
        finally:
            await self.here.__aexit__(None, None, None)


class SessionLocks:
    """One lock per session, for threads and loops alike: turns of one conversation never overlap.

    Args:
        elsewhere: Takes turns with other processes and machines, where the sessions are shared with them.
    """

    def __init__(self, elsewhere: Elsewhere | None = None) -> None:
        self._elsewhere = elsewhere
        self._locks: WeakValueDictionary[str, aiologic.BinarySemaphore] = WeakValueDictionary()
        self._guard = Lock()
        self._on_loops: Counter[tuple[str, asyncio.AbstractEventLoop]] = Counter()

    def of(self, session_id: str) -> Turn:
        """The lock of this session; works with `with` and with `async with`.

        Raises:
            SessionError: (on entering) The session is shared, and cannot be taken: its database is away, or another
                process does not come to an end.
        """
        with self._guard:
            lock = self._locks.get(session_id)
            if lock is None:
                lock = self._locks[session_id] = aiologic.BinarySemaphore()
        return lock if self._elsewhere is None else _SharedTurn(lock, self._elsewhere, session_id)

    @contextmanager
    def on_loop(self, session_id: str) -> Generator[None]:
        """Inside, an async run of this session needs the running loop, from its turn in the queue to its end."""
        key = (session_id, asyncio.get_running_loop())
        with self._guard:
            self._on_loops[key] += 1
        try:
            yield
        finally:
            with self._guard:
                self._on_loops[key] -= 1
                if not self._on_loops[key]:
                    del self._on_loops[key]

    def check_loop_is_free(self, session_id: str) -> None:
        """Refuse to block a loop that an async run of the same session needs to come to its end.

        Raises:
            SessionError: Such a run would be waited for, for ever.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if (session_id, loop) in self._on_loops:
            raise SessionError(
                "This conversation is still answering an `arun()`, and a sync `run()` here would keep it from ending. "
                "Await that answer first, use `await workflow.arun(...)`, or pass another session_id."
            )
