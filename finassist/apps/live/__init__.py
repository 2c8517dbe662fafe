"""What shows a run or a batch: widgets below a cell, a line in a terminal, or nothing. No view can break a run."""

from __future__ import annotations

import shutil
import sys
import warnings
from asyncio import CancelledError
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO, cast

from finassist.config.settings import Live
from finassist.config.sources import FinassistWarning
from finassist.core.boxes import as_stopped
from finassist.core.errors import FinassistError
from finassist.core.process import on_display, running_cell, shell
from finassist.core.state import RunState, reduce
from finassist.reporting.sanitize import escape
from finassist.reporting.timeline import seconds
from finassist.runtime.context import RunContext

if TYPE_CHECKING:
    from finassist.apps.live.cell import Ask
    from finassist.batch.runner import Display, Progress

_CLEAR: Final = "\r\x1b[2K"
_WIDEST: Final = 100
_BAR: Final = (
    '<div style="height:8px;background:var(--jp-layout-color2,#ddd)">'
    '<div style="height:100%;width:{:.1f}%;background:var(--jp-brand-color1,#1765cc)"></div></div>'
)


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


def open_view(question: str, shown: bool = True, ask: Ask | None = None) -> View | None:
    """What shows a run here: a live view below the cell, a line in a terminal, or nothing.

    `ask` asks the questions that come next, which are buttons below a cell.
    """
    if not shown:
        return None
    try:
        if on_display():
            from finassist.apps.live.cell import LiveCell

            return LiveCell(question, ask)
        return ProgressLine(question) if _in_terminal() else None
    except Exception as error:  # noqa: BLE001  an answer is worth more than its picture
        _warn(error)
        return None


def open_display(live: bool | None) -> Display | None:
    """The display of a batch: a bar where a cell waits for it, a line in a terminal, else none.

    Args:
        live: `False` for none; `None` and `True` for the one that fits.
    """
    if live is False:
        return None
    if on_display():
        return BatchBar()
    return BatchLine(sys.stderr) if _in_terminal() else None


def _in_terminal() -> bool:
    return shell() is None and sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def watched(run: RunContext, view: Callable[[], View | None], *, sync: bool) -> Generator[Callable[[Any], None]]:
    """Shows a run in the view that `view()` opens, if any: hand each of its events to what this gives.

    However the run ends, so does the view. In a sync run an interrupt is only noted while something is drawn:
    Python would raise it in the middle of a widget, where it can get lost.
    """
    undisturbed = run.interrupts.deferred if sync else nullcontext
    with undisturbed():
        shown = view()

    def show(draw: Callable[[View], None]) -> None:
        """Let the view draw; one that fails is not asked again."""
        nonlocal shown
        if shown is not None:
            with undisturbed():
                try:
                    draw(shown)
                except Exception as error:  # noqa: BLE001  whatever a view does wrong, the run is not to blame
                    shown = None
                    _warn(error)

    run.started = perf_counter()  # the first view of a kernel takes a while to open, which is no part of the run
    run.idle = lambda: show(lambda view: view.flush())
    try:
        yield lambda event: show(lambda view: view.see(event))
    except BaseException as error:
        failure = error
        show(lambda view: view.finish(None, failure))
        if isinstance(error, KeyboardInterrupt | CancelledError):
            as_stopped(error)
        raise
    answer: Any = run.answer
    show(lambda view: view.finish(answer))
    if shown is not None and answer is not None:
        answer.cell = running_cell()
    shown = None
    if sync and run.interrupts.heard:
        raise as_stopped(KeyboardInterrupt())


def box_groups() -> None:
    """Let the cells of this kernel show an error of ours that a task group of the user wraps; others are as before.

    IPython prints groups itself and asks none of them how.
    """
    if (found := shell()) is not None and not found.custom_exceptions:
        found.set_custom_exc((ExceptionGroup,), _show_group)


def _show_group(shell: Any, kind: Any, group: Any, trace: Any, tb_offset: Any = None) -> None:
    inner = group
    while isinstance(inner, ExceptionGroup) and len(cast("ExceptionGroup[Any]", inner).exceptions) == 1:
        inner = cast("ExceptionGroup[Any]", inner).exceptions[0]
    if not isinstance(inner, FinassistError):
        shell.showtraceback((kind, group, trace), tb_offset=tb_offset)
        return
    inner.around = group
    shell.showtraceback((type(inner), inner, trace))


def _warn(error: Exception) -> None:
    with suppress(FinassistWarning):  # also where warnings are errors
        warnings.warn(
            f"The live view failed ({type(error).__name__}: {error}) and is no longer shown; the run continues. "
            "Pass live=False to do without it.",
            FinassistWarning,
            stacklevel=2,
        )


# ----------------------------------------------------------------------------------------- in a terminal


class _Line:
    """A line of a terminal, written over and over."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class ProgressLine(_Line):
    """A view with the methods of `LiveView` on a terminal; when the run is over, the line goes away."""

    def __init__(self, question: str, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self.state = RunState(question)

    def see(self, event: Any) -> None:
        """Take one event of the run."""
        self.state = reduce(self.state, event)
        self.write(_CLEAR + progress_line(self.state, shutil.get_terminal_size().columns - 1))

    def flush(self) -> None:
        """Everything is written already."""

    def finish(self, answer: Any | None, error: BaseException | None = None) -> None:
        """The run is over: the line goes away."""
        self.write(_CLEAR)


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


class BatchLine(_Line):
    """A batch; its last line stays."""

    def show(self, progress: Progress) -> None:
        """Draw it."""
        self.write(f"{_CLEAR}{str(progress)[:_WIDEST]}")

    def finish(self, progress: Progress) -> None:
        """Draw it for the last time, and end the line."""
        self.show(progress)
        self.write("\n")


# ------------------------------------------------------------------------------------------ below a cell


class BatchBar:
    """A progress bar below a cell; when the batch has ended, text that also a saved notebook shows."""

    _handle: Any = None

    def show(self, progress: Progress) -> None:
        """Draw it."""
        self._draw(progress, _BAR.format(100 * share(progress)))

    def finish(self, progress: Progress) -> None:
        """Replace the bar by text that stays."""
        self._draw(progress)

    def _draw(self, progress: Progress, bar: str = "") -> None:
        """Displays it first when there is something to show: a call that is refused leaves nothing below its cell."""
        from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

        bundle = {"text/plain": str(progress), "text/html": f"{bar}{bar_html(progress)}"}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


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
