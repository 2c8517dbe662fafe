"""Stored conversations: a list to open, rename and delete them, and the open one as files."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from finassist.apps.chat import widgets as ui
from finassist.apps.chat.conversation import ShownAnswer
from finassist.core.errors import InputError
from finassist.core.facts import Fact
from finassist.reporting.html.card import conversation_html
from finassist.reporting.html.sanitize import escape
from finassist.reporting.markdown import conversation_markdown
from finassist.sessions.conversations import LONGEST_NAME, Conversation

AT_ONCE: Final = 15
"""Conversations listed at first, and more at each request."""

NOTHING: Final = "There is nothing to export yet. Ask something first."
NO_FIGURES: Final = "This conversation has no figures yet. Ask about a company, then export its data."
_LABEL: Final = 70
_SUMMARY: Final = 180
_SYMBOLS: Final = 6


@dataclass(frozen=True, slots=True)
class Actions:
    """What the list asks of the panel; each may return work for the panel's loop."""

    refresh: Callable[[], Any]
    open: Callable[[str], Any]
    rename: Callable[[str, str], Any]
    delete: Callable[[str], Any]
    focus: Callable[[str], None]


class Picker:
    """Past conversations, one line each.

    Attributes:
        widget: What to show.
        lines: What is listed now.
        limit: How many are listed at most.
    """

    def __init__(self, actions: Actions, guarded: ui.Guarded) -> None:
        self._actions, self._guarded = actions, guarded
        self._list = ui.column(classes="sessions")
        self.lines: list[SessionLine] = []
        self.limit = AT_ONCE
        self.older = ui.button("Older conversations", guarded(self._show_older), classes="quiet")
        title = ui.html("<h3>Conversations</h3>", "drawer-title")
        self.widget = ui.column([title, self._list, self.older], "drawer picker")

    def show(self, conversations: Sequence[Conversation], current: str) -> None:
        """List these, and mark the one that is open."""
        old = self._list.children
        self.lines = [
            SessionLine(each, each.session_id == current, self._actions, self._cancel, self._guarded)
            for each in conversations
        ]
        nothing = ui.html("<span>No conversation has been stored yet.</span>", "dim")
        self._list.children = [line.widget for line in self.lines] or [nothing]
        ui.show(self.older, len(conversations) >= self.limit)
        for widget in old:
            ui.discard(widget)

    def _cancel(self) -> None:
        """One line at a time asks something."""
        for line in self.lines:
            line.cancel()

    def _show_older(self, *_: Any) -> Any:
        self.limit += AT_ONCE
        return self._actions.refresh()


class SessionLine:
    """One conversation of the list.

    Attributes:
        conversation: Which.
        widget: What to show.
    """

    def __init__(
        self,
        conversation: Conversation,
        current: bool,
        actions: Actions,
        cancel_all: Callable[[], None],
        guarded: ui.Guarded,
    ) -> None:
        self.conversation, self._actions, self._cancel_all, self._guarded = conversation, actions, cancel_all, guarded
        name, opening = ui.cut(conversation.name, _LABEL), ui.bound(actions.open, conversation.session_id)
        self.open = ui.button(name, guarded(opening), tooltip=f"Open: {name}", classes="session-name")
        self.rename = ui.button("", guarded(self._ask_name), icon="pencil", tooltip=f"Rename: {name}", classes="icon")
        self.delete = ui.button("", guarded(self._ask_again), icon="trash", tooltip=f"Delete: {name}", classes="icon")
        head = ui.row([self.open, self.rename, self.delete], "session-head")
        self._below = ui.column(classes="session-below")
        ui.show(self._below, False)
        about = ui.html(_about(conversation, current), "session-about")
        self.widget = ui.column([head, about, self._below], "session session-current" if current else "session")

    def _ask_name(self, *_: Any) -> None:
        given = self.conversation.name if self.conversation.named else ""
        self.name = ui.text_field(label="Name of this conversation", value=given, classes="here")
        self.save = ui.button("Save", self._guarded(self._save), classes="primary")
        self._ask(self.name, self.save, ui.button("Cancel", self._guarded(self._cancel), classes="quiet"))

    def _save(self, *_: Any) -> Any:
        return self._actions.rename(self.conversation.session_id, str(self.name.value)[:LONGEST_NAME])

    def _ask_again(self, *_: Any) -> None:
        words = f"Delete it with its {_turns(self.conversation)}? This cannot be undone."
        delete = self._guarded(ui.bound(self._actions.delete, self.conversation.session_id))
        self.confirm = ui.button("Delete", delete, classes="danger")
        keep = ui.button("Keep it", self._guarded(self._cancel), classes="quiet here")
        self._ask(ui.html(f"<span>{escape(words)}</span>", "question-line"), self.confirm, keep)

    def _ask(self, *widgets: ui.Widget) -> None:
        self._cancel_all()
        self._below.children = [ui.row(widgets, "search-line")]
        ui.show(self._below, True)
        self._actions.focus("here")

    def cancel(self) -> None:
        """Ask nothing more."""
        old, self._below.children = self._below.children, ()
        ui.show(self._below, False)
        for widget in old:
            ui.discard(widget)

    def _cancel(self, *_: Any) -> None:
        self.cancel()
        self.rename.focus()


