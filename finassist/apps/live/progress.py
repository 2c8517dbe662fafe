"""A run as one line of text that is written over, for a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import Any, Final, TextIO

from finassist.apps.live.pace import Pace
from finassist.apps.live.tracks import seconds
from finassist.core.state import RunState, reduce

_CLEAR: Final = "\r\x1b[2K"


class ProgressLine:
    """The same doors as the live view: `see`, `flush`, `finish`. It leaves nothing behind.

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
    """How far a run is, in at most `width` characters that no terminal obeys.

    Example:
        >>> progress_line(RunState("Apple?", status="running"))
        'Apple?  0/1  0 ms'
    """
    done, total = state.progress
    waiting = ", ".join(task.label for task in state.tasks if task.status == "running" and task.name != "gather")
    line = "  ".join(filter(None, [state.question, f"{done}/{total}", seconds(state.elapsed), waiting]))
    plain = "".join(char if char.isprintable() else " " for char in line)
    return plain if len(plain) <= width else f"{plain[: max(0, width - 1)]}…"
