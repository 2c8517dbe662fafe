"""Models within our limits: on HTTP clients that keep to them, with caps on the tokens and the tool calls of a reply.

Clients are given to a model in the fields that Agno has for a user's own, so a model object stays what it is. One SDK
client serves every event loop: behind it is an HTTP client for each. Caps are set on copies: the agent and its models
are the user's.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from agno.agent import Agent
from agno.exceptions import ModelAuthenticationError, ModelProviderError
from agno.models.base import Model

from finassist.core.secrets import HIDDEN, Secrets, each_text, redact, redact_error, secrets_of
from finassist.core.text import visible
from finassist.llm.calls import Failure, Limits, current_record
from finassist.llm.transport import AsyncTransport, Caller, SyncTransport, as_one_of
from finassist.providers.http import PerLoop

_SDKS: Final = ("anthropic", "openai", "groq", "ollama")
_FORMS: Final = ("client", "async_client")
_clients: WeakKeyDictionary[Any, ThreadClient | PerLoop[Any]] = WeakKeyDictionary()
"""Each SDK client we made, with the HTTP clients behind it."""


def connect(model: Model, limits: Limits) -> Model:
    """Give a model clients that keep to the limits; one that the user gave it stays.

    Its own `timeout`, `max_retries` and `retries` count instead of ours. A model of an SDK we do not know is left
    alone.

    Example:
        >>> from finassist.llm.offline import OfflineModel
        >>> model = OfflineModel()
        >>> connect(model, Limits()) is model
        True
    """
    sdk = _sdk_of(model)
    if sdk is None or getattr(model, "http_client", None) is not None:
        return model
    hide_keys(model)
    own = getattr(model, "max_retries", None), model.retries
    retries = limits.retries if own == (None, 0) else own[0] or 0
    limits = replace(limits, retries=retries, seconds=getattr(model, "timeout", None) or limits.seconds)
    is_agnos = "get_async_client" in vars(type(model))  # a compatible server has a key of its own
    caller = Caller(model.id, limits, f"{sdk.upper()}_API_KEY" if is_agnos else None)
    with suppress(ModelAuthenticationError):  # no key: Agno raises this again when the model is asked
        for form in _FORMS:
            if getattr(model, form, None) is None:
                _give_client(model, form, import_module(sdk), caller)
    return model


class Connections:
    """What a model holds open. Closed, it can still be asked: it connects again."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def close(self) -> None:
        """Close connections; those of a loop that runs elsewhere as soon as it gets to it."""
        for clients in self._clients():
            clients.close_all()

    async def aclose(self) -> None:
        """Close the connections of the running loop, and wait until they are."""
        for clients in self._clients():
            if isinstance(clients, PerLoop):
                await clients.close_here()

    def _clients(self) -> list[ThreadClient | PerLoop[Any]]:
        made = (getattr(self._model, form, None) for form in _FORMS)
        return [_clients[client] for client in made if client is not None and client in _clients]


class _HiddenKey(str):
    """A key, or an address with one, that no `repr` shows and no pickle takes along; without it, an SDK has its own."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()

    def __deepcopy__(self, memo: Any) -> _HiddenKey:
        return self


def hide_keys(model: Model) -> Model:
    """The same model, whose keys no `repr` shows, wherever it has them: in a field, in headers, in an address."""
    for name, value in list(vars(model).items()):
        if isinstance(value, str | dict | list) and (secrets := secrets_of({name: value})):
            setattr(model, name, _hidden(value, secrets))
    return model


def _hidden(thing: Any, secrets: Secrets) -> Any:
    return each_text(thing, lambda text: text if redact(text, secrets) == text else _HiddenKey(text))


class _NoKeys(logging.Filter):
    """What an SDK and its HTTP client log of a request of ours has no key in it, also where a server repeats one."""

    def filter(self, record: logging.LogRecord) -> bool:
        if secrets := current_record().secrets:
            said = record.getMessage()
            if (clean := redact(said, secrets)) != said:
                record.msg, record.args = clean, None
            if record.exc_info and record.exc_info[1]:
                redact_error(record.exc_info[1], secrets)
        return True


_no_keys: Final = _NoKeys()


def _without_keys_in_logs(sdk: Any, client: Any) -> Any:
    """The client; making it has imported whatever logs of it."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0].startswith(("httpx", "httpcore", sdk.__name__)):
            logging.getLogger(name).addFilter(_no_keys)
    return client


