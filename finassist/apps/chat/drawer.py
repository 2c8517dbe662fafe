"""Settings of a panel: which model, which data, who decides, how much is shown, and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from finassist.apps.chat.keys import KeyFields, key_states
from finassist.apps.chat.kit import button, choice, column, html, row, suggestion, switch
from finassist.config.choices import MODELS, ROUTINGS, SOURCES
from finassist.config.settings import KEYS, Routing, Settings
from finassist.reporting.html.sanitize import escape

UNCHANGED: Final = "as given"
"""Stands for a model or source object that was handed to the workflow, and has no name to choose it by."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen in the drawer.

    Attributes:
        model: A model's name, or `UNCHANGED`.
        provider: A source's name, or `UNCHANGED`.
        routing: Who decides what is asked.
        keys: Keys that were typed, by setting; `None` for one that is to be forgotten.
    """

    model: str
    provider: str
    routing: Routing
    keys: Mapping[str, SecretStr | None]


class Drawer:
    """The settings of a panel.

    Attributes:
        widget: What to show.
        streaming: Switch: show words as they come.
        steps: Switch: show the intermediate steps.
    """

    def __init__(
        self,
        apply: Callable[..., Any],
        guarded: Callable[[Callable[..., Any]], Callable[..., None]],
        routing: Routing,
    ) -> None:
        self._waiting: dict[str, SecretStr | None] = {}
        self._typed: dict[str, SecretStr] = {}
        self.model = suggestion("Model", MODELS, UNCHANGED, "A name, or openai:<model id>")
        self.provider = suggestion("Data", SOURCES, UNCHANGED, "A name, or several with commas between")
        self.routing = choice("Routing", ROUTINGS, routing, "Who decides what is asked")
        self.streaming = switch("Show words as they come", True, "Streaming")
        self.steps = switch("Show the intermediate steps", True, "The live view of what is being done")
        self.fields = KeyFields(guarded(self._received))
        self.apply = button("Apply", guarded(apply), classes="primary", icon="check")
        self._state = html(classes="dim")
        keys = html("<h4>Keys</h4><p>Kept in memory until the kernel stops; never in the notebook.</p>", "drawer-title")
        self.widget = column(
            [
                html("<h3>Settings</h3>", "drawer-title"),
                column([self.model, self.provider, self.routing], "fields"),
                row([self.streaming, self.steps], "switches"),
                keys,
                self.fields,
                row([self.apply, self._state], "search-line"),
            ],
            "drawer settings",
        )

    def show(self, settings: Settings, in_use: str) -> None:
        """What is in use now, and the state of the keys."""
        self._settings = settings
        self._state.value = f"<span>{escape(in_use)}</span>"
        self._show_keys()

    def choices(self) -> Choices:
        """What is chosen now."""
        model, provider = (str(each.value).strip() or UNCHANGED for each in (self.model, self.provider))
        return Choices(model, provider, self.routing.value, dict(self._waiting))

    def applied(self) -> None:
        """What was typed is in use from now on."""
        for name, key in self._waiting.items():
            if key is None:
                self._typed.pop(name, None)
            else:
                self._typed[name] = key
        self._waiting.clear()

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
        self._show_keys()

    def _show_keys(self) -> None:
        self.fields.lines = key_states(self._settings, self._typed, self._waiting)
