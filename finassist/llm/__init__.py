"""From a name to a model: `"anthropic"`, `"openai:<model id>"`, `"offline"`, `"auto"`, or any Agno model object."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final, cast

from agno.models.base import Model
from agno.models.utils import MODEL_PROVIDER_CLASSES, get_model

from finassist.config.settings import Settings
from finassist.core.errors import ConfigurationError, MissingExtra, UnknownModel
from finassist.llm.calls import Limits
from finassist.llm.connections import connect, hide_keys
from finassist.llm.offline import OfflineModel


@dataclass(frozen=True, slots=True)
class ModelProvider:
    """How one provider of language models is reached."""

    name: str  # what it is called here; also the name of the extra that installs its SDK
    default_id: str  # the model that the name alone stands for
    module: str  # Agno's module
    class_name: str  # Agno's model class in it
    key: str | None  # variable its key is read from, or `None` where it needs none

    def installed(self) -> bool:
        """Whether its SDK is."""
        return find_spec(self.name) is not None

    def model_class(self) -> type[Model]:
        """Agno's class.

        Raises:
            ImportError: The SDK is not installed.
        """
        return getattr(import_module(self.module), self.class_name)


_ROWS: Final = (
    # Agno's own default ids of 2026-11. With openai it is Chat Completions, which every compatible server speaks.
    ModelProvider("anthropic", "claude-sonnet-5-5", "agno.models.anthropic", "Claude", "ANTHROPIC_API_KEY"),
    ModelProvider("openai", "gpt-5.4-mini", "agno.models.openai", "OpenAIChat", "OPENAI_API_KEY"),
    ModelProvider("groq", "openai/gpt-oss-120b", "agno.models.groq", "Groq", "GROQ_API_KEY"),
    ModelProvider("ollama", "llama3.1", "agno.models.ollama", "Ollama", None),
)

PROVIDERS: Final[Mapping[str, ModelProvider]] = MappingProxyType({row.name: row for row in _ROWS})
"""Every model provider with a name of its own, in the order in which `"auto"` looks for a key."""

MODELS: Final = ("auto", "offline", *PROVIDERS)
"""What a page offers to choose from."""


type ModelChoice = str | Model | Sequence[str | Model]
"""A model, by name or as an object; or several: each is a fallback for those before it."""

_NO_KEY: Final = "none"
"""An SDK wants some key, also for a server on this machine that looks at none."""

_log = logging.getLogger("finassist")


def resolve_model(
    model: ModelChoice | None = None,
    settings: Settings | None = None,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
) -> Model:
    """The model a user asked for; the offline model when they did not.

    A model object is taken as it is; see `connect`.

    Args:
        model: `"offline"`; `"anthropic"`, `"openai"`, `"groq"` or `"ollama"` for the provider's usual model;
            `"openai:<model id>"` for another, with any provider Agno has; `"auto"` for the first whose key is set;
            an Agno model object; a list of these: each is tried when those before it are overloaded, out of
            reach or too slow; or `None`.
        settings: Where keys, timeouts and limits come from; by default from the environment and `.env`.
        api_key: The key, instead of the one of the settings.
        base_url: Where the server is, instead of that of the settings; one that needs no key gets none.

    Raises:
        UnknownModel: There is no such model; the message lists what there is.
        MissingExtra: The provider's SDK is not installed; the message says how to install it.
        ConfigurationError: The provider needs a key and there is none; the message names its variable.

    Example:
        >>> resolve_model().id, resolve_model("offline").id
        ('offline', 'offline')
    """
    if model is None:
        return OfflineModel()
    settings = settings or Settings()
    several = isinstance(model, Sequence) and not isinstance(model, str | Model)
    chosen: list[Any] = list(cast("Sequence[Any]", model)) if several else [model]
    if not chosen:
        raise UnknownModel(f"The list of models is empty. {_choices()}")
    fallbacks: list[str] = [] if several else settings.fallback_models.replace(",", " ").split()
    asked = _Asked(settings, Limits.of(settings), api_key, base_url)
    first, *others = [_resolved(each, asked) for each in (*chosen, *fallbacks)]
    if others:
        vars(first)["fallbacks"] = tuple(others)
    return first


@dataclass(frozen=True)
class _Asked:
    """How a model is to be reached."""

    settings: Settings
    limits: Limits
    api_key: str | None
    base_url: str | None


def _resolved(model: Any, asked: _Asked) -> Model:
    if isinstance(model, Model):
        return hide_keys(model)  # its clients are made when it is asked
    return connect(_from_name(model, asked), asked.limits)


def _from_name(name: Any, asked: _Asked) -> Model:
    if not isinstance(name, str):
        raise UnknownModel(f"A model is a name or an Agno model object, not {type(name).__name__}. {_choices()}")
    plain = name.strip().casefold()
    if plain == "offline":
        return OfflineModel()
    if plain == "auto":
        return _first_with_a_key(asked)
    provider, colon, model_id = (part.strip() for part in name.partition(":"))
    known = provider.casefold()
    if known in PROVIDERS and (model_id or not colon):
        return _ours(PROVIDERS[known], model_id, asked)
    if known not in MODEL_PROVIDER_CLASSES:
        raise UnknownModel(f"There is no model named {name[:80]!r}.{_meant(known, colon + model_id)} {_choices()}")
    if not model_id:
        raise UnknownModel(f'With {known!r} a model id is needed too: "{known}:<model id>". {_choices()}')
    return _agnos(known, model_id)


def _first_with_a_key(asked: _Asked) -> Model:
    for provider in PROVIDERS.values():
        if asked.settings.key(provider.name):
            if provider.installed():
                return _ours(provider, "", asked)
            _log.warning("%s is set, but %s", provider.key, _how_to_install(provider.name))
    return OfflineModel()


def _ours(provider: ModelProvider, model_id: str, asked: _Asked) -> Model:
    try:
        kind: Any = provider.model_class()
    except ImportError as error:
        raise MissingExtra(_how_to_install(provider.name)) from error
    base_url = asked.base_url or (asked.settings.openai_base_url if provider.name == "openai" else None)
    key = asked.api_key or asked.settings.key(provider.name) or (_NO_KEY if base_url else None)
    if provider.key and not key:
        raise ConfigurationError(
            f"The model provider {provider.name!r} needs a key, and {provider.key} is not set. Set it in the "
            'environment or in .env, or use model="offline", which needs none.'
        )
    more: dict[str, Any] = {"api_key": key} if key else {}
    if base_url:
        where = {"anthropic": "client_params", "ollama": "host"}.get(provider.name, "base_url")
        more[where] = {"base_url": base_url} if where == "client_params" else base_url
    return kind(id=model_id or provider.default_id, **more)


def _agnos(provider: str, model_id: str) -> Model:
    """A model of one of the many other providers Agno has; where its key comes from is Agno's business."""
    try:
        found = get_model(f"{provider}:{model_id}")
    except ImportError as error:
        raise MissingExtra(_how_to_install(provider)) from error
    if found is None:
        raise UnknownModel(f"There is no model of {provider!r} named {model_id[:80]!r}. {_choices()}")
    return found


def _meant(provider: str, rest: str) -> str:
    """` Did you mean …?` with the nearest of our names, else with the nearest of Agno's; nothing if none is near."""
    ours = ["offline", "auto", *PROVIDERS] if rest in ("", ":") else [*PROVIDERS]
    near = get_close_matches(provider, ours, n=1) or get_close_matches(provider, MODEL_PROVIDER_CLASSES, n=1)
    return f' Did you mean "{near[0]}{rest[:80].removesuffix(":")}"?' if near else ""


def _choices() -> str:
    usual = ", ".join(f'"{name}"' for name in PROVIDERS)
    return (
        f'Use "offline", "auto", {usual}, one of these with a model id such as "openai:<model id>", or an Agno model '
        'object. Every other provider of Agno\'s works as "<provider>:<model id>".'
    )


def _how_to_install(provider: str) -> str:
    missing = f"The model provider {provider!r} needs its SDK, which is not installed."
    if provider in PROVIDERS:  # an extra of that name installs it
        return f"{missing} Run: pip install 'finassist[{provider}]'"
    return f"{missing} Install the package that Agno's documentation names for it, or use {', '.join(PROVIDERS)}."
