"""HTTP clients that keep to our limits, given to a model in the fields that Agno has for a user's own.

So a model object stays what it is. One SDK client serves every event loop: behind it is an HTTP client for each.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any, Final
from weakref import WeakKeyDictionary

from agno.exceptions import ModelAuthenticationError
from agno.models.base import Model

from finassist.core.secrets import HIDDEN, Secrets, redact, redact_error, secrets_of
from finassist.core.text import each_text
from finassist.llm.calls import Limits, current_record
from finassist.llm.transport import AsyncTransport, Caller, SyncTransport, as_one_of

_SDKS: Final = ("anthropic", "openai", "groq", "ollama")
_FORMS: Final = ("client", "async_client")
_clients: WeakKeyDictionary[Any, ThreadClient | LoopClients] = WeakKeyDictionary()
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
            clients.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop, and wait until they are."""
        for clients in self._clients():
            if isinstance(clients, LoopClients):
                await clients.aclose()

    def _clients(self) -> list[ThreadClient | LoopClients]:
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
        clients = LoopClients(lambda: _async_client(sdk, http))
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
    setattr(model, form, client)


def _sync_client(sdk: Any, http: Any) -> Any:
    return _without_keys_in_logs(
        sdk, getattr(sdk, "DefaultHttpxClient", http.Client)(follow_redirects=False, verify=_trusted(http))
    )


def _async_client(sdk: Any, http: Any) -> Any:
    """Over aiohttp where it can be: at 50 in flight httpx's own pool is several times slower."""
    options = {"follow_redirects": False, "verify": _trusted(http)}
    try:
        client = sdk.DefaultAioHttpClient(**options)
    except (AttributeError, RuntimeError, ImportError):  # the SDK is there, its aiohttp extra is not
        client = getattr(sdk, "DefaultAsyncHttpxClient", http.AsyncClient)(**options)
    return _without_keys_in_logs(sdk, client)


@cache
def _trusted(http: Any) -> Any:
    """The certificates to trust; reading them takes longest of all."""
    return http.create_ssl_context()


def _library(kind: type[Any]) -> Any:
    """`httpx` or `httpx2`: which of them an SDK's client is built on."""
    packages = (each.__module__.partition(".")[0] for each in kind.__mro__)
    return sys.modules[next(name for name in packages if name.startswith("httpx"))]


# ------------------------------------------------------------------------------- clients of threads and loops


class ThreadClient:
    """A sync client, shared by all threads; made on first use, closed with this object."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._lock, self._client = make, threading.Lock(), None

    def here(self) -> Any:
        """The client."""
        with self._lock:
            if self._client is None:
                self._client = client = self._make()
                weakref.finalize(self, client.close)
            return self._client

    def close(self) -> None:
        """Close it; the next use opens a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


class LoopClients:
    """Async clients, each of which belongs to one event loop.

    A model is asked from several: that of the user, one for each `asyncio.run` of a script, and the private one on
    which summaries are written. A client is closed when its loop ends, or this object is dropped.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._opened: dict[asyncio.AbstractEventLoop, _Opened] = {}
        weakref.finalize(self, _close_all, self._opened).atexit = False

    async def here(self) -> Any:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._opened:
            for ended in [each for each in list(self._opened) if each.is_closed()]:
                del self._opened[ended]
            guard = _closing_with_its_loop(self._make())
            self._opened[loop] = await anext(guard), guard
        return self._opened[loop][0]

    def close(self) -> None:
        """Close every client on its own loop, as soon as that gets to it."""
        _close_all(self._opened)

    async def aclose(self) -> None:
        """Close the client of the running loop, and wait until it is."""
        if opened := self._opened.pop(asyncio.get_running_loop(), None):
            await opened[1].aclose()


type _Opened = tuple[Any, AsyncGenerator[Any]]
_closing: set[asyncio.Task[None]] = set()  # asyncio holds tasks weakly


async def _closing_with_its_loop(client: Any) -> AsyncGenerator[Any]:
    """A loop closes, at its end, every async generator that is still open."""
    try:
        yield client
    finally:
        await client.aclose()


def _close_all(opened: dict[asyncio.AbstractEventLoop, _Opened]) -> None:
    """Called in any thread, also by a finalizer."""
    while opened:
        loop, (_, guard) = opened.popitem()
        with suppress(RuntimeError):  # the loop has ended, and has closed the client
            loop.call_soon_threadsafe(_begin_closing, guard)


def _begin_closing(guard: AsyncGenerator[Any]) -> None:
    task = asyncio.get_running_loop().create_task(_close(guard), name="finassist-close")
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def _close(guard: AsyncGenerator[Any]) -> None:
    with suppress(RuntimeError):  # the loop is closing it at this moment
        await guard.aclose()
