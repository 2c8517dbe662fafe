"""Keys that are typed: each goes in one message into memory, and is in no widget's state and in no notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import anywidget
import traitlets
from pydantic import SecretStr

from finassist.config.settings import KEYS, Settings
from finassist.config.sources import variable_of

OWNERS: Final[Mapping[str, str]] = {
    "fmp_api_key": "Financial Modeling Prep",
    "financial_datasets_api_key": "Financial Datasets",
    "anthropic_api_key": "Anthropic",
    "openai_api_key": "OpenAI",
    "groq_api_key": "Groq",
}


class KeyFields(anywidget.AnyWidget):
    """One password field a key, and beside it whether there is one and where it came from.

    Args:
        receive: Is given the messages of the fields, which no trait ever holds.
    """

    _esm = Path(__file__).with_name("keys.js")
    lines: Any = cast("Any", traitlets.List()).tag(sync=True)

    def __init__(self, receive: Callable[[Any, dict[str, Any], Any], None]) -> None:
        super().__init__()
        self.on_msg(receive)  # pyright: ignore[reportUnknownMemberType]


def key_states(settings: Settings, typed: Mapping[str, SecretStr], waiting: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the fields show of each key: never the key.

    Args:
        settings: In use now.
        typed: Keys typed into this panel and in use.
        waiting: Keys typed and not yet in use, or `None` for one to be forgotten.
    """
    return [_state(name, settings, typed, waiting) for name in KEYS]


def _state(name: str, settings: Settings, typed: Mapping[str, SecretStr], waiting: Mapping[str, Any]) -> dict[str, Any]:
    there = getattr(settings, name) is not None
    words = f"set ({settings.origin(name)})" if there else f"not set ({variable_of(name)})"
    if name in typed:
        words = "set here, in memory only"
    if name in waiting:
        words = "taken; Apply uses it" if waiting[name] is not None else "Apply forgets it"
    given = waiting[name] is not None if name in waiting else there
    forget = name in waiting or name in typed
    return {"name": name, "label": OWNERS.get(name, name), "state": words, "set": given, "forget": forget}
