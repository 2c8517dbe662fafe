"""One SQLite file with Agno's tables: created once, private to the user, with connections that are pooled."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any, Final

from agno.db.sqlite import SqliteDb
from agno.db.utils import json_serializer
from filelock import FileLock
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from finassist.sessions.store import ensure_schema

_BUSY_SECONDS: Final = 30
_KEPT_CONNECTIONS: Final = 5


class FileDb(SqliteDb):
    """Agno's adapter to one file. It closes its connections when deleted or by `close`, and reopens them on use.

    Args:
        path: The file; created, readable by its owner only, with Agno's tables if need be.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        engine = create_engine(
            URL.create("sqlite", database=str(path)),  # as text, `?` in a path would begin options
            poolclass=QueuePool,
            pool_size=_KEPT_CONNECTIONS,
            max_overflow=-1,
            connect_args={"timeout": _BUSY_SECONDS},
            json_serializer=json_serializer,
        )
        event.listen(engine, "connect", _relax)
        weakref.finalize(self, engine.dispose)
        super().__init__(db_engine=engine, db_file=str(path), id="finassist")
        with FileLock(f"{path}.lock"):
            ensure_schema(self)

    def has_run(self, run_id: str) -> bool:
        """Whether the run is in the file, with something in it; it is not read as a whole."""
        saved = text(f"SELECT length(run_data) FROM {self.runs_table_name} WHERE run_id = :run_id")
        with self.db_engine.connect() as connection:
            return bool(connection.execute(saved, {"run_id": run_id}).scalar())

    def close(self) -> None:
        """Close idle connections. The pool stays, so that one in use now is handed back to it."""
        self.db_engine.pool.dispose()


def _relax(connection: Any, _: Any) -> None:
    """With a write-ahead log this setting loses nothing when a process dies, and saves an fsync per statement."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