def _sdk_of(model: Model) -> str | None:
    """The SDK whose clients Agno's class makes for this model, if it is one of those we know."""
    method = getattr(type(model), "get_async_client", None)
    module = getattr(method, "__module__", "").split(".")
    return next((sdk for sdk in _SDKS if module[:3] == ["agno", "models", sdk]), None)


def _give_client(model: Any, form: str, sdk: Any, caller: Caller) -> None:
    """A client as Agno makes it from the model's fields, over our transport. A copy makes it: Agno keeps what it made.

    `ollama` takes the transport itself, the other SDKs a client of httpx around it.
    """
    default = getattr(sdk, "DefaultHttpxClient", None)
    http = _library(default) if default else import_module("httpx")
    if form == "client":
        clients = ThreadClient(lambda: _sync_client(sdk, http))
        ours, outer = as_one_of(SyncTransport, http.BaseTransport), http.Client
    else:
        clients = PerLoop(lambda: _async_client(sdk, http))
        ours, outer = as_one_of(AsyncTransport, http.AsyncBaseTransport), http.AsyncClient
    transport = ours(http, caller, clients.here)
    options: dict[str, Any] = {"timeout": caller.limits.seconds}
    if default:
        options |= {"http_client": outer(transport=transport), "max_retries": caller.limits.retries}
    else:
        options["transport"] = transport
    twin = copy(model)
    twin.client_params = {**(getattr(model, "client_params", None) or {}), **options}
    client = twin.get_client() if form == "client" else twin.get_async_client()
    _clients[client] = clients
    weakref.finalize(client, clients.close_all).atexit = form == "client"
    setattr(model, form, client)


def _sync_client(sdk: Any, http: Any) -> Any:
    return _without_keys_in_logs(
        sdk, getattr(sdk, "DefaultHttpxClient", http.Client)(follow_redirects=False, verify=_trusted(http))
    )


async def _async_client(sdk: Any, http: Any) -> AsyncGenerator[Any]:
    """A client of one loop, over aiohttp where it can be: at 50 in flight httpx's own pool is several times slower."""
    options = {"follow_redirects": False, "verify": _trusted(http)}
    try:
        client = sdk.DefaultAioHttpClient(**options)
    except (AttributeError, RuntimeError, ImportError):  # the SDK is there, its aiohttp extra is not
        client = getattr(sdk, "DefaultAsyncHttpxClient", http.AsyncClient)(**options)
    try:
        yield _without_keys_in_logs(sdk, client)
    finally:
        await client.aclose()


@cache
def _trusted(http: Any) -> Any:
    """The certificates to trust; reading them takes longest of all."""
    return http.create_ssl_context()


def _library(kind: type[Any]) -> Any:
    """`httpx` or `httpx2`: which of them an SDK's client is built on."""
    packages = (each.__module__.partition(".")[0] for each in kind.__mro__)
    return sys.modules[next(name for name in packages if name.startswith("httpx"))]


# ------------------------------------------------------------------------------------------ clients of threads


class ThreadClient:
    """A sync client, shared by all threads; made on first use."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._lock, self._client = (
            make,
            threading.RLock(),
            None,
        )  # a finalizer may run in the middle of anything

    def here(self) -> Any:
        """The client."""
        with self._lock:
            if self._client is None:
                self._client = self._make()
            return self._client

    def close_all(self) -> None:
        """Close it; the next use opens a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


# ------------------------------------------------------------------------------------------------- caps

TOKENS: Final[Mapping[str, int]] = {
    "router": 400, "symbol_extraction": 400, "summary": 300, "narration": 400, "chat": 1500,
}  # fmt: skip
"""The most that a reply of each agent needs; a user's own lower limit counts instead."""

_THINKING: Final = 4000
"""Tokens on top for a model that thinks before it replies: its thoughts count as its reply."""
_THINKS: Final = re.compile(r"(^|[/:])(o\d|gpt-5|gpt-oss|qwen3)|think|reason|magistral|\br1\b", re.IGNORECASE)
_FIELDS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_UNOFFERED: Final = 2
_CALLS_A_ROUND: Final = 5
"""On average: a reply may call several tools at once."""


