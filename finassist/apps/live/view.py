"""A run while it works: question, progress, timeline and words, as widgets; then the answer, and the rest folded.

`LiveView` mirrors the events of one run. Every text in it is escaped or cleaned.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final, cast

import anywidget
import ipywidgets  # pyright: ignore[reportMissingTypeStubs]
import traitlets
from agno.exceptions import RunCancelledException
from msgspec.structs import replace

from finassist.answer import Answer
from finassist.core.concurrency import running_loop
from finassist.core.events import RunResponse
from finassist.core.result import category_of
from finassist.core.state import RunState, end, joined, reduce, replay
from finassist.reporting.company import Subject
from finassist.reporting.sanitize import escape, safe_html, style_sheet
from finassist.reporting.timeline import CSS as TIMELINE_CSS
from finassist.reporting.timeline import LOOK, Track, describe, in_short, timeline_html, tracks

_w: Any = ipywidgets  # it has no types of its own
LONGEST_SHOWN: Final = 40_000
"""Characters of one text that a page shows; a browser takes seconds to lay out a million."""

_DECIDERS: Final = {"model": "by the model"}
_SHOWN_WHILE_IT_COMES: Final = 6_000
"""Characters of an unfinished answer that each redraw shows: its end."""

CSS: Final = style_sheet("run.css")
_SECONDS_BETWEEN: Final = 0.07
"""About 14 times a second."""
_OPENS_AFTER: Final = 1.0
"""Seconds after which a run shows its timeline: one that comes and goes in a blink only moves the page."""


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
        elif self._timer is None and (loop := running_loop()):
            self._timer = loop.call_later(wait, self.flush)

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


def discard(widget: Any) -> None:
    """Close a widget and everything in it, in the kernel and in the browser."""
    for child in getattr(widget, "children", ()):
        discard(child)
    for part in (widget, getattr(widget, "layout", None), getattr(widget, "style", None)):
        if part is not None:
            part.close()


class LiveView:
    """Shows one run in its `widget`. Hand it every event with `see`; it draws at most about 14 times a second."""

    def __init__(self, question: str) -> None:
        self.state = RunState(question)
        self._pending: list[Any] = []
        self._pace = Pace(self._draw)
        self._head, self._text = _w.HTML(header_html(self.state)), _w.HTML()
        self._timeline: Timeline | None = None
        self.widget = _w.VBox([self._head, self._text])
        self.widget.add_class("finassist-live")
        self._display()
        self._began = perf_counter()  # the first widgets of a kernel take a while, which is no part of the run
        loop = running_loop()
        self._opening = loop.call_later(_OPENS_AFTER, self._pace.want) if loop else None

    def see(self, event: Any) -> None:
        """Take one event of the run; cheap, at any rate."""
        self._pending.append(event)
        self._pace.want()

    def flush(self) -> None:
        """Draw what has not been drawn yet: for a sync run, before it waits for something."""
        if self._opens:
            self._pace.want()
        self._pace.flush()

    def finish(self, answer: Answer | None, error: BaseException | None = None, card: str = "") -> None:
        """The run is over: leave what lasts of it, with its answer (made already, as a `card`) or its error."""
        self._pace.stop()
        if self._opening is not None:
            self._opening.cancel()
        self._read()
        if answer is not None:
            state = replay(self.state.question, cast("list[RunResponse]", answer.events or []), answer.duration)
            # What a stopped run did while it came to its end, no event has told.
            tasks = replace(state, tasks=answer.tasks or state.tasks)
            self.state = end(tasks, state.status, state.error) if state.ended else state
        elif not self.state.ended:
            failed = isinstance(error, Exception) and not isinstance(error, RunCancelledException)
            status, why = ("error", str(error)) if failed else ("cancelled", "")
            self.state = end(self.state, status, why, perf_counter() - self._began)
        self._show(answer, card)

    def _display(self) -> None:
        """Where it is shown, is up to whoever has its `widget`."""

    def _show(self, answer: Answer | None, card: str) -> None:
        """Static HTML in place of the widgets that were alive."""
        alive, self.widget.children = self.widget.children, (_w.HTML(static_html(self.state, answer, card)),)
        for widget in alive:
            discard(widget)

    def _read(self) -> None:
        for event in joined(self._pending):
            self.state = reduce(self.state, event)
        self._pending.clear()

    def _draw(self) -> None:
        before = self.state
        self._read()
        self._head.value = header_html(self.state)
        if self.state.text != before.text:
            self._text.value = f'<div class="finassist-run">{text_html(self.state.text)}</div>'
        if self._opens:
            self._timeline = Timeline()
            self.widget.children = (self._head, self._timeline, self._text)
        if self._timeline is not None:
            self._timeline.show(self.state)

    @property
    def _opens(self) -> bool:
        """Whether it is time to show the timeline."""
        return self._timeline is None and perf_counter() - self._began >= _OPENS_AFTER


def static_html(state: RunState, answer: Answer | None, card: str) -> str:
    """A run that is over, with its answer (made already, as a `card`) or why there is none."""
    if answer is None or state.status != "completed":
        return run_html(state)
    return run_html(state, card or shortened(answer).to_html())


def shortened(answer: Answer) -> Answer:
    """The answer, or one with the beginning of its text."""
    content = str(answer.content or "")
    if len(content) <= LONGEST_SHOWN:
        return answer
    shown = copy.copy(answer)
    rest = f"{len(content) - LONGEST_SHOWN:,} more characters are not shown here; `content` and an export have them."
    shown.content = f"{content[:LONGEST_SHOWN]}\n\n*{rest}*"
    return shown


# ------------------------------------------------------------------------------------------------- HTML


def header_html(state: RunState) -> str:
    """The question, and below it what was understood."""
    return (
        f'<div class="finassist-run"><style>{CSS}</style><p class="finassist-question">{escape(state.question)}</p>'
        f'<p class="finassist-dim">{escape(understood(state))}</p></div>'
    )


def understood(state: RunState) -> str:
    """One line: the kind of answer, the companies, who decided.

    Example:
        >>> understood(RunState(category="stock_price", symbols=("AAPL",), companies={"AAPL": "Apple"}))
        'Stock price · Apple (AAPL)'
    """
    if not state.category:
        return "" if state.ended else "Understanding the question …"
    title = category_of(state.category).title
    names = ", ".join(Subject(symbol, state.companies.get(symbol, "")).title for symbol in state.symbols)
    decided = f"decided {_DECIDERS.get(state.decided_by, f'by {state.decided_by}')}" if state.decided_by else ""
    return " · ".join(part for part in (title[:1].upper() + title[1:], names, decided) if part)


def text_html(text: str) -> str:
    """Words of an answer while they come, cleaned; of a long one its end, so that drawing stays quick."""
    if len(text) <= _SHOWN_WHILE_IT_COMES:
        return safe_html(text)
    end = text[-_SHOWN_WHILE_IT_COMES:]
    end = end[end.find("\n\n") + 1 :]  # a paragraph that is cut in two would look broken
    return f'<p class="finassist-dim">… {len(text) - len(end):,} characters above …</p>{safe_html(end)}'


def run_html(state: RunState, card: str = "") -> str:
    """A run that is over, as self-contained HTML: the answer's card or why there is none, then the timeline, folded.

    Without a card the timeline of a long run is open: it is all there is to see.
    """
    opened = " open" if not card and state.elapsed >= _OPENS_AFTER else ""
    inside = f"{header_html(state) if card else ''}{timeline_html(state)}"
    folded = f"<details{opened}><summary>{escape(in_short(state))}</summary>{inside}</details>"
    above = card or f'{header_html(state)}<div class="finassist-run">{_ending(state)}</div>'
    return f'{above}<div class="finassist-run">{folded}</div>'


def _ending(state: RunState) -> str:
    """Instead of a card: why there is none, and the text until then."""
    words = {"cancelled": "This run was stopped.", "error": state.error or "This run failed."}
    why = words.get(state.status, "")
    flag = f'<p class="finassist-ending">{escape(why)}</p>' if why else ""
    return f"{flag}{text_html(state.text)}"


class Timeline(anywidget.AnyWidget):
    """The picture of a run while it works: rows that grow, with details on hover and for the keyboard."""

    _esm = Path(__file__).with_name("timeline.js")
    _css = TIMELINE_CSS + Path(__file__).with_name("timeline.css").read_text(encoding="utf-8")
    look = traitlets.Dict(LOOK).tag(sync=True)
    snapshot = traitlets.Dict().tag(sync=True)

    def show(self, state: RunState) -> None:
        """Draw a state; call it as often as there is something new, up to some 20 times a second."""
        rows = [_row(track, state) for track in tracks(state)]
        now = {"now": state.elapsed, "status": state.status, "progress": list(state.progress)}
        self.snapshot = {"rows": rows, **now}


def _row(track: Track, state: RunState) -> list[Any]:
    """In the order in which the script reads it."""
    task = track.task
    words = task.detail if task.end is None else describe(track, state.elapsed)
    place = [task.name, task.label, track.depth, track.group]
    return [*place, task.start, task.end, task.status, task.attempts, track.critical, words]
