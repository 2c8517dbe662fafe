"""From a name to a model: `"offline"`, `"provider:model-id"`, or any Agno model object."""

from __future__ import annotations

from typing import Any

from agno.models.base import Model
from agno.models.utils import MODEL_PROVIDER_CLASSES, get_model

from finassist.errors import MissingExtra, UnknownModel
from finassist.llm.offline import OfflineModel

EXTRAS = {"anthropic": "anthropic", "openai": "openai", "groq": "groq", "ollama": "ollama"}
"""Agno's provider name to the finassist extra that installs its SDK."""


def resolve_model(model: str | Model | None = None) -> Model:
    """The model a user asked for; the offline model when they did not.

    Args:
        model: `"offline"`, a string such as `"anthropic:<model id>"` with any provider Agno has, an Agno
            model object, or `None`.

    Raises:
        UnknownModel: no such model; the message lists what there is.
        MissingExtra: the provider's SDK is not installed; the message says how to install it.

    Example:
        >>> resolve_model().id, resolve_model("offline").id
        ('offline', 'offline')
    """
    if isinstance(model, Model):
        return model
    if model is None:
        return OfflineModel()
    return _from_name(model)


def _from_name(name: Any) -> Model:
    if not isinstance(name, str):
        raise UnknownModel(f"A model is a name or an Agno model object, not {type(name).__name__}. {_choices()}")
    if name.strip().casefold() == "offline":
        return OfflineModel()
    provider, _, model_id = (part.strip() for part in name.partition(":"))
    if not model_id or provider.casefold() not in MODEL_PROVIDER_CLASSES:
        raise UnknownModel(f"There is no model named {name[:80]!r}. {_choices()}")
    try:
        found = get_model(f"{provider.casefold()}:{model_id}")
    except ImportError as error:
        raise MissingExtra(_how_to_install(provider.casefold())) from error
    if found is None:
        raise UnknownModel(f"There is no model named {name[:80]!r}. {_choices()}")
    return found


def _choices() -> str:
    usual = ", ".join(f'"{provider}:<model id>"' for provider in EXTRAS)
    rest = ", ".join(sorted(set(MODEL_PROVIDER_CLASSES) - set(EXTRAS)))
    return (
        f'Use "offline", {usual}, an Agno model object, or "<provider>:<model id>" with one of Agno\'s other '
        f"providers: {rest}."
    )


def _how_to_install(provider: str) -> str:
    missing = f"The model provider {provider!r} needs its SDK, which is not installed."
    extra = EXTRAS.get(provider)
    if extra:
        return f"{missing} Run: pip install 'finassist[{extra}]'"
    return f"{missing} Install the package that Agno's documentation names for it, or use {', '.join(EXTRAS)}."