def fit(agent: Any, limits: Limits, role: str) -> Any:
    """The agent to ask in this role, on models that keep to the limits; a user may have replaced it or them."""
    config = getattr(agent, "fallback_config", None)
    models = [getattr(agent, "model", None), *(config.on_error if config else ())]
    fitted = [_fitted(model, limits, role) if isinstance(model, Model) else model for model in models]
    if not isinstance(agent, Agent):
        return agent
    twin = copy(agent)
    twin.model = fitted[0]
    if config:
        twin.fallback_config = replace(config, on_error=fitted[1:])
    return twin


def _fitted(model: Model, limits: Limits, role: str) -> Model:
    model = connect(model, limits)
    counted = _counted(model.get_function_calls_to_run, limits.rounds)
    if not any(hasattr(model, name) for name in (*_FIELDS, "options")):
        return _sharing(model, get_function_calls_to_run=staticmethod(counted))
    twin = copy(model)
    if role in TOKENS:
        _cap(twin, TOKENS[role])
    vars(twin)["get_function_calls_to_run"] = counted
    return twin


def _sharing(model: Model, **methods: Any) -> Model:
    """A model of a class of the user's own with other methods; what it keeps of its calls is in the user's object."""
    kind = type(model)
    twin = object.__new__(type(kind.__name__, (kind,), methods))
    twin.__dict__ = vars(model)
    return twin


def _cap(model: Any, tokens: int) -> None:
    """Allow the model so many tokens, in the field that its SDK has for it; what the user wrote there may be less."""
    params = _mapping(getattr(model, "request_params", None)) or {}
    fields = [name for name in _FIELDS if hasattr(model, name)]
    most = tokens + _thoughts(model)
    if any(name in params for name in _FIELDS):
        return
    if fields:
        given = [name for name in fields if getattr(model, name)]
        for name in given or [_field_for(model, fields)]:
            setattr(model, name, min(getattr(model, name) or most, most))
    elif (options := _mapping(getattr(model, "options", most) or {})) is not None:  # Ollama's
        model.options = {**options, "num_predict": min(options.get("num_predict") or most, most)}


def _field_for(model: Any, fields: list[str]) -> str:
    """OpenAI itself refuses the old name for its newer models; servers that speak like it may not know the new one."""
    address = str(getattr(getattr(model, "client", None), "base_url", ""))
    return "max_tokens" if "max_tokens" in fields and "api.openai.com" not in address else fields[0]


def _mapping(thing: Any) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any]", thing) if isinstance(thing, Mapping) else None


def _thoughts(model: Any) -> int:
    thinking = getattr(model, "thinking", None)
    if budget := (_mapping(thinking) or {}).get("budget_tokens"):
        return int(budget)
    thinks: Any = thinking or getattr(model, "reasoning_effort", None) or _THINKS.search(str(model.id))
    return _THINKING if thinks else 0


def _counted(prepare: Callable[..., list[Any]], rounds: int) -> Callable[..., list[Any]]:
    """Agno's look at the tools that a reply calls, which ends a reply that goes on and on.

    A tool that nobody offered is refused by Agno, and the model asked again, without end.
    """
    called, unoffered, tools = 0, 0, 0

    def counted(assistant_message: Any, messages: list[Any], functions: Mapping[str, Any] | None = None) -> list[Any]:
        nonlocal called, unoffered, tools
        calls: list[dict[str, Any]] = assistant_message.tool_calls or []
        names = [str((_mapping(call.get("function")) or {}).get("name")) for call in calls]
        strange = [name for name in names if name not in (functions or {})]
        called, unoffered, tools = called + 1, unoffered + bool(strange), tools + len(calls)
        if unoffered >= _UNOFFERED:
            name = redact(visible(strange[-1]), current_record().secrets)[:40]
            raise _stopped(f"it called a tool that does not exist (“{name}”), and again after a warning")
        if called >= rounds:
            raise _stopped(f"it called tools in more than {rounds} rounds")
        if tools > rounds * _CALLS_A_ROUND:
            raise _stopped(f"it called tools more than {rounds * _CALLS_A_ROUND} times")
        return prepare(assistant_message=assistant_message, messages=messages, functions=functions)

    return counted


def _stopped(text: str) -> ModelProviderError:
    """Agno asks no fallback model after a 400."""
    current_record().failure = Failure("rejected", text)
    return ModelProviderError(text, status_code=400)
