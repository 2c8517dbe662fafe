"""Questions of a panel, one at a time: asked or refused, shown, stopped, told to the other panels."""

from __future__ import annotations

from typing import Final, Protocol

from finassist.apps.chat.asking import Asking
from finassist.apps.chat.bubbles import Turn
from finassist.apps.chat.composer import Composer
from finassist.apps.chat.configuring import Configuring
from finassist.apps.chat.guard import Guard
from finassist.apps.chat.log import Log
from finassist.apps.chat.presence import Presence
from finassist.apps.chat.viewing import Viewing
from finassist.core.errors import InputError
from finassist.core.events import RunResponse
from finassist.core.validation import check_question
from finassist.runtime.context import Assistant

BUSY: Final = "An answer is still being made. Stop it, or send this when it is there."
NEXT: Final = "Another panel is asking in this conversation; your question is answered next."


class Host(Protocol):
    """What it needs of the panel."""

    workflow: Assistant
    session_id: str
    composer: Composer
    talk: Log
    configuring: Configuring
    guard: Guard

    def say(self, words: str) -> None:
        """Show a sentence."""

    def asked(self, question: str) -> None:
        """A question has been answered, or has failed."""


class Turns:
    """Asks the questions of a panel."""

    def __init__(self, host: Host, presence: Presence) -> None:
        self._host, self._here = host, presence
        self._asking: Asking | None = None
        self._waiting = False

    @property
    def busy(self) -> bool:
        """Whether an answer is being made."""
        return self._asking is not None

    def ask(self, question: str) -> None:
        """Ask it, or refuse it with a word and leave it where it was typed."""
        if self._asking is not None:
            if self._asking.question != question:  # the same one again is a double click
                self._host.composer.refused(question, BUSY)
            return
        try:
            text = check_question(question, self._host.workflow.runtime.settings.max_question_length)
        except InputError as error:
            self._host.composer.refused(question, str(error))
            return
        self._host.composer.taken(question)
        self._begin(text)

    def stop(self) -> None:
        """Stop the answer being made."""
        if self._asking is not None:
            self._asking.stop()

    def _begin(self, question: str) -> None:
        host = self._host
        asking = self._asking = Asking(host.workflow, question, host.session_id)
        host.composer.busy = True
        self._waiting = self._here.turn.locked()
        host.say(NEXT if self._waiting else "")
        turn = host.talk.begin(question)
        shown = host.configuring.drawer
        view = Viewing(turn, steps=shown.steps.value, streaming=shown.streaming.value, broke=host.guard.note)
        host.composer.scroll_to_end()
        host.guard.start(self._answered(asking, turn, view))

    async def _answered(self, asking: Asking, turn: Turn, view: Viewing) -> None:
        guard = self._host.guard
        try:
            answer = await asking.answer(self._here.turn, lambda event: self._see(view, event))
        except BaseException as error:
            view.finish(None, error)
            if not isinstance(error, Exception):
                raise
            guard.note(error)
            turn.show_failure(guard.words(error))
        else:
            if not guard.closed:
                view.finish(answer)
            if asking.began:
                self._here.tell_answer(answer)
        finally:
            self._asking = None
            self._host.composer.busy = False
            self._host.say("")
        self._host.asked(turn.question)

    def _see(self, view: Viewing, event: RunResponse) -> None:
        if self._waiting:
            self._waiting = False
            self._host.say("")
        view.see(event)
