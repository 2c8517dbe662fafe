"""The list of past conversations: open one, name it, delete it after a second question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from finassist.apps.chat.kit import Widget, button, column, discard, html, row, show, text_field
from finassist.reporting.html.sanitize import escape
from finassist.sessions.conversations import LONGEST_NAME, Conversation

AT_ONCE: Final = 15
"""Conversations that are listed at first, and more at each request."""

_LABEL: Final = 70
_SUMMARY: Final = 180
_SYMBOLS: Final = 6


class Host(Protocol):
    """What the picker asks of the panel."""

    def focus(self, where: str) -> None:
        """Put the cursor to the widget with this class."""

    async def open_conversation(self, session_id: str) -> None:
        """Show another conversation."""

    async def rename_conversation(self, session_id: str, name: str) -> None:
        """Name it."""

    async def list_conversations(self) -> None:
        """List as many as the picker wants."""

    async def delete_conversation(self, session_id: str) -> None:
        """Delete it."""


class Picker:
    """Past conversations, one line each.

    Attributes:
        widget: What to show.
        lines: What is listed now.
        limit: How many are listed at most.
    """

    def __init__(self, host: Host, guarded: Callable[[Callable[..., Any]], Callable[..., None]]) -> None:
        self._host, self._guarded = host, guarded
        self._list = column(classes="sessions")
        self.lines: list[Line] = []
        self.limit = AT_ONCE
        self.older = button("Older conversations", guarded(self._show_older), classes="quiet")
        title = html("<h3>Conversations</h3>", "drawer-title")
        self.widget = column([title, self._list, self.older], "drawer picker")

    def show(self, conversations: Sequence[Conversation], current: str) -> None:
        """List these, and mark the one that is open."""
        old = self._list.children
        self.lines = [
            Line(each, each.session_id == current, self._host, self._guarded, self._only) for each in conversations
        ]
        show(self.older, len(conversations) >= self.limit)
        nothing = html("<span>No conversation has been stored yet.</span>", "dim")
        self._list.children = [line.widget for line in self.lines] or [nothing]
        for widget in old:
            discard(widget)

    def _only(self, line: Line) -> None:
        """One question at a time: another line that asks something takes it back."""
        for each in self.lines:
            if each is not line:
                each.take_back()

    def _show_older(self, *_: Any) -> Any:
        self.limit += AT_ONCE
        return self._host.list_conversations()


class Line:
    """One conversation of the list.

    Attributes:
        conversation: Which.
        widget: What to show.
    """

    def __init__(
        self,
        conversation: Conversation,
        current: bool,
        host: Host,
        guarded: Callable[[Callable[..., Any]], Callable[..., None]],
        asks: Callable[[Line], None],
    ) -> None:
        self.conversation, self._host, self._guarded, self._asks = conversation, host, guarded, asks
        name = _cut(conversation.name, _LABEL)
        self.open = button(name, guarded(self._open), tooltip=f"Open: {name}", classes="session-name")
        self.rename = button("", guarded(self._ask_name), icon="pencil", tooltip=f"Rename: {name}", classes="icon")
        self.delete = button("", guarded(self._ask_again), icon="trash", tooltip=f"Delete: {name}", classes="icon")
        head = row([self.open, self.rename, self.delete], "session-head")
        self._below = column(classes="session-below")
        show(self._below, False)
        about = html(_about(conversation, current), "session-about")
        self.widget = column([head, about, self._below], "session session-current" if current else "session")

    def _open(self, *_: Any) -> Any:
        return self._host.open_conversation(self.conversation.session_id)

    # ---------------------------------------------------------------------------------- a new name

    def _ask_name(self, *_: Any) -> None:
        given = self.conversation.name if self.conversation.named else ""
        self.name = text_field(label="Name of this conversation", value=given, classes="search here")
        self.save = button("Save", self._guarded(self._save), classes="primary")
        self._ask(self.name, self.save, button("Cancel", self._guarded(self._cancel), classes="quiet"))

    def _save(self, *_: Any) -> Any:
        return self._host.rename_conversation(self.conversation.session_id, str(self.name.value)[:LONGEST_NAME])

    # ------------------------------------------------------------------------------------ deleting

    def _ask_again(self, *_: Any) -> None:
        turns = self.conversation.turns
        words = f"Delete it with its {turns} turn{'' if turns == 1 else 's'}? This cannot be undone."
        self.confirm = button("Delete", self._guarded(self._delete), classes="danger")
        keep = button("Keep it", self._guarded(self._cancel), classes="quiet here")
        self._ask(html(f"<span>{escape(words)}</span>", "question-line"), self.confirm, keep)

    def _delete(self, *_: Any) -> Any:
        return self._host.delete_conversation(self.conversation.session_id)

    def _ask(self, *widgets: Widget) -> None:
        self._asks(self)
        self._below.children = [row(widgets, "search-line")]
        show(self._below, True)
        self._host.focus("here")

    def _cancel(self, *_: Any) -> None:
        self.take_back()
        self.rename.focus()

    def take_back(self) -> None:
        """Ask nothing any more."""
        self._below.children = []
        show(self._below, False)


def _about(conversation: Conversation, current: bool) -> str:
    turns = f"{conversation.turns} turn{'' if conversation.turns == 1 else 's'}"
    symbols = ", ".join(conversation.symbols[:_SYMBOLS])
    more = "…" if len(conversation.symbols) > _SYMBOLS else ""
    parts = ["open now" if current else "", turns, symbols + more, when(conversation.used_at)]
    facts = " · ".join(part for part in parts if part)
    told = conversation.summary or (conversation.last_question if conversation.turns > 1 else "")
    summary = f"<div>{escape(_cut(told, _SUMMARY))}</div>" if told else ""
    return f"<div>{escape(facts)}</div>{summary}"


def when(moment: datetime | None, now: datetime | None = None) -> str:
    """When something was, as short as it can be said, in local time.

    Example:
        >>> noon = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
        >>> when(noon, noon), when(None)
        ('just now', '')
    """
    if moment is None:
        return ""
    passed = ((now or datetime.now(UTC)) - moment).total_seconds()
    if passed < 60:
        return "just now"
    if passed < 3600:
        return f"{int(passed // 60)} min ago"
    local = moment.astimezone()
    today = (now or datetime.now(UTC)).astimezone().date()
    return f"today {local:%H:%M}" if local.date() == today else f"{local.day} {local:%b %Y}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
