"""Answers of a source kept on disk for a while, each as one JSON file that only its owner can read.

A file is named by a hash of what was asked, without the key, and holds the answer as it came, when it came, and a
checksum. A file that is stale, damaged or not ours is ignored and removed. Files are replaced in one step, so a
reader never sees half of one. Nothing here raises because of a disk: a cache that cannot be used is no cache.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["statement", "quote", "history", "profile", "metrics", "search", "news", "recommendations"]

LIFETIMES: Mapping[Kind, timedelta] = {
    "statement": timedelta(days=1),
    "quote": timedelta(minutes=1),
    "history": timedelta(hours=1),
    "profile": timedelta(days=7),
    "metrics": timedelta(hours=12),
    "search": timedelta(days=7),
    "news": timedelta(minutes=15),
    "recommendations": timedelta(days=1),
}
"""How long an answer of each kind is used again: a filed statement is not a quote."""

_FORMAT = 1
_OURS = re.compile(r"[0-9a-f]{64}\.json")
_UNFINISHED = re.compile(r"\.new-\w+")
_CLOCK_SKEW = timedelta(minutes=5)
_ABANDONED = timedelta(hours=1)
_BODY = len(b'{"checksum": "", "entry": ') + 64  # where the entry begins in a file


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer as it came, and when."""

    text: str
    fetched_at: datetime
    kind: Kind


@dataclass(frozen=True, slots=True)
class Size:
    """What a cache holds: how many answers, how many bytes, and since when."""

    entries: int
    bytes: int
    oldest: datetime | None


class Cache:
    """Answers on disk. Safe to share between loops, threads and processes.

    Args:
        folder: Where the files are; created when first needed, readable by its owner only.
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
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder = folder
        self.lifetimes: Mapping[Kind, timedelta] = {**LIFETIMES, **(lifetimes or {})}
        self._clock = clock
        self._swept = False

    def __repr__(self) -> str:
        return f"Cache({str(self.folder)!r})"

    async def get(self, key: str, kind: Kind) -> Entry | None:
        """The answer kept under `key`, or `None` if there is none that can still be used."""
        path = self._path(key)
        if _stat(path) is None:  # the usual answer, and found in microseconds: not worth a thread
            return None
        return await asyncio.to_thread(self._read, path, kind)

    async def put(self, key: str, kind: Kind, text: str) -> None:
        """Keep an answer that came just now. What does not work on this disk is left undone."""
        entry = Entry(text, self._clock(), kind)
        if self.lifetimes[kind] > timedelta(0):
            await asyncio.to_thread(self._write, self._path(key), entry)

    async def remove(self, key: str) -> None:
        """Forget the answer kept under `key`, if there is one."""
        await asyncio.to_thread(_remove, self._path(key))

    def clear(self) -> int:
        """Remove every answer, and say how many there were. Files that are not ours stay."""
        return sum(_remove(path) for path in list(self._files()))

    def size(self) -> Size:
        """How much there is; an answer that is stale still counts until it is removed."""
        found = [stat for path in self._files() if (stat := _stat(path))]
        oldest = min((stat.st_mtime for stat in found), default=None)
        since = None if oldest is None else datetime.fromtimestamp(oldest, UTC)
        return Size(len(found), sum(stat.st_size for stat in found), since)

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _files(self) -> Iterator[Path]:
        with suppress(OSError):
            yield from (path for path in self.folder.iterdir() if _OURS.fullmatch(path.name))

    def _read(self, path: Path, kind: Kind) -> Entry | None:
        try:
            entry = _decode(path.read_bytes(), path.stem)
        except OSError:
            return None
        if entry and entry.kind == kind and self._is_fresh(entry):
            return entry
        _remove(path)
        return None

    def _is_fresh(self, entry: Entry) -> bool:
        age = self._clock() - entry.fetched_at
        return -_CLOCK_SKEW <= age < self.lifetimes[entry.kind]

    def _write(self, path: Path, entry: Entry) -> None:
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(path, _encode(entry, path.stem))
            self._sweep()

    def _sweep(self) -> None:
        """Once for each `Cache`: remove what nobody asked for again, and what a dying process left half written."""
        if self._swept:
            return
        self._swept = True
        now, longest = self._clock(), max(self.lifetimes.values())
        for path in list(self.folder.iterdir()):
            limit = longest if _OURS.fullmatch(path.name) else _ABANDONED if _UNFINISHED.match(path.name) else None
            if limit is not None and (stat := _stat(path)) and stat.st_mtime < (now - limit).timestamp():
                _remove(path)


def _encode(entry: Entry, name: str) -> bytes:
    body = json.dumps(
        {
            "format": _FORMAT,
            "name": name,
            "kind": entry.kind,
            "fetched_at": entry.fetched_at.isoformat(),
            "text": entry.text,
        }
    ).encode()
    return _frame(body)


def _frame(body: bytes) -> bytes:
    """The body with its checksum in front, as one JSON object."""
    return b'{"checksum": "%s", "entry": %s}' % (hashlib.sha256(body).hexdigest().encode(), body)


def _decode(raw: bytes, name: str) -> Entry | None:
    """The entry, or `None` for anything but a whole one of ours under its own name."""
    body = raw[_BODY:-1]
    if raw != _frame(body):
        return None
    try:
        found = json.loads(body)
        fetched_at = datetime.fromisoformat(found["fetched_at"])
        ours = found["format"] == _FORMAT and found["name"] == name and found["kind"] in get_args(Kind)
        return Entry(found["text"], fetched_at, found["kind"]) if ours and fetched_at.tzinfo else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)  # created with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        _remove(Path(name))
        raise


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
