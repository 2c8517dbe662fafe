"""How often a view draws; a run as a line of a terminal; a batch as such a line, or as a bar below a cell."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TextIO

from finassist.core.process import on_display, shell
from finassist.core.state import RunState, reduce
from finassist.reporting.sanitize import escape
from finassist.reporting.timeline import seconds

if TYPE_CHECKING:
    from finassist.batch.runner import Display, Progress


_CLEAR: Final = "\r\x1b[2K"
_WIDEST: Final = 100
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


def discard(widget: Any) -> None:
    """Close a widget and everything in it, in the kernel and in the browser."""
    for child in getattr(widget, "children", ()):
        discard(child)
    for part in (widget, getattr(widget, "layout", None), getattr(widget, "style", None)):
        if part is not None:
            part.close()


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


def open_display(live: bool | None) -> Display | None:
    """The display of a batch: a bar where a cell waits for it, a line in a terminal, else none.

    Args:
        live: `False` for none; `None` and `True` for the one that fits.
    """
    if live is False:
        return None
    if on_display():
        return BatchBar()
    if shell() is None and sys.stderr is not None and sys.stderr.isatty():
        return BatchLine(sys.stderr)
    return None


class BatchBar:
    """A progress bar below a cell; when the batch has ended, text that also a saved notebook shows."""

    def __init__(self) -> None:
        self._handle: Any = None

    def _open(self) -> None:
        """Only when there is something to show: a call that is refused leaves nothing below its cell."""
        import ipywidgets as widgets  # pyright: ignore[reportMissingTypeStubs]
        from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

        self._bar: Any = widgets.FloatProgress(max=1.0, layout=widgets.Layout(width="100%", height="8px"))
        self._text: Any = widgets.HTML()
        self.widget: Any = widgets.VBox([self._bar, self._text])
        self.widget.add_class("finassist-batch")
        self._handle = display(self.widget, display_id=True)

    def show(self, progress: Progress) -> None:
        """Draw it."""
        if self._handle is None:
            self._open()
        self._bar.value = share(progress)
        self._text.value = bar_html(progress)

    def finish(self, progress: Progress) -> None:
        """Replace the bar by text that stays."""
        self.show(progress)
        bundle = {"text/plain": str(progress), "text/html": bar_html(progress)}
        self._handle.update(bundle, raw=True)
        discard(self.widget)


class BatchLine:
    """One line of a terminal, written over and over; the last one stays."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, progress: Progress) -> None:
        """Draw it."""
        self._out.write(f"{_CLEAR}{str(progress)[:_WIDEST]}")
        self._out.flush()

    def finish(self, progress: Progress) -> None:
        """Draw it for the last time, and end the line."""
        self.show(progress)
        self._out.write("\n")
        self._out.flush()


def share(progress: Progress) -> float:
    """The share that is done, between 0 and 1; 0 where the total is not known.

    Example:
        >>> from finassist.batch.runner import Progress
        >>> share(Progress(total=4, completed=1)), share(Progress(completed=1))
        (0.25, 0.0)
    """
    return progress.done / progress.total if progress.total else float(progress.status == "completed")


def bar_html(progress: Progress) -> str:
    """What is done in words that a screen reader reads as a progress bar."""
    known = f' aria-valuenow="{100 * share(progress):.0f}"' if progress.total else ""
    return (
        f'<div role="progressbar" aria-label="Questions answered" aria-valuemin="0" aria-valuemax="100"{known} '
        f'aria-valuetext="{escape(str(progress))}" style="font-variant-numeric:tabular-nums;'
        f'color:var(--jp-content-font-color1, inherit)">{escape(str(progress))}</div>'
    )
