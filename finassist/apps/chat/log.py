"""The conversation on the page: earlier turns, new ones, and a welcome where there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from finassist.answer import Answer
from finassist.apps.chat.bubbles import Turn
from finassist.apps.chat.kit import bound, button, column, discard, html, row, show

AT_ONCE: Final = 8
"""Earlier turns that are shown at first, and more at each request: a card is a page of its own."""

EXAMPLES: Final = (
    "Compare Apple and Microsoft",
    "Tell me about Nvidia",
    "What is Apple's stock price?",
    "What does free cash flow mean?",
)
_WELCOME: Final = (
    "<h2>What would you like to know?</h2>"
    "<p>Ask about US-listed companies in plain words. Every figure names its source; what is missing is said.</p>"
)


class Log:
    """The turns of one conversation.

    Attributes:
        widget: What to show.
        turns: Those on the page, oldest first.
    """

    def __init__(self, ask: Callable[[str], Any], guarded: Callable[[Callable[..., Any]], Callable[..., None]]) -> None:
        self._ask, self._guarded = ask, guarded
        self._unshown: list[Answer] = []
        self._epoch = 0  # counts conversations: turns of one must not appear in the next
        self._showing = False
        self.examples = [
            button(text, guarded(bound(ask, text)), tooltip=f"Ask: {text}", classes="follow-up") for text in EXAMPLES
        ]
        self._welcome = column([html(_WELCOME), row(self.examples, "follow-ups")], "welcome")
        self.earlier = button("Earlier turns", guarded(self._show_earlier), classes="quiet", icon="chevron-up")
        self._old = column(classes="turns")
        self._new = column(classes="turns")
        self.widget = column([self._welcome, self.earlier, self._old, self._new], "log")
        self._old_turns: list[Turn] = []
        self._new_turns: list[Turn] = []
        self._look()

    @property
    def turns(self) -> list[Turn]:
        """The turns on the page."""
        return [*self._old_turns, *self._new_turns]

    @property
    def answers(self) -> list[Answer]:
        """Every answer of the conversation, also those not on the page."""
        return [*self._unshown, *(turn.answer for turn in self.turns if turn.answer is not None)]

    def clear(self, *, loading: bool = False) -> None:
        """Forget what is shown; while `loading` there is no welcome."""
        self._epoch += 1
        self._showing = False
        for turn in self.turns:
            discard(turn.widget)
        self._old.children = self._new.children = []
        self._old_turns, self._new_turns, self._unshown = [], [], []
        self._look(loading=loading)

    async def restore(self, answers: Sequence[Answer]) -> None:
        """Show the last of these turns above what was asked meanwhile."""
        known = {turn.answer.run_id for turn in self._new_turns if turn.answer is not None}
        self._unshown = [answer for answer in answers if answer.run_id not in known]
        await self._show_earlier()
        for turn in self.turns[:-1]:
            turn.forget_follow_ups()

    def begin(self, question: str) -> Turn:
        """A new turn at the end; only the last one suggests what to ask next."""
        for turn in self.turns:
            turn.forget_follow_ups()
        turn = Turn(question, self._ask, self._guarded)
        self._place(turn, len(self._new_turns))
        return turn

    def insert(self, answer: Answer, *, before_last: bool) -> None:
        """A turn that was asked elsewhere; before the one that still waits for its answer."""
        turn = Turn(str(answer.input or ""), self._ask, self._guarded)
        turn.show_answer(answer)
        at = len(self._new_turns) - before_last
        for earlier in self.turns:
            earlier.forget_follow_ups()
        self._place(turn, at)

    def _place(self, turn: Turn, at: int) -> None:
        self._new_turns.insert(at, turn)
        self._new.children = [each.widget for each in self._new_turns]
        self._look()

    async def _show_earlier(self, *_: Any) -> None:
        if self._showing:
            return
        self._showing, epoch = True, self._epoch
        batch, self._unshown = self._unshown[-AT_ONCE:], self._unshown[:-AT_ONCE]
        turns: list[Turn] = []
        for answer in batch:
            turn = Turn(str(answer.input or ""), self._ask, self._guarded)
            turn.show_answer(answer)
            turns.append(turn)
            await asyncio.sleep(0)  # a card takes a while to make: others may go in between
            if epoch != self._epoch:
                return
        self._showing = False
        if self._old_turns:
            for turn in turns:
                turn.forget_follow_ups()
        self._old_turns = [*turns, *self._old_turns]
        self._old.children = [each.widget for each in self._old_turns]
        self._look()

    def _look(self, *, loading: bool = False) -> None:
        show(self._old, bool(self._old_turns))
        show(self._new, bool(self._new_turns))
        show(self._welcome, not self.turns and not loading)
        show(self.earlier, bool(self._unshown))
        self.earlier.description = f"Show earlier turns ({len(self._unshown)})"
