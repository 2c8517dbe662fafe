"""A panel among the other panels on the same conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from finassist.answer import Answer
from finassist.apps.chat.kit import html
from finassist.apps.chat.rooms import room_of
from finassist.reporting.html.sanitize import escape
from finassist.sessions.store import Store

ALSO_OPEN: Final = "This conversation is open in another panel too. Turns are taken in order, and both show them."


class Presence:
    """Where a panel is, whether somebody sees it, and what it hears from others.

    Args:
        store: Where conversations are kept.
        session_id: The conversation that is open at first.
        answered: Called with a turn of another panel.
        deleted: Called when another panel has deleted the conversation.

    Attributes:
        widget: A line that says whether the conversation is open elsewhere.
        roll_call: Asks every view of the panel to say that it is there.
    """

    def __init__(
        self, store: Store, session_id: str, answered: Callable[[Answer], None], deleted: Callable[[], None]
    ) -> None:
        self.widget = html(classes="notice")
        self._answered, self._deleted = answered, deleted
        self._views = 0
        self.roll_call: Callable[[], None] | None = None
        self._store = store
        self._room = room_of(store, session_id)
        self._room.join(self)

    @property
    def turn(self) -> asyncio.Lock:
        """Held by the panel whose question is being answered."""
        return self._room.turn

    @property
    def shown(self) -> bool:
        """Whether somebody can see the panel: its cell may have been cleared, or run again."""
        return self._views > 0

    def move(self, session_id: str) -> None:
        """The panel shows another conversation."""
        self._room.leave(self)
        self._room = room_of(self._store, session_id)
        self._room.join(self)
        self.others_changed()

    def leave(self) -> None:
        """The panel is gone."""
        self._room.leave(self)

    def view_came(self, *, new: bool) -> None:
        """A view of the panel is on a page; a `new` one makes others count theirs again."""
        self._views += 1
        if new:
            self._room.came(self)
        self._changed()

    def view_went(self) -> None:
        """A view went from its page. Where the page itself went, nobody says so, until the next roll call."""
        self._views = max(0, self._views - 1)
        self._changed()

    def _changed(self) -> None:
        self.others_changed()
        self._room.changed(self)

    def tell_answer(self, answer: Answer) -> None:
        """Let the others show a turn of this panel."""
        for other in self._room.others(self):
            other.others_answered(answer)

    def tell_deleted(self, session_id: str) -> None:
        """Let everybody else know that a conversation is gone."""
        for other in room_of(self._store, session_id).others(self):
            other.others_deleted()

    def busy(self, session_id: str) -> bool:
        """Whether some panel is getting an answer in a conversation."""
        return room_of(self._store, session_id).turn.locked()

    # ---------------------------------------------------------------------------- what a room tells

    def others_came(self) -> None:
        """Count our views anew: those that are still there answer."""
        self._views = 0
        if self.roll_call is not None:
            self.roll_call()

    def others_changed(self) -> None:
        """Say whether the conversation is open elsewhere."""
        both = self.shown and self._room.company(self) > 0
        self.widget.value = f"<p>{escape(ALSO_OPEN)}</p>" if both else ""

    def others_answered(self, answer: Answer) -> None:
        """Show a turn of another panel."""
        self._answered(answer)

    def others_deleted(self) -> None:
        """The conversation is gone."""
        self._deleted()
