"""The view of an answer in the making, which may fail without taking the answer with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agno.run.agent import RunContentEvent

from finassist.answer import Answer
from finassist.apps.chat.bubbles import Turn, clipped
from finassist.apps.chat.quiet_view import QuietView


class Viewing:
    """Shows one answer being made in a turn.

    Args:
        turn: Where.
        steps: Whether its intermediate steps are shown.
        streaming: Whether its words are shown as they come.
        broke: Is given what a view raised; the answer is shown all the same.
    """

    def __init__(self, turn: Turn, *, steps: bool, streaming: bool, broke: Callable[[Exception], None]) -> None:
        self._turn, self._streaming, self._broke = turn, streaming, broke
        self._view: Any = None
        self._begin(steps)

    def see(self, event: Any) -> None:
        """Show what an event tells."""
        if self._streaming or not isinstance(event, RunContentEvent):
            self._try(lambda view: view.see(event))

    def finish(self, answer: Answer | None, error: BaseException | None = None) -> None:
        """Show what came of it."""
        shown = None if answer is None else clipped(answer)
        self._try(lambda view: view.finish(shown, error))
        if answer is not None:
            self._turn.show_answer(answer, card=self._view is None)

    def _begin(self, steps: bool) -> None:
        try:
            self._view = _live_view(self._turn.question) if steps else QuietView(self._turn.question)
            self._turn.show_live(self._view.widget)
        except Exception as error:  # noqa: BLE001  a picture is not worth an answer
            self._fail(error)

    def _try(self, act: Callable[[Any], None]) -> None:
        if self._view is not None:
            try:
                act(self._view)
            except Exception as error:  # noqa: BLE001  see _begin
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._view = None
        self._broke(error)


def _live_view(question: str) -> Any:
    """Imported when first shown: the live view is a room of its own."""
    from finassist.apps.live.view import LiveView

    return LiveView(question)