def _about(conversation: Conversation, current: bool) -> str:
    symbols = ", ".join(conversation.symbols[:_SYMBOLS])
    more = "…" if len(conversation.symbols) > _SYMBOLS else ""
    parts = ["open now" if current else "", _turns(conversation), symbols + more, when(conversation.used_at)]
    facts = " · ".join(part for part in parts if part)
    last = conversation.summary or (conversation.last_question if conversation.turns > 1 else "")
    summary = f"<div>{escape(ui.cut(last, _SUMMARY))}</div>" if last else ""
    return f"<div>{escape(facts)}</div>{summary}"


def _turns(conversation: Conversation) -> str:
    return f"{conversation.turns} turn{'' if conversation.turns == 1 else 's'}"


def when(moment: datetime | None, now: datetime | None = None) -> str:
    """When something was, in few words and local time.

    Example:
        >>> noon = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
        >>> when(noon, noon), when(None)
        ('just now', '')
    """
    if moment is None:
        return ""
    now = now or datetime.now(UTC)
    passed = (now - moment).total_seconds()
    if passed < 3600:
        return "just now" if passed < 60 else f"{int(passed // 60)} min ago"
    local = moment.astimezone()
    return f"today {local:%H:%M}" if local.date() == now.astimezone().date() else f"{local.day} {local:%b %Y}"


class Exports:
    """The open conversation as files.

    Attributes:
        widget: What to show.
    """

    def __init__(self, export: Callable[[str], Any], guarded: ui.Guarded) -> None:
        kinds = (
            ("markdown", "Conversation as Markdown", "file-text"),
            ("html", "Conversation as HTML", "file-code"),
            ("csv", "Figures as CSV", "table"),
        )
        self.buttons = {
            kind: ui.button(text, guarded(ui.bound(export, kind)), icon=icon, tooltip=f"Download: {text}")
            for kind, text, icon in kinds
        }
        title = ui.html("<h3>Export</h3>", "drawer-title")
        self.widget = ui.column([title, ui.row(self.buttons.values(), "options")], "drawer exports")


async def exported(kind: str, name: str, answers: Sequence[ShownAnswer]) -> tuple[str, str, str]:
    """A file `"markdown"`, `"html"` or `"csv"`: its name, type and text; made in a thread, as it takes a while.

    Raises:
        InputError: There is nothing to export.
    """
    if not answers:
        raise InputError(NOTHING)
    ending, mime, write = _FORMATS[kind]
    text = await asyncio.to_thread(write, answers)
    return f"{_file_name(name)}.{ending}", f"{mime};charset=utf-8", text


def _figures(answers: Sequence[ShownAnswer]) -> str:
    facts: dict[str, Fact] = {fact.key: fact for answer in answers for fact in answer.facts}
    if not facts:
        raise InputError(NO_FIGURES)
    from finassist.reporting.frames import facts_frame, safe_csv  # pandas: seconds to import

    return safe_csv(facts_frame(facts.values()))


_FORMATS: Final[dict[str, tuple[str, str, Callable[[Sequence[ShownAnswer]], str]]]] = {
    "markdown": ("md", "text/markdown", conversation_markdown),
    "html": ("html", "text/html", conversation_html),
    "csv": ("csv", "text/csv", _figures),
}


def _file_name(name: str) -> str:
    """A name that every file system takes."""
    plain = re.sub(r"[^\w-]+", "-", name, flags=re.ASCII).strip("-").lower()
    return f"finassist-{plain[:50].strip('-') or 'conversation'}"
