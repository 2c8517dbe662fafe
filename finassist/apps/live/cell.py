"""A live view below a cell of a notebook, and below it the questions that come next.

In the end the view becomes HTML that needs no kernel, no script and no widget; the questions are buttons as long as the
kernel lives, and a list afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, ClassVar, Final, cast
from uuid import uuid4

import ipywidgets  # pyright: ignore[reportMissingTypeStubs]

from finassist.answer import Answer
from finassist.apps.live.view import LiveView, discard, shortened, static_html
from finassist.core.concurrency import running_loop
from finassist.core.events import RunResponse
from finassist.reporting.html import without_follow_ups
from finassist.reporting.sanitize import escape
from finassist.reporting.timeline import summary_of

_w: Any = ipywidgets  # it has no types of its own
_ASKED: Final = '<div class="finassist-run"><p class="finassist-question">{}</p></div>'
_NEXT: Final = '<div class="finassist-run"><p class="finassist-dim">You could ask next</p><ul>{}</ul></div>'


type Ask = Callable[[str], AsyncGenerator[RunResponse]]
"""Asks a question of the same conversation."""


class LiveCell(LiveView):
    """A live view below the cell that is being executed; when the run is over it becomes static.

    The questions that come next are buttons below it where `ask` asks them.
    """

    def __init__(self, question: str, ask: Ask | None = None) -> None:
        self._ask = ask
        super().__init__(question)

    def _display(self) -> None:
        from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

        self._id = uuid4().hex
        bundle = {**self.widget._repr_mimebundle_(), "text/plain": f"Working on it: {self.state.question}"}
        display(bundle, raw=True, display_id=self._id)

    def _show(self, answer: Answer | None, card: str) -> None:
        from IPython.display import update_display  # pyright: ignore[reportUnknownVariableType]

        completed = answer is not None and self.state.status == "completed"
        following = answer.follow_ups if completed and answer and self._ask and running_loop() else []
        shown = without_follow_ups(answer) if following and answer else answer
        plain = summary_of(self.state) if answer is None else str(shortened(answer))
        bundle = {"text/plain": plain, "text/html": static_html(self.state, shown, card)}
        update_display(bundle, raw=True, display_id=self._id)
        discard(self.widget)
        if following and self._ask:
            NextQuestions(following, self._ask).show()


class NextQuestions:
    """Questions that come next, as buttons below a cell; their answers follow there, one below the other.

    Only those of the newest answer are buttons, or a kernel would have more and more of them.
    """

    _newest: ClassVar[NextQuestions | None] = None

    def __init__(self, questions: Sequence[str], ask: Ask) -> None:
        self._ask, self._loop = ask, running_loop()
        self._tasks: set[asyncio.Task[None]] = set()  # a loop holds its tasks by weak references only
        self._static = _NEXT.format("".join(f"<li>{escape(question)}</li>" for question in questions))
        self._id, self.widget = uuid4().hex, _w.VBox()
        self._offer(questions)

    def show(self) -> None:
        """Show the buttons, and on a page without a kernel a list."""
        from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

        bundle = {**self.widget._repr_mimebundle_(), "text/html": self._static, "text/plain": ""}
        display(bundle, raw=True, display_id=self._id)

    def _withdraw(self) -> None:
        """A list in place of buttons that were not used; below answers nothing."""
        from IPython.display import update_display  # pyright: ignore[reportUnknownVariableType]

        *answered, buttons = self.widget.children
        if self._tasks:  # it is answering, and offers its own next questions then
            return
        self.widget.children = answered
        discard(buttons)
        if not answered:
            update_display({"text/html": self._static, "text/plain": ""}, raw=True, display_id=self._id)
            discard(self.widget)

    def _offer(self, questions: Sequence[str]) -> None:
        earlier, NextQuestions._newest = NextQuestions._newest, self
        if earlier is not None and earlier is not self:
            earlier._withdraw()
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
        if self._tasks:  # a second click before the buttons were gone
            return
        task = asyncio.ensure_future(self._answer(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: str) -> None:
        """Ask in place of the buttons; then come the answer and its own buttons."""
        me = cast("asyncio.Task[None]", asyncio.current_task())
        view, stop = LiveView(question), self._button("Stop", me.cancel)
        *kept, buttons = self.widget.children
        self.widget.children = (*kept, _w.HTML(_ASKED.format(escape(question))), view.widget, stop)
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
