"""From a name to a model: `"anthropic"`, `"openai:<model id>"`, `"offline"`, `"auto"`, or any Agno model object.

A model of a provider we know gets clients of its SDK that keep to our limits and suit any event loop. They are set in
the fields that Agno has for a user's own clients; the model stays what it is.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from agno.exceptions import ModelAuthenticationError
from agno.models.base import Model
from agno.models.utils import MODEL_PROVIDER_CLASSES, get_model

from finassist.core.errors import ConfigurationError, MissingExtra, UnknownModel
from finassist.core.redaction import HIDDEN
from finassist.llm.catalogue import PROVIDERS, ModelProvider
from finassist.llm.limits import Limits
from finassist.llm.offline import OfflineModel
from finassist.llm.transport import Caller, async_guard, sync_guard

type ModelChoice = str | Model | Sequence[str | Model]
"""A model, by name or as an object; or several, of which each stands in for those before it."""

EXTRAS: Final = {name: name for name in PROVIDERS}
"""Provider name to the finassist extra that installs its SDK."""

_log = logging.getLogger("finassist")


def resolve_model(
    model: ModelChoice | None = None,
    settings: Any = None,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
) -> Model:
    """The model a user asked for; the offline model when they did not.

    A model object is taken as it is; see `connect`.

    Args:
        model: `"offline"`; `"anthropic"`, `"openai"`, `"groq"` or `"ollama"` for the provider's usual model;
            `"openai:<model id>"` for another, with any provider Agno has; `"auto"` for the first whose key is set;
            an Agno model object; a list of these, of which each stands in when those before it are overloaded, out of
            reach or too slow; or `None`.
        settings: Where keys, timeouts and limits come from; see `finassist.config.settings.Settings`.
        api_key: The key, instead of one from the settings or the environment.
        base_url: Where an OpenAI-compatible server is.

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
    several = isinstance(model, Sequence) and not isinstance(model, str | Model)
    chosen: list[Any] = list(cast("Sequence[Any]", model)) if several else [model]
    if not chosen:
        raise UnknownModel(f"The list of models is empty. {_choices()}")
    stand_ins = [] if several else _stand_ins(settings)
    options = {"api_key": api_key, "base_url": base_url}
    first, *others = [_resolved(each, settings, options) for each in (*chosen, *stand_ins)]
    if others:
        vars(first)["fallbacks"] = tuple(others)
    return first


def connect(model: Model, limits: Limits) -> Model:
    """Give a model clients that keep to the limits; one that the user gave it stays.

    Its own `timeout`, `max_retries` and `retries` count instead of ours. A model whose provider we do not know is left
    alone.

    Example:
        >>> model = OfflineModel()
        >>> connect(model, Limits()) is model
        True
    """
    provider = _provider_of(type(model))
    if provider is None or getattr(model, "http_client", None) is not None:
        return model
    _hide_keys(model)
    own = getattr(model, "max_retries", None), model.retries
    retries = limits.retries if own == (None, 0) else own[0] or 0
    limits = replace(limits, retries=retries, seconds=getattr(model, "timeout", None) or limits.seconds)
    caller = Caller(model.id, limits, provider.key if type(model) is _class_of(provider) else None)
    with suppress(ModelAuthenticationError):  # no key: Agno raises this again when the model is asked
        for form in ("client", "async_client"):
            if getattr(model, form, None) is None:
                _give_client(model, form, import_module(provider.name), caller)
    return model


def fit(agent: Any, limits: Limits) -> None:
    """`connect` the models of an agent just before it is asked: a user may have replaced it or them."""
    fallbacks: Any = getattr(getattr(agent, "fallback_config", None), "on_error", None) or ()
    for model in (getattr(agent, "model", None), *fallbacks):
        if isinstance(model, Model):
            connect(model, limits)


class Connections:
    """What a model holds open. Closed, it can still be asked: it connects again."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def close(self) -> None:
        """Close connections; those of a loop that runs elsewhere as soon as it gets to it."""
        for clients in self._clients():
            clients.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop, and wait until they are."""
        for clients in self._clients():
            if hasattr(clients, "aclose"):
                await clients.aclose()

    def _clients(self) -> list[Any]:
        made = (getattr(self._model, form, None) for form in ("client", "async_client"))
        return [_GUARDS[client].clients for client in made if client is not None and client in _GUARDS]


_GUARDS: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""Each SDK client we made, with its transport."""


class _HiddenKey(str):
    """A key that no `repr` shows and no pickle takes along; without one, an SDK reads the environment."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()

    def __deepcopy__(self, memo: Any) -> _HiddenKey:
        return self


def _hide_keys(model: Model) -> Model:
    for name in ("api_key", "auth_token"):
        if isinstance(key := getattr(model, name, None), str):
            setattr(model, name, _HiddenKey(key))
    return model


def _give_client(model: Any, form: str, sdk: Any, caller: Caller) -> None:
    """A client as Agno makes it from the model's fields, over our transport. A copy makes it: Agno keeps what it made.

    `ollama` takes the transport itself, the other SDKs a client of httpx around it.
    """
    sync, default = form == "client", getattr(sdk, "DefaultHttpxClient", None)
    http = sys.modules[_package(default)] if default else import_module("httpx")
    make = (lambda: _sync_client(sdk, http)) if sync else (lambda: _async_client(sdk, http))
    guard = (sync_guard if sync else async_guard)(http, make, caller)
    options: dict[str, Any] = {"timeout": caller.limits.seconds}
    if default is None:
        options["transport"] = guard
    else:
        outer = http.Client if sync else http.AsyncClient
        options |= {"http_client": outer(transport=guard), "max_retries": caller.limits.retries}
    twin = copy(model)
    twin.client_params = {**(getattr(model, "client_params", None) or {}), **options}
    client = twin.get_client() if sync else twin.get_async_client()
    _GUARDS[client] = guard
    setattr(model, form, client)


