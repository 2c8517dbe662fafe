"""How often a view draws, and a run as one line of a terminal that is written over."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final, TextIO

from finassist.core.state import RunState, reduce
from finassist.reporting.timeline import seconds

_CLEAR: Final = "\r\x1b[2K"
_SECONDS_BETWEEN: Final = 0.07
"""About 14 times a second."""


class Pace:
    """Calls `draw` at once, and after that no more often than every `seconds`; the last call is never left out.

    Where a loop runs, it is the one that calls later. A sync run keeps the loop busy, so it calls `due()` whenever
    it waits for something.
    """

    def __init__(self, draw: Callable[[], None], seconds: float = _SECONDS_BETWEEN) -> None:
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


class ProgressLine:
    """A view with the methods of `LiveView`; when the run is over, the line goes away.

    Args:
        question: What was asked.
        stream: A terminal; by default the standard error.
    """

    def __init__(self, question: str, stream: TextIO | None = None) -> None:
        self.state = RunState(question)
        self._stream = stream or sys.stderr
        self._pace = Pace(self._draw, seconds=0.1)

    def see(self, event: Any) -> None:
        """Take one event of the run."""
        self.state = reduce(self.state, event)
        self._pace.want()

    def flush(self) -> None:
        """Write what has not been written yet."""
        self._pace.flush()

    def finish(self, answer: Any | None, error: BaseException | None = None) -> None:
        """The run is over: the line goes away."""
        self._pace.stop()
        self._write(_CLEAR)

    def _draw(self) -> None:
        self._write(_CLEAR + progress_line(self.state, shutil.get_terminal_size().columns - 1))

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


def progress_line(state: RunState, width: int = 79) -> str:
    """How far a run is, in at most `width` printable characters.

    Example:
        >>> progress_line(RunState("Apple?", status="running"))
        'Apple?  0/1  0 ms'
    """
    done, total = state.progress
    waiting = ", ".join(task.label for task in state.tasks if task.status == "running" and task.name != "gather")
    line = "  ".join(filter(None, [state.question, f"{done}/{total}", seconds(state.elapsed), waiting]))
    plain = "".join(char if char.isprintable() else " " for char in line)
    return plain if len(plain) <= width else f"{plain[: max(0, width - 1)]}…"
