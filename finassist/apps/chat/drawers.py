"""The drawers of a panel: past conversations, the open one as files, and the settings of a copy of the workflow."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import SecretStr

from finassist.answer import Answer
from finassist.apps.chat import widgets as ui
from finassist.apps.live.view import discard
from finassist.config.settings import KEYS, ROUTINGS, Routing
from finassist.config.sources import variable_of
from finassist.core.errors import InputError
from finassist.core.facts import Fact
from finassist.llm import MODELS
from finassist.llm.offline import OfflineModel
from finassist.providers.embedded import EmbeddedProvider
from finassist.providers.registry import AUTO, SOURCES
from finassist.reporting.html import conversation_html
from finassist.reporting.markdown import conversation_markdown
from finassist.reporting.sanitize import escape
from finassist.runtime.base import Assistant, changed_settings
from finassist.sessions.history import LONGEST_NAME, Conversation

AT_ONCE: Final = 15
"""Conversations listed at first, and more at each request."""

NOTHING: Final = "There is nothing to export yet. Ask something first."
NO_FIGURES: Final = "This conversation has no figures yet. Ask about a company, then export its data."
UNCHANGED: Final = "as given"
"""Stands for a model or source object that was handed to the workflow, and has no name to choose it by."""

OWNERS: Final[Mapping[str, str]] = {
    "fmp_api_key": "Financial Modeling Prep",
    "financial_datasets_api_key": "Financial Datasets",
    "anthropic_api_key": "Anthropic",
    "openai_api_key": "OpenAI",
    "groq_api_key": "Groq",
}

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
    """Past conversations, one line each, `limit` at most."""

    def __init__(self, actions: Actions, guarded: ui.Guarded) -> None:
        self._actions, self._guarded = actions, guarded
        self._list = ui.column(classes="sessions")
        self.lines: list[SessionLine] = []
        self.limit = AT_ONCE
        self.older = ui.button("Older conversations", guarded(self._show_older), classes="quiet")
        title = ui.html("<h3>Conversations</h3>", "drawer-title")
        self.widget = ui.column([title, self._list, self.older], "drawer picker")

    def show(self, conversations: Sequence[Conversation], current: str) -> None:
        """List these, and mark the one that is open; a line that says the same already stays, with what it asks."""
        there = {(line.conversation, line.current): line for line in self.lines}
        self.lines = [
            there.get((each, each.session_id == current)) or self._line(each, each.session_id == current)
            for each in conversations
        ]
        for line in self.lines:
            line.tell_age()
        old = self._list.children
        nothing = ui.html("<span>No conversation has been stored yet.</span>", "dim")
        self._list.children = [line.widget for line in self.lines] or [nothing]
        ui.show(self.older, len(conversations) >= self.limit)
        for widget in set(old).difference(self._list.children):
            discard(widget)

    def _line(self, conversation: Conversation, current: bool) -> SessionLine:
        return SessionLine(conversation, current, self._actions, self._cancel, self._guarded)

    def _cancel(self) -> None:
        """One line at a time asks something."""
        for line in self.lines:
            line.cancel()

    def _show_older(self, *_: Any) -> Any:
        self.limit += AT_ONCE
        return self._actions.refresh()


class SessionLine:
    """One conversation of the list."""

    def __init__(
        self,
        conversation: Conversation,
        current: bool,
        actions: Actions,
        cancel_all: Callable[[], None],
        guarded: ui.Guarded,
    ) -> None:
        self.conversation, self.current = conversation, current
        self._actions, self._cancel_all, self._guarded = actions, cancel_all, guarded
        name, opening = ui.cut(conversation.name, _LABEL), guarded(actions.open, conversation.session_id)
        self.open = ui.button(name, opening, tooltip=f"Open: {name}", classes="session-name")
        self.rename = ui.button("", guarded(self._ask_name), icon="pencil", tooltip=f"Rename: {name}", classes="icon")
        self.delete = ui.button("", guarded(self._ask_again), icon="trash", tooltip=f"Delete: {name}", classes="icon")
        head = ui.row([self.open, self.rename, self.delete], "session-head")
        self._below = ui.column(classes="session-below")
        ui.show(self._below, False)
        self._about = ui.html(classes="session-about")
        self.widget = ui.column([head, self._about, self._below], "session session-current" if current else "session")

    def tell_age(self) -> None:
        """Say what the conversation is about and how long ago it was used."""
        self._about.value = _about(self.conversation, self.current)

    def _ask_name(self, *_: Any) -> None:
        given = self.conversation.name if self.conversation.named else ""
        self.name = ui.text_field(label="Name of this conversation", value=given, classes="here")
        self.save = ui.button("Save", self._guarded(self._save), classes="primary")
        self._ask(self.name, self.save, ui.button("Cancel", self._guarded(self._cancel), classes="quiet"))

    async def _save(self, *_: Any) -> None:
        await self._actions.rename(self.conversation.session_id, str(self.name.value)[:LONGEST_NAME])
        self.cancel()  # where the name is the same, this line stays

    def _ask_again(self, *_: Any) -> None:
        words = f"Delete it with its {_turns(self.conversation)}? This cannot be undone."
        delete = self._guarded(self._actions.delete, self.conversation.session_id)
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
            discard(widget)

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


# ---------------------------------------------------------------------------------------------- exports


class Exports:
    """The open conversation as files."""

    def __init__(self, export: Callable[[str], Any], guarded: ui.Guarded) -> None:
        self.buttons = {
            kind: ui.button(text, guarded(export, kind), icon=icon, tooltip=f"Download: {text}")
            for kind, (text, icon, _, _) in _FORMATS.items()
        }
        title = ui.html("<h3>Export</h3>", "drawer-title")
        self.widget = ui.column([title, ui.row(self.buttons.values(), "options")], "drawer exports")


async def exported(kind: str, name: str, answers: Sequence[Answer]) -> dict[str, str]:
    """A file `"markdown"`, `"html"` or `"csv"`, made in a thread, as it takes a while."""
    if not answers:
        raise InputError(NOTHING)
    *_, ending, write = _FORMATS[kind]
    text = await asyncio.to_thread(write, answers)
    return {"name": f"{_file_name(name)}.{ending}", "mime": f"text/{kind};charset=utf-8", "text": text}


def _figures(answers: Sequence[Answer]) -> str:
    facts: dict[str, Fact] = {fact.key: fact for answer in answers for fact in answer.facts}
    if not facts:
        raise InputError(NO_FIGURES)
    from finassist.reporting.files import safe_csv  # pandas: seconds to import
    from finassist.reporting.frames import facts_frame

    return safe_csv(facts_frame(facts.values()))


_FORMATS: Final[Mapping[str, tuple[str, str, str, Callable[[Sequence[Answer]], str]]]] = {
    "markdown": ("Conversation as Markdown", "file-text", "md", conversation_markdown),
    "html": ("Conversation as HTML", "file-code", "html", conversation_html),
    "csv": ("Figures as CSV", "table", "csv", _figures),
}
"""What a button of each kind says and shows, how the name of its file ends, and what writes it."""


def _file_name(name: str) -> str:
    """A name that every file system takes."""
    plain = re.sub(r"[^\w-]+", "-", name, flags=re.ASCII).strip("-").lower()
    return f"finassist-{plain[:50].strip('-') or 'conversation'}"


# --------------------------------------------------------------------------------------------- settings


class SettingsDrawer:
    """The settings on the page, and the variant of the `given` workflow that comes of them; it goes to `use`."""

    def __init__(self, given: Assistant, use: Callable[[Assistant], None], guarded: ui.Guarded) -> None:
        self._given, self._use, self._in_use = given, use, given
        self._typed: dict[str, SecretStr] = {}
        self._applied: dict[str, SecretStr] = {}  # those in use
        # A key that is typed later makes these live; an object that was handed over stays.
        settings, runtime = given.runtime.settings, given.runtime
        auto_model = settings.model == AUTO and type(runtime.model) is OfflineModel
        auto_source = settings.provider == AUTO and type(runtime.provider) is EmbeddedProvider
        self._at_first = (AUTO if auto_model else UNCHANGED, AUTO if auto_source else UNCHANGED)
        self.model = ui.suggestion("Model", MODELS, self._at_first[0], "A name, or openai:<model id>")
        self.provider = ui.suggestion("Data", SOURCES, self._at_first[1], "A name, or several separated by commas")
        self.routing = ui.choice("Routing", ROUTINGS, runtime.routing, "What understands a question")
        self.fields = ui.KeyFields(guarded(self._received))
        self.apply = ui.button("Apply", guarded(self._apply), classes="primary", icon="check")
        self._state = ui.html(classes="dim")
        keys = "<h4>Keys</h4><p>Held in memory until the kernel stops, and never written into the notebook.</p>"
        parts = [
            ui.html("<h3>Settings</h3>", "drawer-title"),
            ui.column([self.model, self.provider, self.routing], "fields"),
            ui.html(keys, "drawer-title"),
            self.fields,
            ui.row([self.apply, self._state], "search-line"),
        ]
        self.widget = ui.column(parts, "drawer settings")

    def show(self) -> None:
        """Show what is in use now, and the state of each key: never the key."""
        runtime = self._in_use.runtime
        words = f"In use: {runtime.model.id} · {runtime.provider.name or runtime.provider.id}"
        self._state.value = f"<span>{escape(words)}</span>"
        self.fields.lines = [self._line(name) for name in KEYS]

    async def _apply(self, *_: Any) -> None:
        """Use what is chosen, from the next question on; if it cannot be used, nothing changes."""
        keys = dict(self._typed)
        model, provider = (str(each.value).strip() or UNCHANGED for each in (self.model, self.provider))
        # In a thread: a model's package may take seconds to import.
        self._in_use = await asyncio.to_thread(self._variant, model, provider, self.routing.value, keys)
        self._applied = keys
        self._use(self._in_use)
        self.show()

    def _variant(self, model: str, provider: str, routing: Routing, keys: Mapping[str, SecretStr]) -> Assistant:
        return self._given.variant(
            settings=changed_settings(self._given.runtime.settings, **keys),
            model=self._unless_kept(model, self._at_first[0], keys),
            provider=self._unless_kept(provider, self._at_first[1], keys),
            routing=routing,
        )

    def _unless_kept(self, chosen: str, at_first: str, keys: Mapping[str, SecretStr]) -> str | None:
        """The name to open, or `None` for what was given, with agents that may have been replaced."""
        return None if chosen == UNCHANGED or (chosen == at_first and not keys) else chosen

    def _received(self, _: Any, message: Mapping[str, Any], *__: Any) -> None:
        name = str(message.get("name", ""))
        if name not in KEYS:
            return
        if message.get("type") == "key":
            self._typed[name] = SecretStr(str(message.get("value", "")).strip())
        else:
            self._typed.pop(name, None)
        self.show()

    def _line(self, name: str) -> dict[str, Any]:
        settings, typed = self._in_use.runtime.settings, name in self._typed
        there = typed or (getattr(settings, name) is not None and name not in self._applied)
        words = f"set ({settings.origin(name)})" if there else f"not set ({variable_of(name)})"
        if self._typed.get(name) is not self._applied.get(name):
            words = "taken; Apply uses it" if typed else "Apply forgets it"
        elif typed:
            words = "set here, in memory only"
        return {"name": name, "label": OWNERS.get(name, name), "state": words, "set": there, "forget": typed}