def _sync_client(sdk: Any, http: Any) -> Any:
    return getattr(sdk, "DefaultHttpxClient", http.Client)(follow_redirects=False, verify=_trusted(http))


def _async_client(sdk: Any, http: Any) -> Any:
    """Over aiohttp where it can be: at 50 in flight httpx's own pool is several times slower."""
    options = {"follow_redirects": False, "verify": _trusted(http)}
    try:
        return sdk.DefaultAioHttpClient(**options)
    except (AttributeError, RuntimeError, ImportError):  # the SDK is there, its aiohttp extra is not
        return getattr(sdk, "DefaultAsyncHttpxClient", http.AsyncClient)(**options)


@cache
def _trusted(http: Any) -> Any:
    """The certificates to trust; reading them takes longest of all."""
    return http.create_ssl_context()


def _package(kind: type[Any]) -> str:
    """`"httpx"` or `"httpx2"`: which of them an SDK's client is built on."""
    packages = (each.__module__.partition(".")[0] for each in kind.__mro__)
    return next(name for name in packages if name.startswith("httpx"))


def _provider_of(kind: type[Model]) -> ModelProvider | None:
    """The provider whose SDK such a model uses as Agno's own class does: one client in each of two fields."""
    method = getattr(kind, "get_async_client", None)
    known = ((row, getattr(_class_of(row), "get_async_client", None)) for row in PROVIDERS.values())
    return next((row for row, theirs in known if method is not None and method is theirs), None)


def _class_of(row: ModelProvider) -> Any:
    """Agno's class, if it is imported already; a model object's own class surely is."""
    return getattr(sys.modules.get(row.module), row.class_name, None)


def _stand_ins(settings: Any) -> list[str]:
    listed: Any = getattr(settings, "fallback_models", None) or ()
    return [name for each in (listed.split(",") if isinstance(listed, str) else listed) if (name := each.strip())]


def _resolved(model: Any, settings: Any, options: dict[str, str | None]) -> Model:
    limits = Limits.of(settings)
    if isinstance(model, Model):
        return _hide_keys(model)  # its clients are made when it is asked
    return connect(_from_name(model, settings, options), limits)


def _from_name(name: Any, settings: Any, options: dict[str, str | None]) -> Model:
    if not isinstance(name, str):
        raise UnknownModel(f"A model is a name or an Agno model object, not {type(name).__name__}. {_choices()}")
    plain = name.strip().casefold()
    if plain == "offline":
        return OfflineModel()
    if plain == "auto":
        return _first_with_a_key(settings, options)
    provider, colon, model_id = (part.strip() for part in name.partition(":"))
    known = provider.casefold()
    if known in PROVIDERS and (model_id or not colon):
        return _ours(PROVIDERS[known], model_id, settings, options)
    if known not in MODEL_PROVIDER_CLASSES:
        raise UnknownModel(f"There is no model named {name[:80]!r}.{_meant(known, colon + model_id)} {_choices()}")
    if not model_id:
        raise UnknownModel(f'With {known!r} a model id is needed too: "{known}:<model id>". {_choices()}')
    return _agnos(known, model_id)


def _first_with_a_key(settings: Any, options: dict[str, str | None]) -> Model:
    for provider in PROVIDERS.values():
        if provider.key is None or not _key(provider, settings):
            continue
        if provider.installed():
            return _ours(provider, "", settings, options)
        _log.warning("%s is set, but %s", provider.key, _how_to_install(provider.name))
    return OfflineModel()


def _ours(provider: ModelProvider, model_id: str, settings: Any, options: dict[str, str | None]) -> Model:
    try:
        kind: Any = provider.model_class()
    except ImportError as error:
        raise MissingExtra(_how_to_install(provider.name)) from error
    key = options["api_key"] or _key(provider, settings)
    if provider.key and not key:
        raise ConfigurationError(
            f"The model provider {provider.name!r} needs a key, and {provider.key} is not set. Set it in the "
            'environment or in .env, or use model="offline", which needs none.'
        )
    where = "host" if provider.name == "ollama" else "base_url"
    if provider.name == "anthropic" and options["base_url"]:
        more: dict[str, Any] = {"client_params": {"base_url": options["base_url"]}}
    else:
        more = {where: options["base_url"]} if options["base_url"] else {}
    return kind(id=model_id or provider.default_id, **({"api_key": key} if key else {}), **more)


def _key(provider: ModelProvider, settings: Any) -> str | None:
    """From the settings, which read the environment and `.env`; without settings from the environment."""
    if provider.key is None:
        return None
    if settings is not None and hasattr(settings, "key"):
        return settings.key(provider.name)
    return os.environ.get(provider.key, "").strip() or None


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
    if provider in EXTRAS:
        return f"{missing} Run: pip install 'finassist[{EXTRAS[provider]}]'"
    return f"{missing} Install the package that Agno's documentation names for it, or use {', '.join(EXTRAS)}."
