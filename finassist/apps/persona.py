"""`finassist` among the personas of Jupyter AI 3: one asks in its chat and gets the card of a cell.

Jupyter AI finds the class by its entry point. It lives in the process of the Jupyter server, not in a kernel, so Agno
and the data are loaded in a thread when a chat first needs them. A chat is one conversation, kept under its id.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from finassist.apps.chat.conversation import ChatRun
    from finassist.core.events import RunResponse
    from finassist.workflow import FinancialAssistantWorkflow

_manager: Any = import_module("jupyter_ai_persona_manager")  # of an extra, and without types
_models: Any = import_module("jupyterlab_chat.models")
_TOP: Final = '<div style="max-height:60vh;overflow-y:auto" tabindex="0">{}</div>'
"""A chat scrolls to its end: of a long card the top stays in view."""
_SHOWN_WHILE_IT_COMES: Final = 6_000
_MENTION: Final = re.compile(r"(?<!\S)@finassist\b[,:]?\s*", re.IGNORECASE)


class FinassistPersona(_manager.BasePersona):
    """Answers the messages of one chat; see `jupyter_ai_persona_manager.BasePersona` for what calls it."""

    _run: ChatRun | None = None

    @property
    def defaults(self) -> Any:
        """How Jupyter AI lists it."""
        return _manager.PersonaDefaults(
            name="finassist",
            description="Answers questions about companies with sourced figures.",
            avatar_path=str(Path(__file__).with_suffix(".svg")),
            system_prompt="",
        )

    async def prepare(self) -> None:
        """Load the workflow while the first question is typed."""
        await asyncio.to_thread(self._load)

    async def process_message(self, message: Any) -> None:
        """Answer a message: words as they come, then the card; what is wrong with it as one sentence."""
        self.set_status("is reading the question")
        await asyncio.to_thread(self._load)
        from finassist.core.errors import FinassistError

        try:
            await self._answer(_MENTION.sub("", message.body).strip())
        except FinassistError as error:
            _Reply(self).show(*_bundle(f"**No answer.** {error}"))
        finally:
            self.clear_status()

    async def cancel_response(self) -> None:
        """Stop the answer under way; the words that have arrived stay."""
        if self._run is not None:
            self._run.stop()

    def workflow(self) -> FinancialAssistantWorkflow:
        """What answers: one for all chats, with the settings of the server. A persona of your own may have its own."""
        return _workflow()

    def _load(self) -> None:
        """Import what takes long, in a thread: the loop of the server must not wait."""
        import_module("finassist.apps.chat.conversation")
        with suppress(Exception):  # the answer says what is wrong
            self.workflow()

    async def _answer(self, question: str) -> None:
        from finassist.apps.chat.conversation import NOT_STORED, ChatRun
        from finassist.apps.live.view import shortened

        reply, self._run = _Reply(self), ChatRun(self.workflow(), question, self.chat.get_id())
        try:
            answer = await self._run.answer(reply.see)
        finally:
            self._run = None
            reply.pace.stop()
        if answer is None:
            reply.show(*_bundle(NOT_STORED))
        else:
            shown = shortened(answer)
            reply.show(*await asyncio.to_thread(lambda: _bundle(shown.to_markdown(), shown.to_html())))


@cache
def _workflow() -> FinancialAssistantWorkflow:
    from finassist.workflow import FinancialAssistantWorkflow

    return FinancialAssistantWorkflow()


def _bundle(text: str, card: str = "") -> tuple[str, Any]:
    """The text of a message, which other personas read, and what the page shows of it."""
    from finassist.reporting.sanitize import safe_html, safe_markdown

    # HTML from the first words on: of two renderers, the page keeps the result of the slower one. Trusted, or style
    # sheet and charts are dropped; a card has no script, and every text in it is escaped.
    body, html = safe_markdown(text), _TOP.format(card or safe_html(text))
    return body, _models.MimeModel(data={"text/html": html, "text/plain": body}, trusted=True)


class _Reply:
    """What a chat shows of one run: how far it is, and one message, from its first words to its card."""

    def __init__(self, persona: FinassistPersona) -> None:
        from finassist.apps.live.view import Pace
        from finassist.core.state import RunState

        self.pace = Pace(self._draw)
        self._persona, self._state, self._id = persona, RunState(), ""

    def see(self, event: RunResponse) -> None:
        """Take one event of the run."""
        from finassist.core.state import reduce

        self._state = reduce(self._state, event)
        self.pace.want()

    def show(self, body: str, shown: Any) -> None:
        """Show what `_bundle` made."""
        chat = self._persona.chat
        if not self._id:
            message = _models.NewMessage(body=body, sender=self._persona.id, mime_model=shown)
            self._id = chat.add_message(message, trigger_actions=[])
        else:
            chat.update_message(replace(chat.get_message(self._id), body=body, mime_model=shown))

    def _draw(self) -> None:
        self._persona.set_status("is working: {} of {} tasks done".format(*self._state.progress))
        if self._state.text:
            self.show(*_bundle(self._state.text[-_SHOWN_WHILE_IT_COMES:]))
