"""A run while it works: question, progress, timeline and words, as widgets; then the finished answer."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets  # pyright: ignore[reportMissingTypeStubs]

from finassist.state import RunState, end, joined, reduce, replay
from finassist.views.header import header_html
from finassist.views.pace import Pace
from finassist.views.safe import safe_html
from finassist.views.timeline import Timeline


class LiveView:
    """Shows one run. Tell it every event with `see`; it draws about 14 times a second, however many there are.

    Args:
        question: What was asked.

    Attributes:
        widget: What to display.
        state: What it shows.
    """

    def __init__(self, question: str) -> None:
        self.state = RunState(question)
        self._pending: list[Any] = []
        self._pace = Pace(self._draw)
        self._head = widgets.HTML(header_html(self.state))
        self._bar = widgets.IntProgress(value=0, max=1, layout=widgets.Layout(width="100%", height="6px"))
        self._timeline = Timeline()
        self._text = widgets.HTML()
        self.widget = widgets.VBox([self._head, self._bar, self._timeline, self._text])
        self.widget.add_class("finassist-live")  # pyright: ignore[reportUnknownMemberType]

    def see(self, event: Any) -> None:
        """Take one event of the run; cheap, at any rate."""
        self._pending.append(event)
        self._pace.want()

    def flush(self) -> None:
        """Draw what has not been drawn yet: for a sync run, before it waits for something."""
        self._pace.flush()

    def finish(self, answer: Any | None, error: BaseException | None = None) -> None:
        """The run is over: draw it for the last time, with its answer if there is one."""
        if answer is not None:
            self.state = replay(self.state.question, answer.events or (), answer.duration)
        elif not self.state.ended:
            self.state = end(self.state, "error" if isinstance(error, Exception) else "cancelled", str(error or ""))
        self._pending.clear()
        self._pace.stop()
        self._draw()
        if answer is not None:
            self._text.value = answer.to_html()

    def _draw(self) -> None:
        for event in joined(self._pending):
            self.state = reduce(self.state, event)
        self._pending.clear()
        self._head.value = header_html(self.state)
        self._bar.value, self._bar.max = self.state.progress
        self._timeline.show(self.state)
        self._text.value = safe_html(self.state.text)
