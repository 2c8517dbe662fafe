"""An answer in the making without its intermediate steps: a word that it is, and its text as it comes."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from agno.run.agent import RunContentEvent

from finassist.answer import Answer
from finassist.apps.chat.bubbles import LONGEST_SHOWN, clipped
from finassist.apps.chat.kit import column, html
from finassist.reporting.html.sanitize import escape, safe_html

_REDRAW_SECONDS: Final = 0.08
_FORMATTED: Final = 8_000
"""Characters that are rendered anew at every redraw; longer text is shown plain until it is complete."""


class QuietView:
    """The same doors as the live view: `widget`, `see(event)`, `finish(answer, error)`."""

    def __init__(self, question: str) -> None:
        self._state = html("<span>Working on it…</span>", "working")
        self._text = html(classes="card")
        self.widget = column([self._state, self._text], "quiet-view")
        self._arrived: list[str] = []
        self._redraw: asyncio.TimerHandle | None = None

    def see(self, event: Any) -> None:
        """Take an event; only the words of the answer matter here."""
        if isinstance(event, RunContentEvent) and event.content:
            self._arrived.append(str(event.content))
            if self._redraw is None:
                self._redraw = asyncio.get_running_loop().call_later(_REDRAW_SECONDS, self._draw)

    def finish(self, answer: Answer | None, error: BaseException | None = None) -> None:
        """Show the answer in the place of what led to it."""
        if self._redraw is not None:
            self._redraw.cancel()
        self._state.value = ""
        self._state.layout.display = "none"
        if answer is not None:
            self._text.value = clipped(answer).to_html()

    def _draw(self) -> None:
        self._redraw = None
        text = "".join(self._arrived)[:LONGEST_SHOWN]
        self._text.value = safe_html(text) if len(text) < _FORMATTED else f"<pre>{escape(text)}</pre>"
