"""The chat panel: ask, watch, stop, read, correct, follow up and export."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from finassist.answer import Answer
from finassist.apps.chat import widgets as ui
from finassist.apps.chat.companies import completions
from finassist.apps.chat.conversation import ChatRun, ChatTurn, Log, TurnActions, card_of
from finassist.apps.chat.drawers import Actions, Exports, Picker, SettingsDrawer, exported
from finassist.apps.live.view import discard
from finassist.core.claims import Thumb
from finassist.core.errors import InputError
from finassist.core.query import Query
from finassist.core.text import check_question
from finassist.reporting.sanitize import escape
from finassist.runtime.base import Assistant
from finassist.sessions.history import Conversation, Conversations
from finassist.sessions.runs import answer_of
from finassist.sessions.store import check_session_id

BUSY: Final = "An answer is still running. Stop it, or send this when it is done."
NOT_WHILE_BUSY: Final = "An answer is still running in this conversation. Stop it or wait for it, then continue."
STATIC: Final = "finassist chat panel: run this cell in JupyterLab to open the conversation."
_TITLE: Final = 60
_OFFERED: Final = ("symbol", "name", "exchange")
_TOOLS: Final = {
    "conversations": ("Conversations", "history", "Past conversations: open, rename, delete"),
    "export": ("Export", "download", "Download the conversation or its figures"),
    "settings": ("Settings", "cog", "Model, data source and keys"),
}


class Header:
    """The title, buttons by name (`new`, and one for each drawer), and one drawer open at a time."""

    def __init__(
        self,
        drawers: Mapping[str, ui.Widget],
        new: Callable[..., Any],
        opened: Callable[[str], Any],
        guarded: ui.Guarded,
    ) -> None:
        self._drawers, self._opened = drawers, opened
        self._open: str | None = None
        self._title = ui.html(classes="title")
        self.tools = {"new": ui.button("New", guarded(new), icon="plus", tooltip="New conversation", classes="tool")}
        for name, (text, icon, tip) in _TOOLS.items():
            toggle = guarded(self._toggle, name)
            self.tools[name] = ui.button(text, toggle, icon=icon, tooltip=tip, classes="tool toggle")
        self.widget = ui.row([self._title, *self.tools.values()], "head")
        self.close()

    def name(self, conversation: str) -> None:
        """Show which conversation is open."""
        self._title.value = f"<div><b>finassist</b><span>{escape(ui.cut(conversation, _TITLE))}</span></div>"

    def close(self) -> None:
        """Close the drawer that is open."""
        self._open = None
        for name, drawer in self._drawers.items():
            ui.show(drawer, False)
            self.tools[name].remove_class("finassist-chat-open")

    def _toggle(self, name: str) -> Any:
        was = self._open
        self.close()
        if was == name:
            return None
        self._open = name
        ui.show(self._drawers[name], True)
        self.tools[name].add_class("finassist-chat-open")
        return self._opened(name)


class ChatPanel(ui.VBox):  # pyright: ignore[reportUntypedBaseClass]
    """A conversation with a workflow, as a widget.

    Args:
        workflow: What to ask. The panel's settings change a copy of it, never the workflow itself.
        session_id: The conversation to open; by default the workflow's own.

    Raises:
        InvalidSessionId: The id cannot be used.

    Attributes:
        workflow: What is asked now, with the panel's settings.
        session_id: The conversation that is open.
    """

    _base: Any = None

    def __init__(self, workflow: Assistant, *, session_id: str | None = None) -> None:
        self.session_id = str(workflow.session_id) if session_id is None else check_session_id(session_id)
        self.workflow = workflow
        self.callbacks = ui.Callbacks(self.say, lambda: self.workflow.runtime.secrets)
        guarded = self.callbacks.guarded
        self._run: ChatRun | None = None
        self.notice = ui.html(classes="notice")
        self.composer = ui.Composer(guarded(self._received))
        self.conversation = Log(TurnActions(self._ask_on, self._rate, self._copy, self._edit), guarded)
        actions = Actions(
            self.list_conversations,
            self.open_conversation,
            self.rename_conversation,
            self.delete_conversation,
            self.composer.take_focus,
        )
        self.picker = Picker(actions, guarded)
        self.exports = Exports(self.export, guarded)
        self.settings = SettingsDrawer(workflow, self._use, guarded)
        drawers = {"conversations": self.picker.widget, "export": self.exports.widget, "settings": self.settings.widget}
        self.header = Header(drawers, self.new, self._opened, guarded)
        foot = ui.column([self.composer], "foot")
        self._base = super()
        self._base.__init__([self.header.widget, *drawers.values(), self.conversation.widget, self.notice, foot])
        self.add_class("finassist-chat")
        self._enter(self.session_id)

    @property
    def last_error(self) -> BaseException | None:
        """What went wrong last, in full."""
        return self.callbacks.last_error

    async def idle(self) -> None:
        """Wait until nothing is under way; for cells that use the answer."""
        await self.callbacks.idle()

    # --------------------------------------------------------------------------------------- asking

    def ask(self, question: str, queries: Sequence[Query] = ()) -> None:
        """Ask a question, as if it had been typed; one that cannot be asked now stays in the text area.

        Args:
            question: The question.
            queries: What to answer in place of its words: what it means, where a choice was picked.
        """
        if self._run is not None:
            if self._run.text != question.strip():  # the same one again is a double click
                self.composer.tell("refused", text=question, why=BUSY)
            return
        try:
            text = check_question(question, self.workflow.runtime.settings.max_question_length)
        except InputError as error:
            self.composer.tell("refused", text=question, why=str(error))
            return
        self.composer.tell("accepted", text=question)
        self._run = ChatRun(self.workflow, text, self.session_id, queries)
        self.composer.busy = True
        self.say("")
        turn = self.conversation.begin(text)
        turn.watch()
        self.composer.tell("end")
        self.callbacks.start(self._answer(self._run, turn))

    def stop(self, *_: Any) -> None:
        """Stop the answer being made; the words that have arrived stay."""
        if self._run is not None:
            self._run.stop()

    async def _answer(self, run: ChatRun, turn: ChatTurn) -> None:
        try:
            answer = await run.answer(turn.see)
        except BaseException as error:
            turn.finish(None, error)
            if not isinstance(error, Exception):
                raise
            turn.fail(self.callbacks.describe(error))
        else:
            card = await card_of(answer) if answer is not None else ""
            if not self.callbacks.closed:
                turn.finish(answer, card=card)
        finally:
            self._run = None
            self.composer.busy = False
            self.callbacks.last_error = turn.view_error or self.callbacks.last_error
            self.say("")
        if not self._current.named and len(self.conversation.turns) == 1:
            self._name(Conversation(session_id=self.session_id, name=run.text, turns=1))

    async def _rate(self, answer: Answer, thumb: Thumb | None, reason: str) -> None:
        await self.workflow.arate(answer, thumb, reason)

    async def _copy(self, answer: Answer) -> None:
        self.composer.tell("copy", text=await asyncio.to_thread(answer.to_markdown))

    def _edit(self, question: str) -> None:
        self.composer.tell("edit", text=question)

    def _ask_on(self, question: str, queries: Sequence[Query] = ()) -> None:
        """Ask what a button says; the button may be gone then, and the cursor with it."""
        self.ask(question, queries)
        self.composer.take_focus()

    # --------------------------------------------------------------------------------- conversations

    def new(self, *_: Any) -> None:
        """Begin a new conversation."""
        self._leave_for(str(uuid4()))

    async def open_conversation(self, session_id: str) -> None:
        """Show another conversation."""
        self._leave_for(session_id)

    async def rename_conversation(self, session_id: str, name: str) -> None:
        """Name a conversation."""
        await self._stored.rename(session_id, name)
        await self.list_conversations()
        self.composer.take_focus("session-name")

    async def delete_conversation(self, session_id: str) -> None:
        """Delete a conversation; where it is open, a new one begins."""
        if session_id == self.session_id and self._busy():
            return
        await self._stored.delete(session_id)
        if session_id == self.session_id:
            self._enter(str(uuid4()), keep_drawer=True)
        await self.list_conversations()
        self.composer.take_focus("session-name")

    async def list_conversations(self) -> None:
        """List past conversations in their drawer."""
        conversations = await self._stored.recent(self.picker.limit)
        self.picker.show(conversations, self.session_id)
        for each in conversations:
            if each.session_id == self.session_id:
                self._name(each)

    async def export(self, kind: str) -> None:
        """Let the browser save the conversation (`"markdown"`, `"html"`) or its figures (`"csv"`)."""
        self.say("")
        file = await exported(kind, self._current.name, self.conversation.answers)
        self.composer.tell("download", **file)

    def close(self) -> None:
        """Stop what is under way and take the panel off the page."""
        if self._base is not None:
            self.stop()
            self.callbacks.close()
            for child in self.children:
                discard(child)
            self.layout.close()
            self._base.close()

    @property
    def _stored(self) -> Conversations:
        runtime = self.workflow.runtime
        return Conversations(runtime.store, runtime.locks, self.workflow.user_id)

    def _busy(self) -> bool:
        """Whether an answer is being made; then the panel says so."""
        if self._run is not None:
            self.say(NOT_WHILE_BUSY)
        return self._run is not None

    def _leave_for(self, session_id: str) -> None:
        if not self._busy():
            self._enter(session_id)
            self.composer.take_focus()

    def _enter(self, session_id: str, *, keep_drawer: bool = False) -> None:
        self.session_id = session_id
        self._name(Conversation(session_id=session_id))
        self.say("")
        if not keep_drawer:
            self.header.close()
        self.conversation.clear(loading=self.callbacks.ready)
        if self.callbacks.ready:
            self.callbacks.start(self._load(session_id))

    async def _load(self, session_id: str) -> None:
        conversation, runs = await self._stored.read(session_id)
        if session_id == self.session_id:
            self._name(conversation)
            await self.conversation.restore([answer_of(run) for run in runs])
            self.composer.tell("end")

    def _name(self, conversation: Conversation) -> None:
        self._current = conversation
        self.header.name(conversation.name)

    # ------------------------------------------------------------------------------ drawers, messages

    async def _opened(self, drawer: str) -> None:
        if drawer == "settings":
            self.settings.show()
        elif drawer == "conversations":
            await self.list_conversations()
        self.composer.take_focus("drawer")

    def _use(self, workflow: Assistant) -> None:
        self.workflow = workflow
        self.say("")

    def say(self, words: str) -> None:
        """Show a sentence above the text area, or none."""
        markup = f"<p>{escape(words)}</p>" if words else ""
        if self.notice.value != markup:
            self.notice.value = markup

    def _received(self, _: Any, message: Mapping[str, Any], *__: Any) -> None:
        text = str(message.get("text", ""))
        match message.get("type"):
            case "send":
                self.ask(text)
            case "stop":
                self.stop()
            case "complete":
                found = [{name: getattr(each, name) for name in _OFFERED} for each in completions(text)]
                self.composer.tell("options", text=text, options=found)
            case _:
                pass

    def __repr__(self) -> str:
        return f"<ChatPanel {self.session_id}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = self._base._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": STATIC, "text/html": f"<p><em>{escape(STATIC)}</em></p>"}
