"""Cached answers on disk.

Answers are rows of one SQLite table in a file that only its owner can read. Each is named by what was asked, without
the key, and signed, both with a secret of this machine: a file from elsewhere is not believed. What is stale, damaged
or not signed is ignored and removed. Nothing here raises because of a disk: a cache that cannot be used is no cache.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from finassist.config.settings import Settings
from finassist.config.sources import signature

Kind = Literal["statement", "quote", "history", "profile", "metrics", "search", "news", "recommendations"]

LIFETIMES: Mapping[Kind, timedelta] = {
    kind: timedelta(seconds=Settings.model_fields[f"{kind}_lifetime"].default) for kind in get_args(Kind)
}
"""How long an answer of each kind is used again: a filed statement is not a quote."""

FILE = "answers.sqlite"
_TABLE = """CREATE TABLE IF NOT EXISTS answers
(key TEXT PRIMARY KEY, kind TEXT NOT NULL, fetched_at REAL NOT NULL, signature TEXT NOT NULL, text TEXT NOT NULL)"""
_OTHERS = "SELECT 1 FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL"
_CLOCK_SKEW = timedelta(minutes=5)
_LOCK_SECONDS = 1.0
_NOT_THE_FILE = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
})  # fmt: skip
"""SQLite's codes for trouble with the disk, or with another process; any other means that the file is damaged."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Entry(NamedTuple):
    """An answer as it came, and when."""

    text: str
    fetched_at: datetime


class Size(NamedTuple):
    """What a cache holds: how many answers, how many bytes, and since when."""

    entries: int
    bytes: int
    oldest: datetime | None


class Cache:
    """Answers on disk. Safe to share between loops, threads and processes.

    Args:
        folder: Where the file is; created when first needed, readable by its owner only.
        lifetimes: How long to use an answer again, for kinds that differ from `LIFETIMES`; zero switches a kind off.
        clock: Tells the time, in UTC.

    Example:
        >>> import asyncio, tempfile
        >>> cache = Cache(Path(tempfile.mkdtemp()))
        >>> asyncio.run(cache.put("quote?symbol=AAPL", "quote", '[{"price": 1.5}]'))
        >>> asyncio.run(cache.get("quote?symbol=AAPL", "quote")).text
        '[{"price": 1.5}]'
        >>> cache.clear()
        1
    """

    def __init__(
        self,
        folder: Path,
        lifetimes: Mapping[Kind, timedelta] | None = None,
        *,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.folder = folder
        self.lifetimes: Mapping[Kind, timedelta] = {**LIFETIMES, **(lifetimes or {})}
        self._file = folder / FILE
        self._clock = clock
        self._swept = False

    def __repr__(self) -> str:
        return f"Cache({str(self.folder)!r})"

    async def get(self, key: str, kind: Kind) -> Entry | None:
        """The cached answer under `key`, or `None` where there is none or it has expired."""
        return await asyncio.to_thread(self._get, signature(key), kind)

    async def put(self, key: str, kind: Kind, text: str) -> None:
        """Keep an answer that came just now."""
        if self.lifetimes[kind] > timedelta(0):
            await asyncio.to_thread(self._put, signature(key), kind, text)

    def clear(self) -> int:
        """Remove every answer, and return how many there were."""
        entries = self.size().entries
        self._run("DELETE FROM answers")
        self._run("VACUUM")
        return entries

    def size(self) -> Size:
        """How much there is; an answer that is stale counts until it is removed."""
        [(entries, oldest)] = self._run("SELECT count(*), min(fetched_at) FROM answers") or [(0, None)]
        since = None if oldest is None else datetime.fromtimestamp(oldest, UTC)
        used = self._file.stat().st_size if entries else 0
        return Size(entries, used, since)

    def _get(self, key: str, kind: Kind) -> Entry | None:
        rows = self._run("SELECT kind, fetched_at, signature, text FROM answers WHERE key = ?", key)
        if not rows:
            return None
        with suppress(ValueError, TypeError, AttributeError, OverflowError):
            found, seconds, signed, text = rows[0]
            entry = Entry(text, datetime.fromtimestamp(seconds, UTC))
            age = self._clock() - entry.fetched_at
            fresh = found == kind and -_CLOCK_SKEW <= age < self.lifetimes[kind]
            if fresh and hmac.compare_digest(signed, _signature(key, kind, seconds, text)):
                return entry
        self._run("DELETE FROM answers WHERE key = ?", key)
        return None

    def _put(self, key: str, kind: Kind, text: str) -> None:
        self._create()
        now = self._clock()
        row = (key, kind, now.timestamp(), _signature(key, kind, now.timestamp(), text), text)
        self._run("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", *row)
        if not self._swept:
            self._swept = True
            oldest = now - max(self.lifetimes.values())
            self._run("DELETE FROM answers WHERE fetched_at < ?", oldest.timestamp())

    def _create(self) -> None:
        if not self._file.exists():
            with suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))

    def _run(self, statement: str, *values: object) -> list[Any]:
        """The rows of one statement; none where the disk or the file cannot be used. A damaged file is removed."""
        if not self._file.is_file():
            return []
        try:
            # One connection a statement: nothing is shared between threads, loops or forked processes.
            with closing(sqlite3.connect(self._file, timeout=_LOCK_SECONDS, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = OFF")  # an answer that is lost can be fetched again
                connection.execute(_TABLE)
                if connection.execute(_OTHERS).fetchone():
                    raise sqlite3.DatabaseError("a view or trigger, which would run with every statement")
                return connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _NOT_THE_FILE:
                with suppress(OSError):
                    self._file.unlink(missing_ok=True)
            return []


def _signature(key: str, kind: Kind, seconds: float, text: str) -> str:
    return signature(key, kind, repr(seconds), text)
