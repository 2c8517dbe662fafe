"""How many requests with a key have left for their server today, counted on this machine across processes.

One byte is appended to a file for every request, so its size is the count: nothing is read, parsed or locked, and
two processes cannot lose each other's. A day is a day in UTC.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path


class Quota:
    """Counts the requests of one key.

    Args:
        folder: Where to keep the count between processes, or `None` to count in memory.
        account: Whose requests: provider and key. Only a hash of it is written, as part of a file's name.
        clock: Tells the time, in UTC.
    """

    def __init__(
        self, folder: Path | None, account: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._folder = folder
        self._prefix = f"requests-{hashlib.sha256(account.encode()).hexdigest()[:16]}-"
        self._clock = clock
        self._counted: tuple[date, int] = (date.min, 0)

    @property
    def today(self) -> int:
        """Requests since midnight UTC."""
        with suppress(OSError):
            if path := self._path():
                return path.stat().st_size
        day, count = self._counted
        return count if day == self._day() else 0

    def add(self) -> None:
        """Count one request, in about 20 µs; a disk that cannot be written to is no reason not to make it."""
        day, count = self._counted
        today = self._day()
        self._counted = (today, count + 1 if day == today else 1)
        if path := self._path():
            with suppress(OSError):
                if day != today:
                    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    self._remove_older(path)
                _append(path)

    def _day(self) -> date:
        return self._clock().astimezone(UTC).date()

    def _path(self) -> Path | None:
        return self._folder / f"{self._prefix}{self._day().isoformat()}" if self._folder else None

    def _remove_older(self, current: Path) -> None:
        for path in current.parent.glob(f"{self._prefix}*"):
            if path.name < current.name:
                path.unlink(missing_ok=True)


def _append(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, b".")
    finally:
        os.close(handle)
