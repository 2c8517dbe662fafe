"""One SQLite file with Agno's tables: created once, private to the user, with connections that outlive no loop."""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from agno.db.sqlite import AsyncSqliteDb, SqliteDb
from agno.db.utils import json_serializer
from filelock import FileLock
from sqlalchemy import create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from finassist.core.concurrency import in_thread
from finassist.sessions.connections import LoopGuard, ensure_schema

_BUSY_SECONDS = 30
_KEPT_CONNECTIONS = 5
_ID = "finassist"


class ThreadedSqliteDb(AsyncSqliteDb):
    """Agno's async adapter, where what every answer needs is one trip to a thread.

    SQLite has no answers to wait for on a loop: Agno's own form goes to a thread and back for every step of a query.
    """

    def __init__(self, sync: SqliteDb, engine: AsyncEngine) -> None:
        super().__init__(db_engine=engine, db_file=sync.db_file, id=sync.id)
        self._sync = sync

    async def get_session(self, *args: Any, **options: Any) -> Any:
        """Agno's `SqliteDb.get_session`."""
        return await in_thread(self._sync.get_session, *args, **options)

    async def upsert_session(self, *args: Any, **options: Any) -> Any:
        """Agno's `SqliteDb.upsert_session`."""
        return await in_thread(self._sync.upsert_session, *args, **options)

    async def upsert_run(self, *args: Any, **options: Any) -> None:
        """Agno's `SqliteDb.upsert_run`."""
        await in_thread(self._sync.upsert_run, *args, **options)


@dataclass(frozen=True)
class SqliteFile:
    """A sync and an async adapter to the same file.

    Connections are pooled. The pool of the async one is closed when a loop that used it ends, that of the sync one
    with this object.
    """

    sync: SqliteDb
    native: AsyncSqliteDb
    guard: LoopGuard

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file; create it, readable by its owner only, and Agno's tables if need be."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        sync_engine = create_engine(f"sqlite:///{path}", poolclass=QueuePool, **_options())
        # Each call on an async connection is a trip to its thread. A session that ends has rolled back already what
        # it did not commit; the pool need not do it again.
        native_engine = create_async_engine(
            f"sqlite+aiosqlite:///{path}", poolclass=AsyncAdaptedQueuePool, pool_reset_on_return=None, **_options()
        )
        for engine in (sync_engine, native_engine.sync_engine):
            event.listen(engine, "connect", _relax)
        sync = SqliteDb(db_engine=sync_engine, db_file=str(path), id=_ID)
        with FileLock(f"{path}.lock"):
            ensure_schema(sync)
        guard = LoopGuard(native_engine)
        event.listen(native_engine.sync_engine, "connect", guard)
        file = cls(sync, ThreadedSqliteDb(sync, native_engine), guard)
        weakref.finalize(file, sync_engine.dispose)
        weakref.finalize(file, guard.close).atexit = False
        return file

    def has_run(self, run_id: str) -> bool:
        """Whether the run is in the file, with something in it; it is not read as a whole."""
        saved = text(f"SELECT length(run_data) FROM {self.sync.runs_table_name} WHERE run_id = :run_id")
        with self.sync.db_engine.connect() as connection:
            return bool(connection.execute(saved, {"run_id": run_id}).scalar())

    def close(self) -> None:
        """Close idle connections; those made on event loops, as soon as one of these gets to it."""
        self.sync.db_engine.pool.dispose()
        self.guard.close(wait=True)

    async def aclose(self) -> None:
        """Close idle connections, and wait until they are."""
        self.sync.db_engine.pool.dispose()
        await self.guard.aclose()


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
