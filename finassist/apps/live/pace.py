"""How often something is drawn: as often as an eye can follow, however often it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final

SECONDS_BETWEEN: Final = 0.07
"""About 14 times a second."""


class Pace:
    """Calls `draw` at once, and after that no more often than every `seconds`; the last call is never left out.

    Where a loop runs, it is the one that calls later. A sync run keeps the loop busy, so it calls `due()` whenever
    it waits for something.
    """

    def __init__(self, draw: Callable[[], None], seconds: float = SECONDS_BETWEEN) -> None:
        self._draw, self._seconds = draw, seconds
        self._last = float("-inf")
        self._wanted = False
        self._timer: asyncio.TimerHandle | None = None

    def want(self) -> None:
        """There is something to draw: now, or as soon as it is time."""
        self._wanted = True
        wait = self._last + self._seconds - perf_counter()
        if wait <= 0:
            self.flush()
        elif self._timer is None:
            self._later(wait)

    def flush(self) -> None:
        """Draw now what is wanted, if anything."""
        self.stop()
        if self._wanted:
            self._wanted = False
            try:
                self._draw()
            finally:
                self._last = perf_counter()  # after drawing: what is slow to draw is drawn less often

    def stop(self) -> None:
        """Nothing is drawn later any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _later(self, wait: float) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._timer = loop.call_later(wait, self.flush)
