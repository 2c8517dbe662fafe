"""The questions that come next as buttons below a cell, each answered in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final, cast

import ipywidgets  # pyright: ignore[reportMissingTypeStubs]

from finassist.apps.live.view import Ask, LiveView, discard, shortened
from finassist.core.concurrency import running_loop
from finassist.reporting.html import without_follow_ups
from finassist.reporting.sanitize import escape

_w: Any = ipywidgets  # it has no types of its own
_NEXT: Final = '<div class="finassist-run"><p class="finassist-dim">You could ask next</p><ul>{}</ul></div>'


class NextQuestions:
    """Questions that come next, as buttons below a cell; their answers follow there, one below the other."""

    def __init__(self, questions: Sequence[str], ask: Ask) -> None:
        self._ask, self._loop = ask, running_loop()
        self._tasks: set[asyncio.Task[None]] = set()  # a loop holds its tasks by weak references only
        self._static = _NEXT.format("".join(f"<li>{escape(question)}</li>" for question in questions))
        self.widget = _w.VBox()
        self._offer(questions)

    def bundle(self) -> dict[str, Any]:
        """The buttons, and for a page without a kernel a list."""
        return {**self.widget._repr_mimebundle_(), "text/html": self._static, "text/plain": ""}

    def _offer(self, questions: Sequence[str]) -> None:
        buttons = [self._button(question, partial(self._begin, question)) for question in questions]
        row = _w.HBox(buttons, layout=_w.Layout(flex_flow="row wrap"))
        row.add_class("finassist-next")
        self.widget.children = (*self.widget.children, row)

    def _button(self, text: str, act: Callable[[], Any]) -> Any:
        made = _w.Button(description=text, tooltip=text, layout=_w.Layout(width="auto"))

        def clicked(_: Any) -> None:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(act)

        made.on_click(clicked)
        return made

    def _begin(self, question: str) -> None:
        task = asyncio.ensure_future(self._answer(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: str) -> None:
        """Ask in place of the buttons; then come the answer and its own buttons."""
        me = cast("asyncio.Task[None]", asyncio.current_task())
        view, stop = LiveView(question), self._button("Stop", me.cancel)
        *kept, buttons = self.widget.children
        self.widget.children = (*kept, view.widget, stop)
        discard(buttons)
        answer, error, card = None, None, ""
        try:
            async with aclosing(self._ask(question)) as events:
                async for event in events:
                    view.see(event)
                    answer = getattr(event, "run_output", None) or answer
            card = await asyncio.to_thread(shortened(without_follow_ups(answer)).to_html) if answer else ""
        except (Exception, asyncio.CancelledError) as failure:  # noqa: BLE001  the view says what went wrong
            answer, error = None, failure
        view.finish(answer, error, card)
        self.widget.children = self.widget.children[:-1]
        discard(stop)
        self._offer(answer.follow_ups if answer else [question])
