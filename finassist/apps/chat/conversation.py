"""The conversation on the page: a run that answers one question, a turn with its answer, and the log of turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, cast
from uuid import uuid4

from agno.run.agent import RunContentEvent
from agno.run.base import RunStatus
from agno.run.workflow import WorkflowCancelledEvent, WorkflowCompletedEvent

from finassist.answer import Answer
from finassist.apps import EXAMPLES
from finassist.apps.chat import widgets as ui
from finassist.apps.chat.companies import CompanyChips
from finassist.apps.live.view import LONGEST_SHOWN, LiveView, discard, shortened
from finassist.core.claims import Thumb
from finassist.core.errors import SessionError
from finassist.core.events import RunResponse
from finassist.core.query import Choice, Query
from finassist.reporting.html import without_follow_ups
from finassist.reporting.sanitize import escape
from finassist.runtime.base import Assistant
from finassist.sessions.history import Conversations

AT_ONCE: Final = 8
"""Earlier turns shown at first, and more at each request."""

NOTHING_ARRIVED: Final = "Stopped before anything had arrived."
NOT_STORED: Final = "Stopped. Nothing of this turn was stored."
_WELCOME: Final = (
    "<h2>What would you like to know?</h2>"
    "<p>Ask about US-listed companies in plain words. Every figure names its source; what is missing is named.</p>"
)
_THUMBS: Final[dict[Thumb, str]] = {"up": "This answer is right", "down": "This answer is wrong"}
_WHY: Final = "Why, or what is right (optional; press Enter to save)"
_FOLLOW_UPS: Final = 5
_LONGEST_LABEL: Final = 160


class ChatRun:
    """The run for one question, or for the `queries` of a choice that was picked, from sending it to its answer."""

    def __init__(self, workflow: Assistant, text: str, session_id: str, queries: Sequence[Query] = ()) -> None:
        self.text, self.queries = text, queries
        self._workflow, self._session_id, self._run_id = workflow, session_id, str(uuid4())
        self._task: asyncio.Task[Any] | None = None
        self._events: list[RunResponse] = []
        self._stopped, self._began = False, 0.0

    def stop(self) -> None:
        """Stop the run; the words that have arrived stay."""
        if self._task is not None and not self._stopped:
            self._stopped = True
            self._task.cancel()

    async def answer(self, see: Callable[[RunResponse], None]) -> Answer | None:
        """The answer, or what had arrived of one that was stopped; `None` if nothing of it was stored."""
        self._task, self._began = asyncio.current_task(), perf_counter()
        try:
            return await self._stream(see) or await self._partial(see)
        except asyncio.CancelledError:
            if not self._stopped or self._task is None:
                raise
            self._task.uncancel()
            return await self._partial(see)
        finally:
            self._task = None

    async def _stream(self, see: Callable[[RunResponse], None]) -> Answer | None:
        workflow, session_id, run_id = self._workflow, self._session_id, self._run_id
        if self.queries:
            stream = workflow.aquery(self.queries, stream=True, session_id=session_id, run_id=run_id)
        else:
            stream = workflow.arun(self.text, stream=True, session_id=session_id, run_id=run_id)
        answer: Any = None
        async with aclosing(cast("AsyncGenerator[RunResponse]", stream)) as events:
            async for event in events:
                self._events.append(event)
                if isinstance(event, WorkflowCompletedEvent):
                    answer = event.run_output
                see(event)
        return answer

    async def _partial(self, see: Callable[[RunResponse], None]) -> Answer | None:
        text = "".join(str(each.content or "") for each in self._events if isinstance(each, RunContentEvent)).strip()
        runtime = self._workflow.runtime
        stored = Conversations(runtime.store, runtime.locks)
        try:
            run = await stored.keep_partial(self._session_id, self._run_id, text)
            answer: Any = Answer.of(run) if run else None
        except SessionError:
            answer = None
        complete = answer is not None and answer.status == RunStatus.completed
        if not (self._events and isinstance(self._events[-1], WorkflowCancelledEvent)):
            kind = WorkflowCompletedEvent if complete else WorkflowCancelledEvent
            ending = kind(run_id=self._run_id, session_id=self._session_id)
            vars(ending)["elapsed"] = getattr(answer, "duration", None) or perf_counter() - self._began
            self._events.append(ending)
            see(ending)
        if answer is not None:
            answer.events = list(self._events)
            answer.content = answer.content if complete else text or NOTHING_ARRIVED
        return answer


class Rating:
    """Two thumbs below an answer, and a field for the reason once one is pressed; `rate` keeps both with the answer."""

    def __init__(self, answer: Answer, rate: Callable[..., Any], guarded: ui.Guarded) -> None:
        self._answer, self._rate, self._in_turn = answer, rate, asyncio.Lock()
        self.thumbs: dict[Thumb, ui.Widget] = {
            thumb: ui.button("", guarded(self._press, thumb), icon=f"thumbs-{thumb}", tooltip=tip, classes="icon thumb")
            for thumb, tip in _THUMBS.items()
        }
        self._thumb, said = answer.feedback or (None, "")
        self.reason = ui.text_field(guarded(self._keep), label=_WHY, value=said, classes="why", at_once=False)
        self._kept = ui.html(classes="dim kept")
        self.widget = ui.row([*self.thumbs.values(), self.reason, self._kept], "rating")
        ui.show(self.widget, answer.saved and answer.status == RunStatus.completed)
        self._show()

    def _press(self, thumb: Thumb) -> Any:
        """Pressed again, it is taken back."""
        self._thumb = None if self._thumb == thumb else thumb
        self._show()
        return self._keep()

    async def _keep(self, *_: Any) -> None:
        async with self._in_turn:  # the last click counts
            try:
                await self._rate(self._answer, self._thumb, str(self.reason.value))
            except Exception:
                self._thumb = self._answer.feedback.thumb if self._answer.feedback else None
                self._show()
                raise
            self._kept.value = "<span>Saved with this answer.</span>" if self._thumb else ""

    def _show(self) -> None:
        for thumb, pressed in self.thumbs.items():
            (pressed.add_class if thumb == self._thumb else pressed.remove_class)("finassist-chat-pressed")
        ui.show(self.reason, self._thumb is not None)


@dataclass(frozen=True, slots=True)
class TurnActions:
    """What a turn asks of the panel; `ask` takes a question, or its words and the queries that they stand for."""

    ask: Callable[..., Any]
    rate: Callable[..., Any]
    copy: Callable[[Answer], Any]
    edit: Callable[[str], Any]


class ChatTurn:
    """A question and its answer, in progress or complete.

    The answer is shown even where the view of the work on it fails with `view_error`.
    """

    def __init__(self, question: str, actions: TurnActions, guarded: ui.Guarded) -> None:
        self.question, self._actions, self._guarded = question, actions, guarded
        self.answer: Answer | None = None
        self.chips: CompanyChips | None = None
        self.rating: Rating | None = None
        self.follow_ups: list[ui.Widget] = []
        self.choices: list[ui.Widget] = []
        self.tools: dict[str, ui.Widget] = {}
        self.view_error: Exception | None = None
        self._view: LiveView | None = None
        bubble = ui.html(f"<div>{escape(ui.cut(question, LONGEST_SHOWN))}</div>", "question")
        self._body, self._below = ui.column(classes="answer"), ui.column(classes="below")
        self.widget = ui.column([bubble, self._body, self._below], "turn")

    def watch(self) -> None:
        """Show the work on the answer while it is done."""
        self._try(self._open_view)

    def see(self, event: RunResponse) -> None:
        """Show an event of the run."""
        self._try(lambda: self._view and self._view.see(event))

    def finish(self, answer: Answer | None, error: BaseException | None = None, card: str = "") -> None:
        """The run is over: show its answer as `card`, or that it was stopped."""
        self._try(lambda: self._view and self._view.finish(answer, error, card))
        if answer is not None:
            self.show(answer, "" if self._view else card)
        elif error is None:
            self._below.children = [ui.html(f"<p>{escape(NOT_STORED)}</p>", "failure"), self._tools()]

    def show(self, answer: Answer, card: str) -> None:
        """Show an answer; `card` is empty where the live view shows it already."""
        self.answer = answer
        if card:
            self._body.children = [ui.html(card, "card")]
        self.chips = CompanyChips(self.question, answer.symbols, self._actions.ask, self._guarded)
        self.rating = Rating(answer, self._actions.rate, self._guarded)
        self.follow_ups = [self._follow_up(text) for text in answer.follow_ups[:_FOLLOW_UPS]]
        self.choices = [self._choice(choice) for choice in answer.choices if [*choice.queries] != answer.queries]
        readings = ui.row([ui.html("<span>Did you mean?</span>", "dim"), *self.choices], "follow-ups choices")
        ui.show(readings, bool(self.choices))
        suggested = ui.row(self.follow_ups, "follow-ups")
        ui.show(suggested, bool(self.follow_ups))
        self._below.children = [readings, self.chips.widget, self._tools(answer), suggested]

    def fail(self, words: str) -> None:
        """Say what went wrong, and offer to ask again."""
        self.widget.add_class("finassist-chat-failed")
        said = ui.html(f"<p><strong>No answer.</strong> {escape(words)}</p>", "failure")
        self._body.children, self._below.children = [said, *self._body.children], [self._tools()]

    def forget_follow_ups(self) -> None:
        """Suggest nothing more: only the last turn does."""
        if self.follow_ups or self.choices:
            self.follow_ups, self.choices = [], []
            readings, *kept, suggested = self._below.children
            self._below.children = kept
            discard(readings)
            discard(suggested)

    def _tools(self, answer: Answer | None = None) -> ui.Widget:
        """What one may do with the turn: without an answer there is nothing to copy or rate, and buttons say more."""
        buttons = {
            "copy": ("Copy", "copy", "Copy this answer", self._actions.copy, answer),
            "again": ("Ask again", "refresh", "Ask this again", self._actions.ask, self.question),
            "edit": ("Edit", "pencil", "Edit this question", self._actions.edit, self.question),
        }
        look = "icon" if answer else ""
        self.tools = {
            name: ui.button("" if answer else text, self._guarded(act, of), icon=icon, tooltip=tip, classes=look)
            for name, (text, icon, tip, act, of) in buttons.items()
            if of is not None
        }
        return ui.row([*self.tools.values(), *([self.rating.widget] if answer and self.rating else [])], "tools")

    def _follow_up(self, text: str) -> ui.Widget:
        label = ui.cut(" ".join(text.split()), _LONGEST_LABEL)
        return ui.button(label, self._guarded(self._actions.ask, text), tooltip=f"Ask: {label}", classes="follow-up")

    def _choice(self, choice: Choice) -> ui.Widget:
        ask = self._guarded(self._actions.ask, "; ".join(map(str, choice.queries)), choice.queries)
        label = ui.cut(choice.label, _LONGEST_LABEL)
        return ui.button(label, ask, tooltip=f"Ask for {label}", classes="follow-up")

    def _open_view(self) -> None:
        self._view = LiveView(self.question)
        self._body.children = [self._view.widget]

    def _try(self, draw: Callable[[], Any]) -> None:
        try:
            draw()
        except Exception as error:  # noqa: BLE001  the answer matters more than the view of the work on it
            self._view, self.view_error = None, error


async def card_of(answer: Answer) -> str:
    """The answer as a turn shows it: suggestions are buttons, and very long text is in exports only.

    Made in a thread: that of ten companies takes a while.
    """
    return await asyncio.to_thread(shortened(without_follow_ups(answer)).to_html)


class Log:
    """The turns of one conversation that are on the page, oldest first; a welcome where there are none."""

    def __init__(self, actions: TurnActions, guarded: ui.Guarded) -> None:
        self._actions, self._guarded = actions, guarded
        self.turns: list[ChatTurn] = []
        self._unshown: list[Answer] = []
        examples = [
            ui.button(text, guarded(actions.ask, text), tooltip=f"Ask: {text}", classes="follow-up")
            for text in EXAMPLES
        ]
        self._welcome = ui.column([ui.html(_WELCOME), ui.row(examples, "follow-ups")], "welcome")
        self.earlier = ui.button("Earlier turns", guarded(self._show_earlier), classes="quiet", icon="chevron-up")
        self._turns = ui.column(classes="turns")
        self.widget = ui.column([self._welcome, self.earlier, self._turns], "log")

    @property
    def answers(self) -> list[Answer]:
        """Every answer of the conversation, also those not on the page."""
        return [*self._unshown, *(turn.answer for turn in self.turns if turn.answer is not None)]

    def clear(self, *, loading: bool = False) -> None:
        """Remove all turns; while `loading` there is no welcome."""
        old, self.turns, self._unshown = self.turns, [], []
        self._arrange(loading=loading)
        for turn in old:
            discard(turn.widget)

    async def restore(self, answers: Sequence[Answer]) -> None:
        """Show the last of these answers above questions that were asked since."""
        known = {turn.answer.run_id for turn in self.turns if turn.answer is not None}
        self._unshown = [answer for answer in answers if answer.run_id not in known]
        self.earlier.disabled = False
        await self._show_earlier()

    def begin(self, question: str) -> ChatTurn:
        """A new turn at the end."""
        turn = ChatTurn(question, self._actions, self._guarded)
        self.turns.append(turn)
        self._arrange()
        return turn

    async def _show_earlier(self, *_: Any) -> None:
        if self.earlier.disabled:
            return
        self.earlier.disabled, unshown = True, self._unshown
        turns: list[ChatTurn] = []
        for answer in unshown[-AT_ONCE:]:
            turn = ChatTurn(str(answer.input or ""), self._actions, self._guarded)
            turn.show(answer, await card_of(answer))
            turns.append(turn)
            if unshown is not self._unshown:  # another conversation was opened
                return
        del unshown[-AT_ONCE:]
        self.turns[:0] = turns
        self.earlier.disabled = False
        self._arrange()

    def _arrange(self, *, loading: bool = False) -> None:
        for turn in self.turns[:-1]:
            turn.forget_follow_ups()
        self._turns.children = [turn.widget for turn in self.turns]
        ui.show(self._turns, bool(self.turns))
        ui.show(self._welcome, not self.turns and not loading)
        ui.show(self.earlier, bool(self._unshown))
        self.earlier.description = f"Show earlier turns ({len(self._unshown)})"
