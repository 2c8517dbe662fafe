"""What shows a run: a live view below a cell, a line in a terminal, or nothing. No view can break a run."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from finassist.config.settings import Live
from finassist.config.sources import FinassistWarning
from finassist.core.process import on_display, running_cell, shell
from finassist.runtime.context import RunContext


class View(Protocol):
    """What a run needs of a view."""

    def see(self, event: Any) -> None:
        """Take one event."""

    def flush(self) -> None:
        """Show what has been taken."""

    def finish(self, answer: Any | None, error: BaseException | None = None) -> None:
        """The run is over."""


def wanted(live: bool | None, setting: Live, *, by_itself: bool) -> bool:
    """Whether to show a run: as the caller asks, else the setting, else where a cell or a terminal waits for it.

    Example:
        >>> wanted(None, "off", by_itself=True), wanted(True, "off", by_itself=False)
        (False, True)
    """
    chosen = {"on": True, "off": False}.get(setting) if live is None else live
    return by_itself if chosen is None else chosen


def open_view(question: str, shown: bool = True) -> View | None:
    """What shows a run here: a live view below the cell, a line in a terminal, or nothing."""
    try:
        return _view(question) if shown else None
    except Exception as error:  # noqa: BLE001  an answer is worth more than its picture
        _warn(error)
        return None


def _view(question: str) -> View | None:
    if on_display():
        from finassist.apps.live.view import LiveCell

        return LiveCell(question)
    if shell() is None and sys.stderr is not None and sys.stderr.isatty():
        from finassist.apps.live.progress import ProgressLine

        return ProgressLine(question)
    return None


@contextmanager
def watched(run: RunContext, view: Callable[[], View | None], *, sync: bool) -> Generator[Callable[[Any], None]]:
    """Shows a run in the view that `view()` opens, if any: hand each of its events to what this gives.

    However the run ends, so does the view. In a sync run an interrupt is only noted while something is drawn:
    Python would raise it in the middle of a widget, where it can get lost.
    """
    watch = _Watch(run.interrupts.deferred if sync else nullcontext)
    watch.open(view)
    run.started = perf_counter()  # the first view of a kernel takes a while to open, which is no part of the run
    run.idle = watch.flush
    try:
        yield watch.see
    except BaseException as error:
        watch.finish(None, error)
        raise
    watch.finish(run.answer)
    if sync and run.interrupts.heard:
        raise KeyboardInterrupt


@dataclass
class _Watch:
    """Passes events to a view until that fails; from then on the run is not shown."""

    undisturbed: Callable[[], AbstractContextManager[None]]
    view: View | None = None

    def open(self, view: Callable[[], View | None]) -> None:
        with self.undisturbed():
            self.view = view()

    def see(self, event: Any) -> None:
        self._do(lambda view: view.see(event))

    def flush(self) -> None:
        self._do(lambda view: view.flush())

    def finish(self, answer: Any | None, error: BaseException | None = None) -> None:
        self._do(lambda view: view.finish(answer, error))
        if self.view is not None and answer is not None:
            answer.cell = running_cell()
        self.view = None

    def _do(self, what: Callable[[View], None]) -> None:
        if self.view is None:
            return
        with self.undisturbed():
            try:
                what(self.view)
            except Exception as error:  # noqa: BLE001  whatever a view does wrong, the run is not to blame
                self.view = None
                _warn(error)


def _warn(error: Exception) -> None:
    with suppress(FinassistWarning):  # also where warnings are errors
        warnings.warn(
            f"The live view failed ({type(error).__name__}: {error}) and is no longer shown; the run continues. "
            "Pass live=False to do without it.",
            FinassistWarning,
            stacklevel=2,
        )
