"""Settings of a panel: model, data source, routing and keys; applied to a copy of the workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import SecretStr

from finassist.apps.chat import widgets as ui
from finassist.apps.chat.composer import KeyFields
from finassist.config.settings import KEYS, ROUTINGS, Routing
from finassist.config.sources import variable_of
from finassist.llm.catalogue import MODELS
from finassist.llm.offline import OfflineModel
from finassist.providers.embedded.provider import EmbeddedProvider
from finassist.providers.registry import AUTO, SOURCES
from finassist.reporting.html.sanitize import escape
from finassist.runtime.context import Assistant, changed_settings

UNCHANGED: Final = "as given"
"""Stands for a model or source object that was handed to the workflow, and has no name to choose it by."""

OWNERS: Final[Mapping[str, str]] = {
    "fmp_api_key": "Financial Modeling Prep",
    "financial_datasets_api_key": "Financial Datasets",
    "anthropic_api_key": "Anthropic",
    "openai_api_key": "OpenAI",
    "groq_api_key": "Groq",
}


class SettingsDrawer:
    """The settings on the page, and the workflow that comes of them.

    Args:
        given: The workflow that was given; it never changes.
        use: Called with the workflow to ask from now on.
        guarded: Makes callbacks.

    Attributes:
        widget: What to show.
    """

    def __init__(self, given: Assistant, use: Callable[[Assistant], None], guarded: ui.Guarded) -> None:
        self._given, self._use, self._in_use = given, use, given
        self._typed: dict[str, SecretStr] = {}  # keys in use
        self._waiting: dict[str, SecretStr | None] = {}  # keys not applied yet; `None`: to be forgotten
        # A key that is typed later makes these live; an object that was handed over stays.
        settings, runtime = given.runtime.settings, given.runtime
        auto_model = settings.model == AUTO and type(runtime.model) is OfflineModel
        auto_source = settings.provider == AUTO and type(runtime.provider) is EmbeddedProvider
        self._at_first = (AUTO if auto_model else UNCHANGED, AUTO if auto_source else UNCHANGED)
        self.model = ui.suggestion("Model", MODELS, self._at_first[0], "A name, or openai:<model id>")
        self.provider = ui.suggestion("Data", SOURCES, self._at_first[1], "A name, or several with commas between")
        self.routing = ui.choice("Routing", ROUTINGS, runtime.routing, "Who decides what is asked")
        self.fields = KeyFields(guarded(self._received))
        self.apply = ui.button("Apply", guarded(self._apply), classes="primary", icon="check")
        self._state = ui.html(classes="dim")
        keys = "<h4>Keys</h4><p>Kept in memory until the kernel stops; never in the notebook.</p>"
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
        applied = dict(self._waiting)
        merged = {**self._typed, **applied}
        keys = {name: key for name, key in merged.items() if key is not None}
        model, provider = (str(each.value).strip() or UNCHANGED for each in (self.model, self.provider))
        # In a thread: a model's package may take seconds to import.
        self._in_use = await asyncio.to_thread(self._variant, model, provider, self.routing.value, keys)
        self._typed = keys
        self._waiting = {name: key for name, key in self._waiting.items() if applied.get(name, "") is not key}
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
            self._waiting[name] = SecretStr(str(message.get("value", "")).strip())
        elif name in self._waiting:
            del self._waiting[name]
        elif name in self._typed:
            self._waiting[name] = None
        self.show()

    def _line(self, name: str) -> dict[str, Any]:
        settings = self._in_use.runtime.settings
        there = getattr(settings, name) is not None
        words = f"set ({settings.origin(name)})" if there else f"not set ({variable_of(name)})"
        if name in self._typed:
            words = "set here, in memory only"
        if name in self._waiting:
            there = self._waiting[name] is not None
            words = "taken; Apply uses it" if there else "Apply forgets it"
        forget = name in self._waiting or name in self._typed
        return {"name": name, "label": OWNERS.get(name, name), "state": words, "set": there, "forget": forget}
