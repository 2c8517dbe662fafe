"""The chat panel: ask, watch, stop, read, correct, go on, keep what was said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from finassist.answer import Answer
from finassist.apps.chat.composer import Composer
from finassist.apps.chat.configuring import Configuring
from finassist.apps.chat.exports import Exports, exported, warm_up
from finassist.apps.chat.guard import Guard
from finassist.apps.chat.header import Header
from finassist.apps.chat.kit import VBox, column, discard, html
from finassist.apps.chat.log import Log
from finassist.apps.chat.picker import Picker
from finassist.apps.chat.presence import Presence
from finassist.apps.chat.turns import Turns
from finassist.reporting.html.sanitize import escape
from finassist.runtime.context import Assistant
from finassist.sessions.conversations import Conversation, Conversations
from finassist.sessions.store import check_session_id

NOT_WHILE_BUSY: Final = "An answer is still being made in this conversation. Stop it or wait for it, then go on."
DELETED: Final = "This conversation was deleted in another panel. What you ask now begins it anew."
STATIC: Final = "finassist chat panel: run this cell in JupyterLab to open the conversation."


class ChatPanel(VBox):  # pyright: ignore[reportUntypedBaseClass]
    """A conversation with a workflow, as a widget.

    Args:
        workflow: Whom to ask. The panel's settings change a copy of it, never the workflow itself.
        session_id: The conversation to open; by default the workflow's own.

    Raises:
        InvalidSessionId: The id cannot be used.

    Attributes:
        workflow: Who is asked now, with what was chosen in the settings.
        session_id: The conversation that is open.
    """

    _presence: Presence | None = None
    _base: Any = None

    def __init__(self, workflow: Assistant, *, session_id: str | None = None) -> None:
        self.session_id = str(workflow.session_id) if session_id is None else check_session_id(session_id)
        self.workflow = workflow
        self.guard = Guard(self.say, lambda: self.workflow.runtime.settings.secrets())
        guarded = self.guard.guarded
        self.composer = Composer(guarded(self._received))
        self.talk = Log(self._ask_on, guarded)
        self.picker = Picker(self, guarded)
        self.configuring = Configuring(self, workflow, guarded)
        self.exports = Exports(self.export, guarded)
        drawers = {
            "conversations": self.picker.widget,
            "export": self.exports.widget,
            "settings": self.configuring.drawer.widget,
        }
        self.header = Header(drawers, self.new, self._opened, guarded)
        self.notice = html(classes="notice")
        self._presence = here = Presence(
            workflow.runtime.store, self.session_id, self._answered_elsewhere, self._deleted
        )
        here.roll_call = self.composer.call_roll
        self.turns = Turns(self, here)
        foot = column([self.composer], "foot")
        self._base = super()
        self._base.__init__([self.header.widget, *drawers.values(), self.talk.widget, here.widget, self.notice, foot])
        self.add_class("finassist-chat")
        self._enter(self.session_id)

    @property
    def last_error(self) -> BaseException | None:
        """What went wrong last, in full."""
        return self.guard.last_error

    async def idle(self) -> None:
        """Wait until nothing is under way; for cells that go on with what was asked."""
        await self.guard.idle()

    # --------------------------------------------------------------------------------------- asking

    def ask(self, question: str) -> None:
        """Ask a question, as if it had been typed; while another is being answered it is refused with a word."""
        self.turns.ask(question)

    def stop(self, *_: Any) -> None:
        """Stop the answer being made; what has arrived of it is kept."""
        self.turns.stop()

    def _ask_on(self, question: str) -> None:
        """Ask what a button says; the button may be gone then, and the cursor with it."""
        self.ask(question)
        self.focus()

    # --------------------------------------------------------------------------------- conversations

    def new(self, *_: Any) -> None:
        """Begin a new conversation."""
        if self._may_leave():
            self._enter(str(uuid4()))
            self.focus()

    async def open_conversation(self, session_id: str) -> None:
        """Show another conversation."""
        if self._may_leave():
            self._enter(session_id)
            self.focus()

    async def rename_conversation(self, session_id: str, name: str) -> None:
        """Name a conversation."""
        await self._stored.rename(session_id, name)
        await self.list_conversations()
        self.focus("session-name")

    async def delete_conversation(self, session_id: str) -> None:
        """Delete a conversation; where it is open, a new one begins."""
        if self._here.busy(session_id):
            self.say(NOT_WHILE_BUSY)
            return
        await self._stored.delete(session_id)
        self._here.tell_deleted(session_id)
        if session_id == self.session_id:
            self._enter(str(uuid4()), keep_drawer=True)
        await self.list_conversations()
        self.focus("session-name")

    async def export(self, kind: str) -> None:
        """Let the browser save the conversation (`"markdown"`, `"html"`) or its figures (`"csv"`)."""
        self.say("")
        self.composer.download(*await exported(kind, self._conversation.name, self.talk.answers))

    def close(self) -> None:
        """Stop what is under way and take the panel off the page."""
        if self._presence is not None:
            self.stop()
            self.guard.close()
            self._presence.leave()
            for child in self.children:
                discard(child)
        if self._base is not None:
            self._base.close()

    @property
    def _here(self) -> Presence:
        assert self._presence is not None
        return self._presence

    @property
    def _stored(self) -> Conversations:
        return Conversations(self.workflow.runtime.store, self.workflow.runtime.locks, self.workflow.user_id)

    def _enter(self, session_id: str, *, keep_drawer: bool = False) -> None:
        self.session_id = session_id
        self._conversation = Conversation(session_id=session_id)
        self._here.move(session_id)
        self.say("")
        if not keep_drawer:
            self.header.close()
        self.header.name(self._conversation.name)
        self.talk.clear(loading=self.guard.ready)
        if self.guard.ready:
            self.guard.start(self._load(session_id))

    async def _load(self, session_id: str) -> None:
        conversation, answers = await self._stored.read(session_id)
        if session_id == self.session_id:
            self._conversation = conversation
            self.header.name(conversation.name)
            await self.talk.restore(answers)
            self.composer.scroll_to_end()

    async def list_conversations(self) -> None:
        """List past conversations in their drawer."""
        conversations = await self._stored.recent(self.picker.limit)
        self.picker.show(conversations, self.session_id)
        for each in conversations:
            if each.session_id == self.session_id:
                self._conversation = each
                self.header.name(each.name)

    def asked(self, question: str) -> None:
        """A question has been answered, or has failed: the first one names its conversation."""
        if not self._conversation.named and len(self.talk.turns) == 1:
            self._conversation = Conversation(session_id=self.session_id, name=question, turns=1)
            self.header.name(question)

    def focus(self, where: str = "") -> None:
        """Put the cursor into the text area, or to the widget of the panel with the class `where`."""
        self.composer.take_focus(where)

    def _may_leave(self) -> bool:
        if self.turns.busy:
            self.say(NOT_WHILE_BUSY)
        return not self.turns.busy

    def _opened(self, drawer: str) -> Any:
        if drawer == "settings":
            self.configuring.show()
        if drawer == "export":
            return warm_up()
        return self.list_conversations() if drawer == "conversations" else None

    # ----------------------------------------------------------------------- what others do, and words

    def _answered_elsewhere(self, answer: Answer) -> None:
        self.talk.insert(answer, before_last=self.turns.busy)

    def _deleted(self) -> None:
        self._enter(self.session_id)
        self.say(DELETED)

    def say(self, words: str) -> None:
        """Show a sentence above the text area; nothing takes it away."""
        said = f"<p>{escape(words)}</p>" if words else ""
        if self.notice.value != said:
            self.notice.value = said

    def _received(self, _: Any, message: Mapping[str, Any], *__: Any) -> None:
        text = str(message.get("text", ""))
        match message.get("type"):
            case "send":
                self.ask(text)
            case "stop":
                self.stop()
            case "complete":
                self.composer.complete(text)
            case "shown" | "present" as came:
                self._here.view_came(new=came == "shown")
            case "hidden":
                self._here.view_went()
            case _:
                pass

    def __repr__(self) -> str:
        return f"<ChatPanel {self.session_id}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = self._base._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": STATIC, "text/html": f"<p><em>{escape(STATIC)}</em></p>"}
