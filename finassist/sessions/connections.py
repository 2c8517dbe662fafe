"""Connections to a session database: they outlive no event loop, and its tables are created once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4
from weakref import WeakKeyDictionary

from agno.db.base import BaseDb
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

_PATIENCE: Final = 5.0


class LoopGuard:
    """Called for every new async connection: from then on its loop closes idle connections when it ends."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._guards: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[None]] = WeakKeyDictionary()
        self._closing: list[asyncio.Task[None]] = []  # a task that nobody holds may be collected before it is done

    def __call__(self, connection: Any, _: Any) -> None:
        """From now on the loop of this connection is watched."""
        connection.run_async(self._close_with_loop)

    def close(self, *, wait: bool = False) -> None:
        """Close idle connections now, on a loop that used them.

        Args:
            wait: Until they are closed, where that loop runs in another thread. Not for a finalizer, which may run
                anywhere.
        """
        loop = next((loop for loop in self._guards if loop.is_running()), None)
        if loop is None:
            return
        if wait and loop is not _running_loop():
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self.aclose(), loop).result(_PATIENCE)
        else:
            loop.call_soon_threadsafe(lambda: self._closing.append(loop.create_task(self.aclose())))

    async def aclose(self) -> None:
        """Close idle connections on the running loop.

        The pool itself stays: the engine's own `dispose()` would leave it for a new one, and a connection that is in
        use meanwhile would be handed back to the old one, where nobody closes it.
        """
        await greenlet_spawn(self._engine.sync_engine.pool.dispose)

    async def _close_with_loop(self, _: Any) -> None:
        loop = asyncio.get_running_loop()
        if loop not in self._guards:
            self._guards[loop] = guard = self._until_the_end()
            await anext(guard)

    async def _until_the_end(self) -> AsyncGenerator[None]:
        """Waits for the end of its loop, which closes every async generator that is still open."""
        try:
            yield
        finally:
            # A generator knows its loop: kept as the value under it, it would keep an ended loop alive.
            self._guards.pop(asyncio.get_running_loop(), None)
            await self.aclose()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def ensure_schema(database: BaseDb) -> None:
    """Create Agno's tables by writing and deleting one session; processes that do so at once lose runs."""
    if database.table_exists(database.session_table_name) and database.table_exists(database.runs_table_name):
        return
    probe = WorkflowSession(session_id=f"schema-{uuid4()}", created_at=0)
    if database.upsert_session(probe) is None:
        raise OSError("it is not writable")
    database.upsert_run(WorkflowRunOutput(run_id=probe.session_id), session_id=probe.session_id)
    database.delete_session(probe.session_id)
