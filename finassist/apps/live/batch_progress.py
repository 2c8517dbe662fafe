"""How far a batch is: a bar below a cell, or one line in a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

from finassist.core import process
from finassist.reporting.html.sanitize import escape

if TYPE_CHECKING:
    from finassist.batch.estimate import Display, Progress

_WIDTH: Final = 100
_CLEAR: Final = "\r\x1b[K"


def open_display(live: bool | None) -> Display | None:
    """Who shows a batch: a bar where a cell waits for it, a line in a terminal, else nobody.

    Args:
        live: `False` for nobody; `None` and `True` for whoever there is.
    """
    if live is False:
        return None
    if process.on_display():
        return BatchBar()
    if process.shell() is None and sys.stderr is not None and sys.stderr.isatty():
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
        for widget in (self._bar, self._text, self.widget):
            for part in (widget.layout, getattr(widget, "style", None), widget):
                if part is not None:
                    part.close()


class BatchLine:
    """One line of a terminal, written over and over; the last one stays."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, progress: Progress) -> None:
        """Draw it."""
        self._out.write(f"{_CLEAR}{str(progress)[:_WIDTH]}")
        self._out.flush()

    def finish(self, progress: Progress) -> None:
        """Draw it for the last time, and end the line."""
        self.show(progress)
        self._out.write("\n")
        self._out.flush()


def share(progress: Progress) -> float:
    """How much is done, between 0 and 1; 0 where nobody knows how much there is.

    Example:
        >>> from finassist.batch.estimate import Progress
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
