"""One SQLite file with Agno's tables: created once, private to the user, with connections that outlive no loop."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4
from weakref import WeakKeyDictionary

from agno.db.sqlite import AsyncSqliteDb, SqliteDb
from agno.db.utils import json_serializer
from agno.run.workflow import WorkflowRunOutput
from agno.session import WorkflowSession
from filelock import FileLock
from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool
from sqlalchemy.util import greenlet_spawn

_BUSY_SECONDS = 30
_KEPT_CONNECTIONS = 5
_ID = "finassist"


@dataclass(frozen=True)
class SqliteFile:
    """A sync and an async adapter to the same file.

    Connections are pooled. The pool of the async one is closed when a loop that used it ends, that of the sync one
    with this object.
    """

    sync: SqliteDb
    native: AsyncSqliteDb
    guard: _LoopGuard

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file; create it, readable by its owner only, and Agno's tables if need be."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        sync_engine = create_engine(f"sqlite:///{path}", poolclass=QueuePool, **_options())
        native_engine = create_async_engine(
            f"sqlite+aiosqlite:///{path}", poolclass=AsyncAdaptedQueuePool, **_options()
        )
        for engine in (sync_engine, native_engine.sync_engine):
            event.listen(engine, "connect", _relax)
        sync = SqliteDb(db_engine=sync_engine, db_file=str(path), id=_ID)
        with FileLock(f"{path}.lock"):
            _ensure_schema(sync)
        guard = _LoopGuard(native_engine)
        event.listen(native_engine.sync_engine, "connect", guard)
        file = cls(sync, AsyncSqliteDb(db_engine=native_engine, db_file=str(path), id=_ID), guard)
        weakref.finalize(file, sync_engine.dispose)
        weakref.finalize(file, guard.close).atexit = False
        return file

    def close(self) -> None:
        """Close idle connections; those made on event loops, as soon as one of these gets to it."""
        self.sync.db_engine.pool.dispose()
        self.guard.close()

    async def aclose(self) -> None:
        """Close idle connections, and wait until they are."""
        self.sync.db_engine.pool.dispose()
        await self.guard.aclose()


class _LoopGuard:
    """Called for every new async connection: from then on its loop closes idle connections when it ends."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._guards: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[None]] = WeakKeyDictionary()
        self._closing: list[asyncio.Task[None]] = []  # a task that nobody holds may be collected before it is done

    def __call__(self, connection: Any, _: Any) -> None:
        connection.run_async(self._close_with_loop)

    def close(self) -> None:
        """Close idle connections now, on a loop that used them; called when the file is no longer used."""
        loop = next((loop for loop in self._guards if loop.is_running()), None)
        if loop:
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


def _options() -> dict[str, Any]:
    # Without a limit the pool never makes anybody wait, and so is never bound to one event loop.
    return {
        "pool_size": _KEPT_CONNECTIONS,
        "max_overflow": -1,
        "connect_args": {"timeout": _BUSY_SECONDS},
        "json_serializer": json_serializer,
    }


def _relax(connection: Any, _: Any) -> None:
    """With a write-ahead log this setting loses nothing when a process dies, and saves an fsync per statement."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _ensure_schema(database: SqliteDb) -> None:
    """Create Agno's tables by writing and deleting one session; processes that do so at once lose runs."""
    if database.table_exists(database.session_table_name) and database.table_exists(database.runs_table_name):
        return
    probe = WorkflowSession(session_id=f"schema-{uuid4()}", created_at=0)
    if database.upsert_session(probe) is None:
        raise OSError("it is not writable")
    database.upsert_run(WorkflowRunOutput(run_id=probe.session_id), session_id=probe.session_id)
    database.delete_session(probe.session_id)
