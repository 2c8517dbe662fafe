"""Clients that keep to our limits, for the model of a provider we know.

They are set in the fields that Agno has for a user's own clients, so a model object stays what it is. One client serves
every event loop: its transport keeps a connection pool for each.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from agno.exceptions import ModelAuthenticationError
from agno.models.base import Model

from finassist.core.text import HIDDEN
from finassist.llm.catalogue import PROVIDERS, ModelProvider
from finassist.llm.limits import Limits
from finassist.llm.transport import Caller, guard_classes


def connect(model: Model, limits: Limits) -> Model:
    """Give a model clients that keep to the limits; one that the user gave it stays.

    Its own `timeout`, `max_retries` and `retries` count instead of ours. A model whose provider we do not know is left
    alone.

    Example:
        >>> from finassist.llm.offline import OfflineModel
        >>> model = OfflineModel()
        >>> connect(model, Limits()) is model
        True
    """
    provider = _provider_of(type(model))
    if provider is None or getattr(model, "http_client", None) is not None:
        return model
    hide_keys(model)
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


def hide_keys(model: Model) -> Model:
    """The same model, whose keys no `repr` shows."""
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
    guard = guard_classes(http)[0 if sync else 1](ThreadClient(make) if sync else LoopClients(make), caller)
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
        """Close it; used again, it is made anew."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


class LoopClients:
    """Async clients, each of which belongs to one event loop.

    A model is asked from several: that of the user, one for each `asyncio.run` of a script, and the private one on
    which summaries are written.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept] = WeakKeyDictionary()

    def here(self) -> Any:
        """The client of the running loop; closed when the loop ends or this object is dropped."""
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            self._by_loop[loop] = _Kept(self, self._make(), loop)
        return self._by_loop[loop].client

    def close(self) -> None:
        """Close every client on its own loop, as soon as that gets to it."""
        kept, self._by_loop = list(self._by_loop.values()), WeakKeyDictionary()
        for each in kept:
            each.drop()

    async def aclose(self) -> None:
        """Close the client of the running loop, and wait until it is."""
        if kept := self._by_loop.pop(asyncio.get_running_loop(), None):
            await kept.guard.aclose()


class _Kept:
    """One client on one loop."""

    def __init__(self, owner: LoopClients, client: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.client = client
        self._loop: asyncio.AbstractEventLoop | None = loop
        self._closing: asyncio.Task[None] | None = None
        # The finalizer keeps the client alive until it is closed: swept away together with its owner, it would not be.
        self._finalizer = weakref.finalize(owner, self.drop)
        self._finalizer.atexit = False
        self.guard = self._close_with_loop()
        with suppress(StopIteration):  # advanced to its `yield`: from then on the loop closes it at its own end
            self.guard.asend(None).__await__().send(None)

    async def _close_with_loop(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._finalizer.detach()
            self._loop = None
            await self.client.aclose()

    def drop(self) -> None:
        """Called in any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._begin_closing)

    def _begin_closing(self) -> None:
        self._closing = asyncio.get_running_loop().create_task(self.guard.aclose())
